"""One transfer: its connections at work, the sha256 made meanwhile, and a note of how far it is, for the run after a kill."""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seed_connection import Connection, content_range, validator
from seed_errors import UNREACHABLE, Failure, say
from seed_plan import LONGEST_PAUSE, Context, title
from seed_window import Changed, Piece, Window

if TYPE_CHECKING:
    from seed_http import Source

MEMORY = 28 << 20  # bytes of all pieces that are held
LARGEST, SMALLEST = 2 << 20, 64 << 10  # bytes of a piece
SLICE = 256 << 10  # bytes between two looks at what happens elsewhere
SAVE_SECONDS = 0.1  # between two notes, at least
CHANGED = "it changed while it was fetched, or its server does not honour ranges after all"


def state_file(temp: Path) -> Path:
    return temp.with_name(f"{temp.name}.state")


class Transfer:
    """Brings the source to `temp`, whose first `start` bytes are there already."""

    def __init__(self, item: dict, source: Source, temp: Path, context: Context, connections: int, start: int) -> None:
        self.item, self.source, self.temp, self.context, self.start = item, source, temp, context, start
        self.connections = connections if source.resumable else 1
        share = min((source.size or MEMORY) // (8 * self.connections), LARGEST, MEMORY // (2 * self.connections))
        piece = max(share // SMALLEST, 1) * SMALLEST
        count = min(MEMORY // piece, 4 * self.connections)
        self.window = Window(start, source.size, piece, max(count, 2))

    def run(self) -> tuple[int, str]:
        """Bytes and sha256 of the file."""
        digest = self.prepare()
        left = 1 if self.source.size is None else -(-(self.source.size - self.start) // self.window.piece)
        workers = [Worker(self) for _ in range(min(self.connections, left))]
        self.window.workers = len(workers)
        with self.noted():
            try:
                for worker in workers:
                    worker.start()
                self.make(digest)
            except Failure as failure:
                failure.final = self.source.resumable and not isinstance(failure, Changed)
                raise
            finally:
                self.window.close()
        for worker in workers:
            worker.join(1.0)
        return self.window.hashed, digest.hexdigest()

    def prepare(self):
        """The file, cut to what is known to be right, and the sha256 of that."""
        digest = hashlib.sha256()
        self.context.progress.start(self.item["model"], Path(self.item["path"]).name, self.source.size, self.start)
        if not self.start:
            self.give_up_file()
        with self.temp.open("r+b" if self.start else "x+b", buffering=0) as file:
            buffer = memoryview(bytearray(SLICE))
            while count := file.readinto(buffer[: self.start - file.tell()]):
                digest.update(buffer[:count])
            file.truncate()
        if self.start:
            say(f"{self.item['model']}: going on after {self.start:,} of {self.source.size:,} bytes")
        return digest

    def give_up_file(self) -> None:
        """The next is another file under this name: what a worker of an earlier try still writes, late, must not be in it. The
        old one takes no room meanwhile."""
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.temp, 0)
            self.temp.unlink()

    def make(self, digest) -> None:
        while (size := self.window.size) is None or self.window.hashed < size:
            if piece := self.window.first(1.0):
                digest.update(piece.buffer[: piece.filled])
                self.window.hash_made(piece)
            else:
                self.context.progress.moved(0)

    @contextlib.contextmanager
    def noted(self):
        """Meanwhile, and when it ends early, note from time to time how much of the file is on the volume for good."""
        notes = Notes(self) if self.source.resumable else None
        if notes:
            notes.start()
        try:
            yield
        except BaseException:
            if notes:
                notes.save()
            raise
        finally:
            if notes:
                with notes.lock:  # none is written any more
                    notes.end.set()


class Notes(threading.Thread):
    """The state file: of what content how many bytes are there. They are synchronized first: it holds after a power cut, too."""

    def __init__(self, transfer: Transfer) -> None:
        super().__init__(daemon=True)
        self.transfer, self.saved, self.end, self.lock = transfer, transfer.start, threading.Event(), threading.Lock()

    def run(self) -> None:
        pause = SAVE_SECONDS
        while not self.end.wait(pause):
            started = time.monotonic()
            self.save()
            pause = max(SAVE_SECONDS, 4 * (time.monotonic() - started))

    def save(self) -> None:
        source, temp = self.transfer.source, self.transfer.temp
        with self.lock, contextlib.suppress(OSError):
            hashed = self.transfer.window.hashed
            if hashed == self.saved or self.end.is_set():
                return
            with temp.open("r+b", buffering=0) as file:
                getattr(os, "fdatasync", os.fsync)(file.fileno())
            state = {"content": [source.uri, source.validator, source.size], "bytes": hashed}
            new = temp.with_name(f"{temp.name}.state-new")
            new.write_text(json.dumps(state), encoding="utf-8")
            new.replace(state_file(temp))
            self.saved = hashed


class Worker(threading.Thread):
    """A connection that brings one piece after the other; the only one of a transfer takes them all from one answer."""

    def __init__(self, transfer: Transfer) -> None:
        super().__init__(daemon=True)
        self.transfer, self.window, self.source = transfer, transfer.window, transfer.source
        self.connection, self.answer = Connection(self.source.origin, transfer.context.timeout), None
        self.stream = transfer.connections == 1
        if self.stream and self.source.answer and not transfer.start:
            (self.connection, self.answer), self.source.answer = self.source.answer, None

    def run(self) -> None:
        try:
            file = os.open(self.transfer.temp, os.O_WRONLY)  # its own: a late write must not meet another file
            try:
                self.work(file)
            finally:
                os.close(file)
                self.connection.close()
        except BaseException as error:  # the transfer ends with it
            self.window.fail(error)

    def work(self, file: int) -> None:
        pauses = self.transfer.context.pauses()
        while piece := self.window.take(self):
            before = piece.filled
            try:
                self.bring(piece)
                self.write(file, piece)
            except Failure as failure:
                self.hang_up()
                needed = self.window.back(piece)
                if isinstance(failure, Changed) or not self.source.resumable:
                    raise
                if not needed:
                    continue
                if piece.filled - before >= SMALLEST // 2:
                    pauses = self.transfer.context.pauses()
                pause = next(pauses)
                if failure.args[0] != UNREACHABLE or pause is None:
                    self.window.fail(failure, only_if_last=True)
                    return
                self.rest(failure, pause)
            else:
                pauses = self.transfer.context.pauses()
                self.window.done(piece)
                if not self.stream:
                    self.finish()

    def rest(self, failure: Failure, pause: float) -> None:
        pause = max(pause, min(failure.pause, LONGEST_PAUSE))
        if self.window.may_tell():
            say(f"{title(self.transfer.item)}: {failure.args[1]}; trying again in {pause:.2g} s")
        self.window.sleep(pause)

    def bring(self, piece: Piece) -> None:
        """Fill the piece from where it is; its own answer, or the one that goes on."""
        if not self.answer:
            self.answer = self.ask(piece.start + piece.filled, None if self.stream else piece.start + piece.size)
        while piece.filled < piece.size:
            if not self.window.wanted(piece):
                raise Failure(UNREACHABLE, "another connection was faster")
            count = self.connection.read(self.answer, piece.buffer[piece.filled : min(piece.filled + SLICE, piece.size)])
            piece.filled += count
            self.transfer.context.progress.moved(count)
            if not count:
                self.ended(piece)
                break

    def finish(self) -> None:
        """Leave the connection ready for its next question. An answer in chunks has an end of its own, which is unread so far."""
        answer, self.answer = self.answer, None
        with contextlib.suppress(Failure):
            if not answer.isclosed():
                self.connection.read(answer, memoryview(bytearray(1)))
        if not answer.isclosed():
            self.connection.close()

    def ended(self, piece: Piece) -> None:
        """The answer has no more bytes."""
        came, size = piece.start + piece.filled, self.window.size
        if size is not None:
            raise Failure(UNREACHABLE, f"the transfer was cut after {came:,} of {size:,} bytes")
        if came != (self.source.size or came):
            raise Changed(CHANGED)
        piece.size = piece.filled
        self.window.end_at(came)

    def ask(self, start: int, end: int | None) -> http.client.HTTPResponse:
        """The answer with these bytes; Changed where it isn't of the same content as those before."""
        source = self.source
        if start == 0 and end is None:
            answer = self.connection.get()
            source.validator = validator(answer)
            if answer.status == 200 and answer.length in (None, source.size):
                if answer.length is None:  # in chunks: its end tells
                    self.window.size = None
                return answer
        else:
            answer = self.connection.get(start, end, source.validator)
            told = validator(answer)
            same = told == source.validator or not (told or source.validator.startswith('"'))
            if answer.status == 206 and same and content_range(answer) == (start, end or source.size, source.size):
                return answer
        raise Changed(CHANGED)

    def write(self, file: int, piece: Piece) -> None:
        done = 0
        while done < piece.filled and self.window.wanted(piece):
            done += os.pwrite(file, piece.buffer[done : piece.filled], piece.start + done)

    def hang_up(self) -> None:
        self.connection.close()
        self.answer = None
