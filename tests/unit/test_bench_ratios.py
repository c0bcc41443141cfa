"""The benchmarks' arithmetic: ratios of arms that take turns, and the control that makes a run void."""

import itertools
from collections.abc import Callable

import pytest

from tests.bench import ratios


def arm(*values: float) -> Callable[[], float]:
    """One whose samples are these, again and again."""
    return itertools.cycle(values).__next__


def test_arms_take_turns_and_the_first_pair_is_dropped() -> None:
    order: list[str] = []

    def sample(name: str) -> Callable[[], str]:
        return lambda: order.append(name) or name

    assert ratios.pairs(sample("a"), sample("b"), 2) == [("a", "b"), ("a", "b")]
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_a_ratio_is_the_median_of_the_pairs_and_its_interval_has_them() -> None:
    found = ratios.ratio([(2, 1), (3, 1), (40, 10)])
    assert found.value == 3
    assert (found.low, found.high) == (2, 4)


def test_an_arm_that_is_the_same_as_itself_gives_the_control() -> None:
    assert ratios.same(arm(5.0), 3) == 1


@pytest.mark.parametrize("limits", [ratios.CONTROL, ratios.CLOCKS], ids=["counters", "clocks"])
@pytest.mark.parametrize("drift", [-0.01, 0.01])
def test_a_run_is_void_where_the_control_is_beyond_a_limit(limits: tuple[float, float], drift: float) -> None:
    low, high = limits
    beyond = high + drift if drift > 0 else low + drift
    with pytest.raises(AssertionError, match="this run is void: the same arm, measured twice in turns, differs by"):
        ratios.held(ratios.Ratio(beyond, beyond, beyond), limits)
    within = beyond - 2 * drift
    assert ratios.held(ratios.Ratio(within, within, within), limits) == within
