"""No value is dead: another value of any leaf of the schema changes the objects, or is refused by name."""

from __future__ import annotations

import re

import pytest

from tests.unit.batch import HASHES, Answer
from tests.unit.leaves import SCHEMA, keys
from tests.unit.mutation import mutations
from tests.unit.mutation_bases import BASES, NEVER_ALONE
from tests.unit.render import answers, case_of

LEAVES = {key.name: key for key in keys() if key.leaf}
(PATTERN,) = SCHEMA["properties"]["properties"]["patternProperties"]
OWN = {name for name in LEAVES if name.startswith("properties.") and re.match(PATTERN, name.partition(".")[2])}


def outcomes(name: str) -> tuple[Answer, list[Answer]]:
    """What the chart makes of values in which a leaf is alive, and of the same with other values of it: one if that does."""
    values, others = mutations(LEAVES[name])
    assert others, f"{name}: the schema and mutation.varied know no other value"
    for some in (others[:1], others[:5]):
        base, *changed = answers([case_of(one, HASHES) for one in (values, *some)])
        if any(one.text not in ("", base.text) for one in changed):
            break
    return base, changed


@pytest.mark.parametrize("name", [name for name in LEAVES if name not in NEVER_ALONE.keys() | OWN])
def test_another_value_of_it_changes_the_objects(name):
    base, changed = outcomes(name)
    assert base.text, f"base values for {name} have to be right: {base}"
    assert [one for one in changed if one.text not in ("", base.text)], f"{name} is dead in its base values: {changed}"


@pytest.mark.parametrize("name", sorted(NEVER_ALONE.keys() | OWN))
def test_where_another_value_cannot_stand_alone_it_is_refused_by_name(name):
    base, changed = outcomes(name)
    assert base.text
    assert all(one.said for one in changed), changed
    assert any(name in one.said for one in changed), changed


def test_the_tables_name_leaves_only():
    beginnings = {".".join(key.path[:length]) for key in LEAVES.values() for length in range(1, len(key.path) + 1)}
    assert set(BASES) - beginnings == set()
    assert NEVER_ALONE.keys() <= LEAVES.keys()
