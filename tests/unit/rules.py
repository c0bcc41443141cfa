"""The two tests that every table of rules gets: the sentence for the wrong values, silence for the right ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.render import complaints_of

Rules = dict[str, tuple[dict, str, dict]]  # name -> wrong values, their sentence, right values that differ as little as possible


def both_ways(rules: Rules) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """Tests of a table of rules, to be assigned to names that begin with `test_`."""
    @pytest.mark.parametrize("rule", rules)
    def wrong_value(rule: str) -> None:
        wrong, sentence, _ = rules[rule]
        assert complaints_of([wrong]) == [[sentence]]

    @pytest.mark.parametrize("rule", rules)
    def right_value(rule: str) -> None:
        _, _, right = rules[rule]
        assert complaints_of([right]) == [[]]

    return wrong_value, right_value
