"""The HTTP server that the tests' servers are: many connections may come at once."""

from http.server import ThreadingHTTPServer


class ManyAtOnce(ThreadingHTTPServer):
    """With the 5 of the base class the kernel drops the sixth where this program is late, and it comes again after a second."""

    request_queue_size = 128
    daemon_threads = True
