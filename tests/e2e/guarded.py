"""A web server over TLS whose files need a login, a token or a signature; it runs in a pod, as it is here (see sources.py).

    guarded.py FOLDER CERTIFICATES

/basic/FILE, /bearer/FILE and /signed/FILE?signature=… are the folder's files. CERTIFICATES has tls.crt and tls.key. It logs
every request.
"""

import base64
import functools
import hmac
import os
import ssl
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8443


class Guarded(SimpleHTTPRequestHandler):
    """Takes what the environment says: LOGIN_USER and LOGIN_PASSWORD, TOKEN, SIGNATURE."""

    def send_head(self):
        """The file that is asked for, if it may be had."""
        where = urlsplit(self.path)
        _, gate, self.path = where.path.split("/", 2)
        authorization = self.headers.get("Authorization", "")
        login = f"{os.environ['LOGIN_USER']}:{os.environ['LOGIN_PASSWORD']}".encode()
        wanted, given = {
            "basic": ("Basic " + base64.b64encode(login).decode(), authorization),
            "bearer": ("Bearer " + os.environ["TOKEN"], authorization),
            "signed": (os.environ["SIGNATURE"], parse_qs(where.query).get("signature", [""])[0]),
        }[gate]
        if not hmac.compare_digest(wanted, given):
            self.send_error(403 if gate == "signed" else 401)
            return None
        return super().send_head()


if __name__ == "__main__":
    folder, certificates = sys.argv[1:]
    server = ThreadingHTTPServer(("", PORT), functools.partial(Guarded, directory=folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificates}/tls.crt", f"{certificates}/tls.key")
    # Not at once: who connects and says nothing, like the kubelet, would keep all others waiting.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()
