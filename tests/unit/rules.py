"""The two tests that every table of rules gets: the sentence for the wrong values, silence for the right ones."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from tests.unit.render import complaints_of

Rules = dict[str, tuple[dict, str, dict]]  # name -> wrong values, their sentence, right values that differ as little as possible


def both_ways(rules: Rules) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Tests of a table of rules, to be assigned to names that begin with `test_`."""
    @functools.cache
    def said() -> dict[str, tuple[list[str], list[str]]]:
        found = iter(complaints_of([values for wrong, _, right in rules.values() for values in (wrong, right)]))
        return dict(zip(rules, zip(found, found, strict=True), strict=True))

    @pytest.mark.parametrize("rule", rules)
    def wrong_value(rule: str) -> None:
        assert said()[rule][0] == [rules[rule][1]]

    @pytest.mark.parametrize("rule", rules)
    def right_value(rule: str) -> None:
        assert said()[rule][1] == []

    return wrong_value, right_value
