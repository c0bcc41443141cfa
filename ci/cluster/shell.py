"""Runs other programs: their output goes to a log, and comes out when they fail."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ci.cluster.errors import Problem

TAIL_LINES = 25
_children: set[subprocess.Popen[Any]] = set()
_ending = threading.Event()


def output(command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str | None = None,
           timeout: float = 600, cwd: Path | None = None) -> str:
    """Standard output of a program. Raises Problem with its error text when it fails or takes longer than `timeout` (s)."""
    feed = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    with child(command, env=env, cwd=cwd, stdin=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise Problem(f"`{' '.join(command)}` gave no answer in {timeout:.0f} s.") from error
    if process.returncode != 0:
        raise Problem(f"`{' '.join(command)}` failed ({process.returncode}): {_tail(err or out)}")
    return out


def succeeds(command: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 60) -> bool:
    """Whether a program can be run and ends with 0 in `timeout` seconds."""
    try:
        output(command, env=env, timeout=timeout)
    except Problem:
        return False
    return True


def run(command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Runs a program with its output appended to `log`. Raises Problem with the log's last lines when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        stream.write(f"$ {' '.join(command)}\n".encode())
        stream.flush()
        with child(command, env=env, cwd=cwd, stdout=stream, stderr=stream) as process:
            status = process.wait()
    if status != 0:
        tail = _tail(log.read_text(errors="replace"))
        raise Problem(f"`{' '.join(command[:6])}` failed ({status}); the end of {log}:\n{tail}")


def piped(source: Sequence[str], sink: Sequence[str]) -> None:
    """Feeds one program's output to another. Raises Problem with their words when either fails."""
    with (tempfile.TemporaryFile("w+", errors="replace") as words,
          child(source, stdout=subprocess.PIPE, stderr=words) as giving):
        with child(sink, stdin=giving.stdout, stdout=subprocess.DEVNULL, stderr=words) as taking:
            giving.stdout.close()  # else the first would wait for ever for a second that has ended
            statuses = taking.wait(), giving.wait()
        words.seek(0)
        said = _tail(words.read())
    if any(statuses):
        raise Problem(f"`{' '.join(source)} | {' '.join(sink)}` failed ({statuses[1]}, {statuses[0]}): {said}")


@contextmanager
def child(command: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program that runs beside us, at the latest until the block ends; options as for Popen."""
    if _ending.is_set() and threading.current_thread() is not threading.main_thread():
        raise Problem(f"`{command[0]}` is not begun any more: the command has failed or was interrupted.")
    try:
        process = subprocess.Popen(command, env={**os.environ, **(env or {})}, **{"stdin": subprocess.DEVNULL, **options})
    except FileNotFoundError as error:
        raise Problem(f"`{command[0]}` is not installed: install it and try again.") from error
    _children.add(process)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            process.wait()
        _children.discard(process)


def end_children() -> None:
    """Ends what other threads run, and lets them begin nothing more: a failed command does not go on in the background."""
    _ending.set()
    for process in list(_children):
        process.terminate()


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])
