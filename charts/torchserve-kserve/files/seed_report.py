"""How a run says that it failed: on stderr, in the termination log, and in an error file, which a waiting server reads."""
from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from pathlib import Path

import seed_volume
from seed_errors import Failure, say


class Report:
    """The error file of a plan, and what else is said of a failure."""

    def __init__(self, options: Namespace, root: Path, plan: str) -> None:
        self.options, self.plan, self.error = options, plan, root / f"{plan}.error"
        self.sentence = root / "tmp" / self.error.name  # the error file, before it has its name

    def clear(self) -> None:
        """What an earlier run failed with isn't so any more. Before all else: a server that waits would end with it."""
        with contextlib.suppress(OSError):  # a volume that is only read
            self.error.unlink(missing_ok=True)

    def reserve(self) -> None:
        """Room for a sentence, should the volume be full when there is something to say."""
        with contextlib.suppress(OSError):
            self.sentence.write_bytes(bytes(4096))

    def forget(self) -> None:
        with contextlib.suppress(OSError):
            self.sentence.unlink(missing_ok=True)

    def failed(self, failure: Failure) -> int:
        """Say it; the exit code."""
        code, line = failure.args[0], failure.line + "\n"
        print(line, end="", file=sys.stderr, flush=True)
        if self.options.json:
            say(failure.line.partition(" ")[2], "failed", code=code)
        with contextlib.suppress(OSError), self.options.termination_log.open("r+", encoding="utf-8") as log:
            log.write(line)
        if self.plan and not self.options.receive and self.options.destination.is_dir():
            with contextlib.suppress(OSError):
                self.sentence.parent.mkdir(parents=True, exist_ok=True)
                with self.sentence.open("r+" if self.sentence.exists() else "w", encoding="utf-8") as file:
                    file.write(line)
                    file.truncate()
                seed_volume.publish(self.sentence, self.error)
            self.forget()
        return code
