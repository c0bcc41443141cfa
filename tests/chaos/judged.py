"""What came of a values file: objects that Kubernetes and KServe take, an error that names the key, or a fault of the chart."""

from __future__ import annotations

import collections
import json
import re
from enum import Enum
from typing import NamedTuple

import yaml

from ci.cluster.objects import read
from tests.chaos.generated import File, passed_through
from tests.unit.batch import Answer, coalesced, defaults
from tests.unit.leaves import ENTRY, ITEM, SCHEMA, below, resolved
from tests.unit.schemas import faults

# One step of a path in an error: a name, an index, or a name in brackets because it has dots in it.
STEP = re.compile(r"""\.?([A-Za-z_<>][^.\[:;\s]*|\d+)|\[["']?([^\]]*?)["']?\]""")


class Outcome(Enum):
    """What came of it; only the last one is wrong."""

    RENDERED = "rendered, and the schemas take it"
    MISFIT = "refused by values.schema.json"
    RULE = "refused by a sentence of the chart"
    OTHERS = "passed through as written, for the API server to refuse"
    WRONG = "wrong"


class Verdict(NamedTuple):
    """What came of a values file.

    Attributes:
        why: what is wrong, or the error that was right to come.
        objects: what was rendered.
    """

    outcome: Outcome
    why: str = ""
    objects: tuple[dict, ...] = ()


def names_a_key(sentence: str) -> bool:
    """Whether it begins with a key of the values, as the schema has it."""
    node, place = SCHEMA, 0
    while found := STEP.match(sentence, place):
        name, children = found[1] or found[2], below(node)
        if not children:  # an open map or a text: what is in it has names of its own
            break
        following = children.get(name) or children.get(ITEM if name.isdigit() else ENTRY) or children.get(ENTRY)
        if following is None:
            break
        node, place = resolved(following), found.end()
    return place > 0 and not sentence[place:place + 1].isalnum()


def _words(value: object) -> set[str]:
    """Every name in a value, however deep."""
    if isinstance(value, dict):
        return {word for key, child in value.items() for word in (key, *_words(child))}
    return {word for child in value for word in _words(child)} if isinstance(value, list) else set()


def written(values: dict) -> set[str]:
    """Every name in what is passed through, and the last name of each key that is."""
    found = set()
    for key in passed_through():
        here: object = coalesced(values, defaults())
        for step in key.path:
            here = here.get(step) if isinstance(here, dict) else None
        found |= {key.path[-1], *_words(here)} if here else set()
    return found


def _is_object(item: object) -> bool:
    """Whether helm can read what it needs to know of a document."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return (isinstance(metadata, dict) and all(isinstance(item.get(key), str) for key in ("apiVersion", "kind"))
            and all(isinstance(metadata.get(key), dict | None) for key in ("annotations", "labels")))


def _faults(item: object) -> list[str]:
    """What is wrong with a document."""
    if not _is_object(item):
        return [f"helm can't read it: {str(item)[:100]}"]
    try:
        return [f"{item['kind']}: {fault}" for fault in faults(item)]
    except KeyError:  # of a kind that the chart doesn't know
        return [f"{item.get('kind')}: extraObjects"]


def judge(file: File, answer: Answer) -> Verdict:
    """The verdict on what the chart made of a file."""
    if answer.failed:
        return Verdict(Outcome.WRONG, f"a template fails: {answer.failed.strip()}")
    if answer.unfit:
        tops = {change.place.partition(".")[0] for change in file.changes}
        named = [line for line in answer.unfit.splitlines() if re.split(r"[.:\[]", line.removeprefix("$."))[0] in tops]
        return Verdict(Outcome.MISFIT if named else Outcome.WRONG, answer.unfit)
    if answer.said:
        nameless = [line for line in answer.said.splitlines() if not names_a_key(line)]
        return Verdict(Outcome.WRONG, f"no key is named: {nameless}") if nameless else Verdict(Outcome.RULE, answer.said)
    try:
        objects = tuple(read(answer.text))
    except yaml.YAMLError as error:
        return Verdict(Outcome.WRONG, f"no YAML: {error}")
    wrong = [fault for item in objects for fault in _faults(item)]
    known = written(json.loads(file.values)) if wrong else set()
    ours = [fault for fault in wrong if not known & set(re.findall(r"\w[\w./-]*", fault.replace("'", " ").replace(".", " ")))]
    times = collections.Counter(f"{item.get('kind')} {item.get('metadata')}" for item in objects if isinstance(item, dict))
    ours += [f"twice: {identity}" for identity, number in times.items() if number > 1]
    ours += [str(item)[:100] for item in objects if not _is_object(item)]
    if ours:
        return Verdict(Outcome.WRONG, "\n".join(ours), objects)
    return Verdict(Outcome.OTHERS if wrong else Outcome.RENDERED, "\n".join(wrong), objects)
