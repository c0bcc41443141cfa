"""The pieces of a file that several connections bring, until the sha256 is made of them in order.

A piece stays in memory until it is its turn, so nothing is read again, and no more than a window of pieces is ahead of the
sha256. A connection that breaks gives its piece back, with what came of it; where one is slow while others wait for it, another
fetches the same piece, too. Only when no connection brings anything any more is the transfer given up.
"""
from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from seed_errors import UNREACHABLE, Failure

if TYPE_CHECKING:
    from seed_transfer import Worker

SLOW = 2.0  # seconds for which a piece is left to its connection in any case


class Changed(Failure):
    """An answer is not of the content that the others are of."""

    def __init__(self, cause: str) -> None:
        super().__init__(UNREACHABLE, cause)


class Piece:
    """Bytes from `start`, `size` at most; `filled` of them came. A piece that two connections fetch is two of these."""

    def __init__(self, start: int, size: int, buffer: memoryview) -> None:
        self.start, self.size, self.buffer, self.filled = start, size, buffer, 0
        self.since: float = 0.0
        self.worker: Worker | None = None


class Window:
    """The pieces between what is hashed and what nobody has asked for yet."""

    def __init__(self, start: int, size: int | None, piece: int, count: int) -> None:
        self.hashed = self.next = start
        self.size, self.piece = size, piece
        self.free = count + 1  # buffers; one is spare, for a piece that is fetched twice
        self.buffers: list[memoryview] = []
        self.running: list[Piece] = []
        self.given_back: list[Piece] = []
        self.ready: dict[int, Piece] = {}
        self.usual = 0.0  # seconds that a piece takes
        self.workers = 0
        self.error: BaseException | None = None
        self.over = False
        self.told = 0.0
        self.changed = threading.Condition(threading.RLock())

    def take(self, worker: Worker) -> Piece | None:
        """The next piece to fetch, once there is room for it; None when all are fetched."""
        with self.changed:
            while not self.over and not self.all_came:
                if piece := self._given_back() or self._new() or self._slow():
                    piece.since, piece.worker = time.monotonic(), worker
                    self.running.append(piece)
                    return piece
                self.changed.wait(0.2)
            return None

    @property
    def all_came(self) -> bool:
        return self.size is not None and self.next >= self.size and not (self.running or self.given_back)

    def _given_back(self) -> Piece | None:
        if not self.given_back:
            return None
        self.given_back.sort(key=lambda piece: -piece.start)
        return self.given_back.pop()

    def _new(self) -> Piece | None:
        if self.free <= 1 or (self.size is not None and self.next >= self.size):
            return None
        start = self.next
        size = self.piece if self.size is None else min(self.piece, self.size - start)
        self.next += size
        return Piece(start, size, self._buffer())

    def _slow(self) -> Piece | None:
        """The piece that the sha256 waits for, if one connection alone has had it for unusually long."""
        first = [piece for piece in self.running if piece.start == self.hashed and piece.start not in self.ready]
        late = max(SLOW, 3 * self.usual)
        if self.free < 1 or self.size is None or len(first) != 1 or time.monotonic() - first[0].since < late:
            return None
        return Piece(first[0].start, first[0].size, self._buffer())

    def _buffer(self) -> memoryview:
        self.free -= 1
        return self.buffers.pop() if self.buffers else memoryview(bytearray(self.piece))

    def release(self, piece: Piece) -> None:
        """Its buffer may be used again."""
        with self.changed:
            self.free += 1
            self.buffers.append(piece.buffer)
            self.changed.notify_all()

    def wanted(self, piece: Piece) -> bool:
        """Whether nobody else has brought it meanwhile."""
        return not self.over and piece.start >= self.hashed and piece.start not in self.ready

    def done(self, piece: Piece) -> bool:
        """It is in the file; False if it was there before. Whoever still fetches it, too, is stopped."""
        with self.changed:
            self.running.remove(piece)
            if not self.wanted(piece):
                self.release(piece)
                return False
            took = time.monotonic() - piece.since
            self.usual = 0.8 * self.usual + 0.2 * took if self.usual else took
            self.ready[piece.start] = piece
            for other in self.running:
                if other.start == piece.start:
                    other.worker.connection.abort()
            self.changed.notify_all()
            return True

    def back(self, piece: Piece) -> bool:
        """It was not brought; False if it need not be, as another connection brings or has brought it."""
        with self.changed:
            self.running.remove(piece)
            needed = self.wanted(piece) and not any(other.start == piece.start for other in self.running)
            if needed:
                self.given_back.append(piece)
            else:
                self.release(piece)
            self.changed.notify_all()
            return needed

    def fail(self, error: BaseException, only_if_last: bool = False) -> None:
        """A worker ends; with it all do, or only where it was the last."""
        with self.changed:
            self.workers -= 1
            if not self.error and not self.over and (self.workers == 0 or not only_if_last):
                self.error = error
            self.changed.notify_all()

    def end_at(self, size: int) -> None:
        """The answer ended: the file has this size."""
        with self.changed:
            self.size = self.next = size
            self.changed.notify_all()

    def first(self, seconds: float) -> Piece | None:
        """The piece that is next for the sha256; None if it is not there after these seconds."""
        with self.changed:
            if self.hashed not in self.ready and not self.error:
                self.changed.wait(seconds)
            if self.error:
                raise self.error
            return self.ready.get(self.hashed)

    def hash_made(self, piece: Piece) -> None:
        with self.changed:
            del self.ready[piece.start]
            self.hashed += piece.filled
        self.release(piece)

    def close(self) -> None:
        with self.changed:
            self.over = True
            for piece in self.running:
                piece.worker.connection.abort()
            self.changed.notify_all()

    def may_tell(self) -> bool:
        """Once a second: many connections break at once, of one cause."""
        with self.changed:
            now = time.monotonic()
            tell = now - self.told > 1 or not self.told
            self.told = now if tell else self.told
            return tell

    def sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self.changed:
            while not self.over and (left := deadline - time.monotonic()) > 0:
                self.changed.wait(left)
