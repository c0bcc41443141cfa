"""Ratios of two arms that take turns: what the machine does meanwhile, it does to both."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Sample = TypeVar("Sample")
RESAMPLES = 2000
CONTROL = (0.9, 1.1)  # of a machine that others use, too; by counters, not by clocks
CLOCKS = (0.8, 1.25)  # of clocks there


@dataclass(frozen=True)
class Ratio:
    """The median of the pairs' ratios, and the interval of 95 % for it by bootstrap."""

    value: float
    low: float
    high: float


def ratio(pairs: Sequence[tuple[float, float]]) -> Ratio:
    """First ÷ second of each pair."""
    ratios = [first / second for first, second in pairs]
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return Ratio(statistics.median(ratios), medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1])


def means(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Of the first ones and of the second ones."""
    return statistics.mean(first for first, _ in pairs), statistics.mean(second for _, second in pairs)


def pairs(first: Callable[[], Sample], second: Callable[[], Sample], count: int) -> list[tuple[Sample, Sample]]:
    """Samples of two arms, interleaved ABBA; of count + 1 pairs the first is dropped."""
    found = []
    for number in range(count + 1):
        if number % 2:
            later = second()
            found.append((first(), later))
        else:
            found.append((first(), second()))
    return found[1:]


def same(arm: Callable[[], float], count: int, limits: tuple[float, float] = CONTROL) -> float:
    """What an arm is to itself, the control; fails where that is not the same."""
    return held(ratio(pairs(arm, arm, count)), limits)


def held(control: Ratio, limits: tuple[float, float] = CONTROL) -> float:
    """The control's value; fails where it is beyond the limits: then the run says nothing."""
    low, high = limits
    assert low <= control.value <= high, (
        f"this run is void: the same arm, measured twice in turns, differs by {control.value:.2f} (allowed: {low} to {high}); "
        "let nothing else work on the machine")
    return control.value
