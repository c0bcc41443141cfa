"""An image that carries files, for `oci://` sources: made on another image, which has the shell that hands them on."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ci.cluster import images, store


def ensure(base: str, files: Mapping[str, bytes]) -> str:
    """Name of an image in the engine that is `base` with these files in it, built if one of them is new.

    Args:
        base: an image that the engine has.
        files: content by absolute path.
    """
    def make(name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                file = Path(folder, "files", path.lstrip("/"))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            Path(folder, "Dockerfile").write_text(f"FROM {base}\nCOPY files /\n")
            images.docker_build(name, Path(folder))

    key = store.key(base, {path: content.hex() for path, content in files.items()})
    return images.built("model", key, "image with a model", make)
