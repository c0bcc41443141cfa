"""A web server whose files need a login, a token or a signature; it runs in a pod of its own, as it is here (see sources.py).

/basic/FILE, /bearer/FILE and /signed/FILE?signature=… are the files of the folder that is its argument. It logs every request.
"""

import base64
import functools
import hmac
import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT = 8000


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
    ThreadingHTTPServer(("", PORT), functools.partial(Guarded, directory=sys.argv[1])).serve_forever()
