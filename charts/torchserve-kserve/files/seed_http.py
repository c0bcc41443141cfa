"""http(s)://: what the server says of a source, whether a transfer may go on where it was cut, and trying again."""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import seed_volume
from seed_connection import Connection, Origin, content_range, validator
from seed_errors import UNREACHABLE, Failure, say
from seed_plan import LONGEST_PAUSE, Context, title
from seed_transfer import Transfer, state_file
from seed_window import Changed

Result = TypeVar("Result")


class Source:
    """A URI and what its server said of it: size in bytes or None, whether it honours ranges, and the validator."""

    def __init__(self, item: dict, context: Context) -> None:
        self.origin = Origin(item, context.secrets)
        self.size: int | None = None
        self.ranges, self.validator = False, ""
        self.answer: tuple[Connection, http.client.HTTPResponse] | None = None  # of a server without ranges: all of the content
        given = item["uriFrom"] if "uriFrom" in item else item["uri"]  # a presigned URI is another one each time
        self.uri = hashlib.sha256(json.dumps(given).encode()).hexdigest()

    def probe(self, context: Context) -> None:
        """Ask for one byte."""
        connection = Connection(self.origin, context.timeout)
        answer = connection.get(0, 1)
        found = content_range(answer) if answer.status == 206 else None
        if found and found[:2] == (0, 1):
            self.ranges, self.size, self.validator = True, found[2], validator(answer)
            connection.close()
        elif answer.status == 200:
            self.size, self.answer = answer.length, (connection, answer)
        else:  # of an empty file there is no byte; or what came is no range that anyone asked for
            connection.close()
            answer = connection.get()
            self.size, self.answer = answer.length, (connection, answer)

    @property
    def resumable(self) -> bool:
        return bool(self.ranges and self.validator and self.size)

    def rest(self) -> None:
        """Keep no connection open that another transfer's time would only spoil."""
        if self.answer:
            self.answer[0].close()
            self.answer = None


def needs(item: dict, temp: Path, context: Context) -> int | None:
    """Bytes that are to come, or None; fails where the source is not to be had."""
    source = retrying(item, context, lambda: probed(item, context))
    if any(other.answer for other in context.known.values()):
        source.rest()
    context.known[temp] = source
    return None if source.size is None else source.size - resume_at(source, temp)


def probed(item: dict, context: Context) -> Source:
    source = Source(item, context)
    source.probe(context)
    return source


def obtain(item: dict, temp: Path, context: Context) -> tuple[int, str]:
    """The whole content at `temp`: its bytes and sha256. Content that changes meanwhile is fetched anew, in one stream: the parts
    of one answer belong together."""
    source = context.known.pop(temp, None) or retrying(item, context, lambda: probed(item, context))
    connections = context.connections

    def transfer() -> tuple[int, str]:
        nonlocal source, connections
        start = resume_at(source, temp)
        try:
            size, sha256 = Transfer(item, source, temp, context, connections, start).run()
            if start and sha256 != (item.get("sha256") or sha256).lower():
                raise Changed("with what an earlier run left it has another sha256")
            return size, sha256
        except Changed:
            source.rest()
            connections = 1
            seed_volume.remove(state_file(temp))
            source = probed(item, context)
            raise

    return retrying(item, context, transfer)


def resume_at(source: Source, temp: Path) -> int:
    """So many bytes at `temp` are of this very content and were safely written by a run that was stopped."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        state = json.loads(state_file(temp).read_bytes())
        if source.resumable and state["content"] == [source.uri, source.validator, source.size]:
            return min(int(state["bytes"]), temp.stat().st_size)
    return 0


def retrying(item: dict, context: Context, action: Callable[[], Result]) -> Result:
    """The action's result; again where that may help, unless the action itself has tried all it can."""
    for pause in context.pauses():
        try:
            return action()
        except Failure as failure:
            if failure.args[0] != UNREACHABLE or failure.final or pause is None:
                raise
            wait = max(pause, min(failure.pause, LONGEST_PAUSE))
            say(f"{title(item)}: {failure.args[1]}; trying again in {wait:.2g} s")
        time.sleep(wait)
    raise AssertionError("pauses have no end")
