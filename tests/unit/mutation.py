"""Values in which a leaf of the schema is alive, and the same values with another value of that leaf alone."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

from tests.unit.batch import coalesced, defaults
from tests.unit.cases import CASES, SMALLEST
from tests.unit.fitting import validator
from tests.unit.leaves import ENTRY, ITEM, SCHEMA, Key, Path, below, checked_alone, resolved
from tests.unit.mutation_bases import BASES

MISSING = object()


def places(values: object, path: Path) -> Iterator[tuple]:
    """The places in the values that a path of the schema means, each as keys and indexes."""
    if not path:
        yield ()
        return
    first, *rest = path
    if first == ITEM:
        entries = enumerate(values) if isinstance(values, list) else ()
    elif isinstance(values, dict):
        entries = values.items() if first == ENTRY else [(first, values[first])] if first in values else ()
    else:
        entries = ()
    for place, value in entries:
        for deeper in places(value, tuple(rest)):
            yield (place, *deeper)


def at(values: object, place: tuple) -> object:
    for step in place:
        if isinstance(values, dict) and step not in values:
            return MISSING
        values = values[step]
    return values


def with_value(values: dict, place: tuple, value: object) -> dict:
    """A copy of the values with another one at a place whose parent is there."""
    changed = copy.deepcopy(values)
    at(changed, place[:-1])[place[-1]] = value
    return changed


def prepared(values: dict, path: Path) -> tuple[dict, tuple]:
    """The values with everything above a leaf, out of examples where need be, and the leaf's place in them."""
    values, node, place = copy.deepcopy(values), SCHEMA, ()
    for step, following in itertools.pairwise(path):
        node = resolved(below(node)[step])
        here = at(values, place)
        if step == ITEM:
            step = 0
        elif step == ENTRY:
            step = next(iter(here))
        place = (*place, step)
        wanted, found = list if following == ITEM else dict, at(values, place)
        if not isinstance(found, wanted) or (following in (ENTRY, ITEM) and not found):
            fitting = [example for example in node.get("examples", []) if isinstance(example, wanted)]
            here[step] = copy.deepcopy([*fitting, {}][0])
    return values, (*place, path[-1])


def base_of(key: Key) -> tuple[dict, tuple]:
    """Values in which the leaf is alive, and its place in them."""
    beginnings = [".".join(key.path[:length]) for length in range(len(key.path), 0, -1)]
    chosen = [BASES[name] for name in beginnings if name in BASES][:1]
    for values in chosen or CASES.values():
        for place in places(values, key.path):
            return values, place
    return prepared([*chosen, SMALLEST][0], key.path)


def varied(value: object) -> list[object]:
    """Values near a value, most of which are as right as it is."""
    if isinstance(value, str) and value:
        stem, dot, end = value.rpartition(".")
        return [f"{stem}2{dot}{end}", value[:-1] + ("0" if value[-1] == "1" else "1"), ""]
    if isinstance(value, list | dict) and value:
        return [type(value)()]
    return [value + 1, value - 1] if type(value) in (int, float) else [True, False]


def others(node: dict, current: object) -> list[object]:
    """Values of a leaf that fit it and are not its current one: its examples first."""
    candidates = [*node.get("examples", []), *node.get("enum", []), *varied(current)]
    judge = validator(checked_alone(node))
    return [value for value in candidates if (type(value), value) != (type(current), current) and judge.is_valid(value)]


def mutations(key: Key) -> tuple[dict, list[dict]]:
    """Values in which the leaf is alive, and the same with each of its other values."""
    values, place = base_of(key)
    current = at(coalesced(values, defaults()), place)
    return values, [with_value(values, place, value) for value in others(key.node, current)]
