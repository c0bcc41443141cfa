"""A loopback HTTP server for files of this machine, so that a seed plan's http source is a real one."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path


@contextmanager
def served(files: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    """Serves each file at a URL of 127.0.0.1 until the block ends; yields the URLs under the given names."""
    by_path = {f"/{name}/{file.name}": file for name, file in files.items()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, by_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {name: f"http://127.0.0.1:{server.server_port}/{name}/{file.name}" for name, file in files.items()}
    finally:
        server.shutdown()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, files: Mapping[str, Path], *arguments: object, **options: object) -> None:
        self._files = files
        super().__init__(*arguments, **options)  # type: ignore[arg-type]

    def translate_path(self, path: str) -> str:
        return str(self._files.get(path, "/nonexistent"))

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: the seed program reports what it fetched."""
