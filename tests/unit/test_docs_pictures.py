"""The pictures of the docs: well-formed, shown by a page; the dashboard's is drawn from what the chart ships."""

from xml.etree import ElementTree

import pytest

from ci import commands, dashboard
from ci.cluster.paths import REPOSITORY
from tests.unit.cases import SMALLEST
from tests.unit.render import render_chart


def test_the_drawing_of_the_dashboard_is_the_dashboards() -> None:
    assert dashboard.PAGE.read_text() == dashboard.page(), "make it anew: ci/nox -s docs"


def test_the_drawing_has_figures_for_every_panel_and_for_no_other() -> None:
    assert sorted(dashboard.FIGURES) == sorted(panel["title"] for panel in dashboard.panels())


def test_the_drawing_and_its_page_say_that_it_is_no_screenshot() -> None:
    assert "made-up figures" in dashboard.page()
    assert "no screenshot" in (REPOSITORY / "docs" / "monitoring.md").read_text()


@pytest.mark.parametrize("name", ["architecture.svg", "dashboard.svg"])
def test_a_picture_is_well_formed_and_shown_by_a_page(name: str) -> None:
    assert ElementTree.parse(REPOSITORY / "docs" / name).getroot().tag.endswith("}svg")
    assert any(f"{name})" in page.read_text() for page in commands.pages())


def test_the_architecture_names_objects_that_the_chart_makes() -> None:
    text = (REPOSITORY / "docs" / "architecture.svg").read_text()
    kinds = {item["kind"] for item in render_chart(SMALLEST)}
    assert {"ConfigMap", "Job", "ServingRuntime", "InferenceService"} <= {kind for kind in kinds if kind in text}
    names = [item["metadata"]["name"] for item in render_chart(SMALLEST)]
    assert "REL-model-store" in text and "demo-model-store" in names
    assert "REL-seed-HASH" in text and any(name.startswith("demo-seed-") for name in names)
