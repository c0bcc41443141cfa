"""What single settings gain: the chart's defaults with one of them otherwise ÷ the defaults. They are no goals (`--settings`).

Two servers of the same settings differ, by what Java compiled when. So each setting gets some pairs of servers, each pair is one
ratio, and the interval is of these.
"""

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.cluster.report import timings
from tests.bench import arms, handlers, ratios
from tests.bench.conftest import Plan
from tests.bench.containers import Running, running
from tests.bench.results import SETTING, Figure
from tests.bench.settings import SETTINGS
from tests.bench.slots import slot, warmed

SLOTS, SLOT_SECONDS = 2, 2.5  # of each server, after one that does not count
RATE = 100  # requests a second; fewer where a server can't, as in P1
Used = tuple[float, float]  # milliseconds of processor time a request, MiB of Java


def one_pair(first: list[str], second: list[str]) -> tuple[Used, Used]:
    """Two new servers, in the order of their starts."""
    body = handlers.TRIVIAL_BODY
    with running(first, body) as one, running(second, body) as other:
        rate = min(RATE, warmed([one, other], body))

        def of(server: Running) -> Callable[[], float]:
            return lambda: slot(server, body, rate, SLOT_SECONDS).cpu

        found = ratios.pairs(of(one), of(other), SLOTS)
        memory = [server.counters.by_process()["java"] / 2**20 for server in (one, other)]
    return tuple(zip(ratios.means(found), memory, strict=True))


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_trivial_request_with_one_setting_otherwise(
        setting: str, image: str, trivial: Path, tmp_path: Path, plan: Plan, record: Callable[..., None]) -> None:
    otherwise = arms.ours(image, tmp_path / "otherwise", trivial, SETTINGS[setting])
    chart = arms.ours(image, tmp_path / "chart", trivial)
    with timings.stage(f"setting {setting}"):  # now the one starts first, now the other
        found = [one_pair(otherwise, chart) if number % 2 else one_pair(chart, otherwise)[::-1]
                 for number in range(plan.server_pairs)]
    used = [(first[0], second[0]) for first, second in found]
    ratio, means = ratios.ratio(used), ratios.means(used)
    if not SETTINGS[setting]:
        ratios.held(ratio)
    memory = statistics.mean(first[1] - second[1] for first, second in found)
    record(Figure(SETTING, setting, ratio.value, interval=(ratio.low, ratio.high), details={"pairs": found},
                  note=f"{means[0]:.2f} ÷ {means[1]:.2f} ms, {len(found)} pairs of servers; Java {memory:+.0f} MiB"))
