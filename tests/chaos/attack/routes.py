"""What may come of a request, out of docs/security.md: the paths that answer, and the errors that are the server's."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from ci.cluster.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "security.md"
FLAVOURS = ("native", "wrapper")
# A server that answers before it has read so much may close the connection before the client has read the answer.
MUCH = 64 * 1024


class Row(NamedTuple):
    """A row of one of the page's tables.

    Attributes:
        path: what the target has to be.
        methods: with which of these; none for any.
        statuses: what may be answered.
        words: what the answer has to have in it.
    """

    path: re.Pattern[str]
    methods: set[str]
    statuses: set[int]
    words: str


def _cells(heading: str) -> Iterator[list[str]]:
    """The rows of the table under a heading, without their `."""
    _, _, after = PAGE.read_text().partition(f"### {heading}\n")
    for line in after.partition("\n#")[0].splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.split("|")[1:-1]]
        if line.startswith("| ") and not set(line) <= set("| -") and cells[0] not in ("path", "answer"):
            yield cells


def _pattern(path: str, model: str) -> re.Pattern[str]:
    """`{model}` is the model, `…` anything; a target's query is no part of it."""
    if path == "no path":
        return re.compile(r"[^/].*|")
    pieces = [re.escape(piece) for piece in path.replace("{model}", model).split("…")]
    return re.compile(".*".join(pieces), re.DOTALL)


@cache
def answering(flavour: str, model: str) -> list[Row]:
    """The paths that answer with 2xx or 3xx."""
    found = []
    for path, methods, native, wrapper, *_ in _cells("Paths that answer"):
        status = {"native": native, "wrapper": wrapper}[flavour]
        if status:
            named = set() if methods == "any" else set(methods.split(", "))
            found += [Row(_pattern(one, model), named, {int(status)}, "") for one in path.split(", ")]
    return found


@cache
def failing(flavour: str, model: str) -> list[Row]:
    """The answers of 5xx."""
    return [Row(_pattern(one, model), set(), {int(status)}, words)
            for status, words, at, of, *_ in _cells("Errors that are the server's") if of in (flavour, "both")
            for one in at.split(", ")]


def _fits(row: Row, method: str, target: str, status: int, text: str) -> bool:
    # Servers take the path of an absolute URL, and a path as it is once decoded.
    path = unquote(re.sub(r"^https?://[^/]*", "", re.split(r"[?#]", target)[0]), "latin-1")
    return (status in row.statuses and bool(row.path.fullmatch(path)) and (not row.methods or method in row.methods)
            and (method == "HEAD" or row.words in text))


def wrong(result: dict[str, Any], flavour: str, model: str) -> str:
    """What is wrong with what came of a request (a line of send.py); empty where nothing is."""
    method, target, answers = result["method"], result["target"], [tuple(answer) for answer in result["answers"]]
    if not answers:
        may_be = not result["whole"] or (result["bytes"] > MUCH and result["end"] != "nothing more came")
        return "" if may_be else f"no answer: {result['end']}"
    rows = answering(flavour, model) + failing(flavour, model)
    for place, (status, text) in enumerate(answers):
        right = 400 <= status < 500 or status == 100
        # The second of two answers is to the hidden request, which asks for the management API.
        if not right and (place > 0 or not any(_fits(row, method, target, status, text) for row in rows)):
            return f"answer {place + 1} is {status}: {text[:200]}"
    return ""
