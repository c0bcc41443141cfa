"""What the tests know of the containers: their images, what the storage initializer has done, and the servers' clients."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ci.route import Route


@dataclass(frozen=True)
class Images:
    """Names of the images in the engine."""

    s3: str
    gcs: str
    initializer: str


@dataclass(frozen=True)
class Gcs:
    """Google Cloud Storage's JSON API at the end of a route, without credentials."""

    route: Route

    def make_bucket(self, bucket: str) -> None:
        self.route.request("POST", "storage/v1/b?project=tests", json={"name": bucket}).raise_for_status()

    def put(self, bucket: str, name: str, content: bytes) -> str:
        """Stores an object; its URI."""
        place = f"upload/storage/v1/b/{quote(bucket)}/o?uploadType=media&name={quote(name, safe='')}"
        self.route.request("POST", place, data=content).raise_for_status()
        return f"gs://{bucket}/{name}"


@dataclass(frozen=True)
class Fetched:
    """What the storage initializer has done.

    Attributes:
        status: its exit status.
        log: all it printed.
        folder: what it wrote to `/mnt/models`.
    """

    status: int
    log: str
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Content of every file by its path below the folder."""
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in self.folder.rglob("*") if file.is_file()}
