"""P4: what loading a big model that is no archive reads from the claim, and what it writes to the pod's disk."""

import os
from collections.abc import Callable
from pathlib import Path

from ci.cluster.report import timings
from tests.bench import arms, handlers
from tests.bench.containers import running
from tests.bench.results import Figure


def test_a_big_model_is_read_once_and_not_copied(image: str, tmp_path: Path, record: Callable[..., None]) -> None:
    with timings.stage("P4"):
        model = handlers.big(tmp_path / "big", image)
        size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
        arguments = arms.ours(image, tmp_path / "ours", model)
        forget(model / "weights.pt")
        with running(arguments, handlers.TRIVIAL_BODY) as server:
            read, written = server.counters.disk()
    record(Figure("P4", f"bytes written ÷ model size, {size / 1e6:.0f} MB, no-archive", written / size, 0.01, 0,
                  note=f"{written / 2**10:.0f} KiB: the start's own files in /tmp", details={"written": written, "size": size}),
           Figure("P4", f"bytes read ÷ model size, {size / 1e6:.0f} MB, no-archive", read / size, 1.05, 1,
                  note="torch.load, from a cold cache of that file; what the start itself reads is in it",
                  details={"read": read, "size": size}))
    assert read > size / 2, "the file was not read from the disk: the cache was warm"


def forget(file: Path) -> None:
    """Drops a file's pages from the kernel's cache."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
