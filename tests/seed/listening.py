"""An HTTP server for tests to which many connections may come at once."""

from http.server import ThreadingHTTPServer


class ManyAtOnce(ThreadingHTTPServer):
    """The base class lets some 5 connections wait; where this program is late the kernel drops the others, which come again after
    a second."""

    request_queue_size = 128
