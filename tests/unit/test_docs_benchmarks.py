"""docs/benchmarks.md and its plots are made from docs/benchmarks.json, and say what is missed."""

from xml.etree import ElementTree

from tests.bench import arms, page, results
from tests.bench.settings import SETTINGS

GOALS = {f"P{number}" for number in range(1, 10)}


def test_the_page_and_its_plots_are_made_from_the_figures() -> None:
    made = {page.PAGE: page.page(), page.RATIOS: page.ratios_plot(), page.LATENCIES: page.latencies_plot()}
    assert [str(file) for file, text in made.items() if file.read_text() != text] == [], "python -m tests.bench.page"


def test_every_goal_was_measured_and_tells_where_and_when() -> None:
    rows = results.read().values()
    assert {results.figure(row).goal for row in rows} - {results.SETTING} == GOALS
    assert all(row["date"] and row["machine"] and row["image"] and row["mode"] in ("short", "full") for row in rows)


def test_a_missed_must_is_said_to_be_missed() -> None:
    def verdict(value: float, *, more: bool = False) -> str:
        return page.verdict(results.Figure("P1", "x", value, must=2, stretch=1 if not more else 4, more=more))

    assert [verdict(3), verdict(2), verdict(1)] == ["**missed**", "met", "stretch"]
    assert [verdict(1, more=True), verdict(2, more=True), verdict(4, more=True)] == ["**missed**", "met", "stretch"]


def test_the_plots_are_well_formed_and_shown() -> None:
    for file in (page.RATIOS, page.LATENCIES):
        assert ElementTree.parse(file).getroot().tag.endswith("}svg")
        assert f"({file.name})" in page.PAGE.read_text()


def test_the_page_lists_what_the_baseline_had_to_differ_in() -> None:
    text = page.PAGE.read_text()
    assert all(here in text and why in text for here, why in arms.DEVIATIONS)


def test_the_page_has_every_setting_that_is_measured_one_by_one() -> None:
    measured = {results.figure(row).what for row in results.read().values() if results.figure(row).goal == results.SETTING}
    assert measured == set(SETTINGS), "measure them: ci/nox -s bench -- --settings; delete lines of none from benchmarks.json"
