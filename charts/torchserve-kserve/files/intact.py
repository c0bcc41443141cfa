"""Whether an archive is whole: asked when its model does not load, since TorchServe unpacks what it can of a damaged one, and
then names something else. Reads all of it."""
from __future__ import annotations

import zipfile
import zlib
from pathlib import Path


def damage(archive: Path) -> str:
    """What is wrong with the file; "" where nothing is, and for a directory."""
    if archive.is_dir():
        return ""
    try:
        with zipfile.ZipFile(archive) as opened:
            broken = opened.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        return str(error) or type(error).__name__
    except (RuntimeError, NotImplementedError):  # encrypted, or packed in a way that this Python does not know
        return ""
    return f"{broken} in it is not what was packed" if broken else ""
