"""A package index in the container: index.py PORT DIRECTORY [USER:PASSWORD]; the simple repository API (PEP 503).
Without a directory it takes connections and never answers."""

import base64
import functools
import http.server
import socket
import sys
import time


class Index(http.server.SimpleHTTPRequestHandler):
    """Folders and their files, for those who log in."""

    login = ""

    def do_GET(self) -> None:
        """Files, or status 401."""
        expected = "Basic " + base64.b64encode(self.login.encode()).decode()
        if self.login and self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()


if len(sys.argv) > 2:
    Index.login = sys.argv[3] if len(sys.argv) > 3 else ""
    handler = functools.partial(Index, directory=sys.argv[2])
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(600)
