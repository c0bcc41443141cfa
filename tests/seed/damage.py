"""Model archives that are damaged where only reading their manifest shows it."""

from __future__ import annotations

import io
import struct
import zipfile

from tests.seed.server import mar

CENTRAL = struct.Struct("<4s6H3L5H2L")  # a file's entry in the directory at the end of a zip


def packed(manifest: str) -> bytes:
    """An archive with only a manifest, compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("MAR-INF/MANIFEST.json"), manifest, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def broken_inside() -> bytes:
    """What is compressed can't be unpacked: no such block."""
    content = bytearray(packed("{}" * 50))
    start = 30 + len("MAR-INF/MANIFEST.json")
    content[start : start + 4] = b"\xff" * 4
    return bytes(content)


def encrypted() -> bytes:
    """By its flags, in both places."""
    content = bytearray(mar())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def ends_early() -> bytes:
    """The directory says that there is more of the manifest than the file has."""
    content = bytearray(mar())
    at = content.index(b"PK\x01\x02")
    fields = list(CENTRAL.unpack_from(content, at))
    fields[8] = fields[9] = 1 << 19
    CENTRAL.pack_into(content, at, *fields)
    return bytes(content)


def nested() -> bytes:
    """Deeper than a parser goes."""
    return packed("[" * 200_000)


ALL = {"broken inside": broken_inside(), "encrypted": encrypted(), "ends early": ends_early(), "nested": nested()}
