"""A file server inside the cluster that is slow, and that lets a transfer go on where it was cut."""

from __future__ import annotations

from ci import pods
from ci.files_pod import NAME, PORT, FilesPod
from ci.release import Release

RATE = 96 << 10  # bytes per second and connection
SERVER = f"""
import http.server, os, re, time

SENT = []

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/sent":
            return self.answer(200, str(sum(SENT)).encode())
        if not os.path.exists("/srv" + self.path):
            return self.answer(404, b"")
        with open("/srv" + self.path, "rb") as file:
            data = file.read()
        wanted = re.match(r"bytes=([0-9]+)-([0-9]*)$", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        end = min(int(wanted[2]) + 1 if wanted and wanted[2] else len(data), len(data))
        more = {{"Content-Range": f"bytes {{start}}-{{end - 1}}/{{len(data)}}"}} if wanted else {{}}
        self.answer(206 if wanted else 200, data[start:end], ETag=f'"{{len(data)}}"', **more)

    def answer(self, status, data, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for at in range(0, len(data), 16384):
            part = data[at:at + 16384]
            self.wfile.write(part)
            SENT.append(len(part))
            time.sleep(len(part) / {RATE})

http.server.ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""
ASK = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{PORT}/sent').read().decode())"


class SlowFiles(FilesPod):
    """The file server of one namespace, which takes files as fast as the other one and gives them away slowly."""

    def sent(self) -> int:
        """How many bytes of bodies it has sent so far."""
        return int(Release(self.api, self.namespace, NAME).execute(NAME, "python", "-c", ASK, container=NAME))

    def _pod(self) -> dict[str, object]:
        return pods.pod(NAME, self.image, {"/srv": {"emptyDir": {}}}, command=["python", "-c", SERVER])
