"""What the tests know of the containers: their images, and what the storage initializer has done."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Images:
    """Names of the images in the engine."""

    s3: str
    gcs: str
    initializer: str


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
