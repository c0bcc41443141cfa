"""A text that the plan itself holds: written whole, and replaced where the claim has another one."""
from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from seed_plan import Context


def needs(item: dict, _: Path, __: Context) -> int:
    """Bytes that are to come."""
    return len(item["text"].encode())


def obtain(item: dict, temp: Path, _: Context) -> tuple[int, str]:
    """Write it to `temp`: its bytes and sha256."""
    temp.write_bytes(item["text"].encode())
    return told(item)


def in_place(item: dict, final: Path) -> tuple[int, str] | None:
    """Bytes and sha256 of this very text; None where another one, or none, is there. No marker vouches for it: all plans have
    the same name for it, and another plan's may be as long."""
    content = item["text"].encode()
    with contextlib.suppress(OSError):
        if final.stat().st_size == len(content) and final.read_bytes() == content:
            return told(item)
    return None


def told(item: dict) -> tuple[int, str]:
    content = item["text"].encode()
    return len(content), hashlib.sha256(content).hexdigest()
