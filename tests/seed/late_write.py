"""The seed program with its first write to a file held back until the whole transfer is over: as late as a write can come.

    late_write.py SEED OPTION…     (what seed.py takes)

In a real run it is the volume that holds a write back. Here it waits for what comes next, so that no test waits for a time.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(sys.argv[1]).parent))

import seed
import seed_archive
import seed_transfer

first, over, written = threading.Lock(), threading.Event(), threading.Event()
pwrite, check = os.pwrite, seed_archive.check


def late(file: int, content: memoryview, at: int) -> int:
    if not first.acquire(blocking=False):
        return pwrite(file, content, at)
    content = bytes(content)  # the window gives its buffer to another piece
    over.wait(30)
    try:
        return pwrite(file, content, at)
    finally:
        written.set()


def checked(*args) -> None:
    """The transfer is over; what follows is the file's final name."""
    check(*args)
    over.set()
    assert written.wait(30), "no write was held"


seed_transfer.os = SimpleNamespace(**{**vars(os), "pwrite": late})
seed_archive.check = checked
sys.exit(seed.main(sys.argv[2:]))
