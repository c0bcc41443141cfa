"""The likeliest cause, out of all that is said: which entries of the catalogue explain it, the nearest to the cause first."""

from collections.abc import Iterable
from dataclasses import dataclass

from ci.diagnosis.evidence import Evidence
from tests.conformance.catalogue import Entry, explain

MOST = 3  # further causes that the paragraph names
WIDTH = 300  # characters of a quoted line


@dataclass(frozen=True)
class Cause:
    """An entry of the catalogue, and the first line that it explains."""

    entry: Entry
    seen: Evidence


def causes(evidence: Iterable[Evidence]) -> list[Cause]:
    """What explains the evidence, the likeliest first, each entry once.

    Of one line only the best entry counts: a generic one that finds the same line says nothing more.
    """
    found: dict[str, Cause] = {}
    for piece in evidence:
        for entry in explain(piece.line, piece.place, ["never", "trouble"])[:1]:
            found.setdefault(entry.id, Cause(entry, piece))
    return sorted(found.values(), key=lambda cause: (-cause.entry.near, cause.entry.generic))


def paragraph(release: str, found: list[Cause], evidence: Iterable[Evidence] = (), *, ready: bool) -> str:
    """The guess in words; where the catalogue knows none of the evidence, what KServe or Kubernetes says first."""
    head = f"{release} is Ready." if ready else f"{release} is not Ready."
    if not found:
        rest = "Nothing that is wrong was found." if ready else (
            f"Nothing was found that the catalogue knows. {_first(evidence)}Read the events and the logs beside this file.")
        return f"{head} {rest}"
    first, *others = found
    likely = "What was found" if ready else "The likeliest cause"
    text = (f"{head} {likely} ({first.entry.id}): {first.entry.meaning} What to do: {first.entry.remedy} "
            f"It is said by {first.seen.source} ({first.seen.place}): {first.seen.line.strip()[:WIDTH]}")
    if others:
        further = "; ".join(f"{cause.entry.id} ({cause.entry.meaning.rstrip('.')}; {cause.seen.source})"
                            for cause in others[:MOST])
        text += f". Less likely: {further}."
    return text


def _first(evidence: Iterable[Evidence]) -> str:
    """A sentence with the first condition or state that is not as it should be; nothing where there is none."""
    told = next((piece for piece in evidence if piece.place in ("condition", "state")), None)
    return f"{told.source} says: {told.line.strip()[:WIDTH]}. " if told else ""
