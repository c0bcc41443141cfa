"""A parent that has the chart twice, by two aliases: both would have the same objects. The rest is in tests/package."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.unit.cases import SMALLEST
from tests.unit.render import CHART, RenderError, helm_template

ALIASES = ("bert", "digits")
ROWS = [{"name": CHART.name, "version": "*", "alias": alias, "condition": f"{alias}.enabled"} for alias in ALIASES]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parent")
    shutil.copytree(CHART, folder / "charts" / CHART.name)
    chart = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": ROWS}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
    return folder


def render(parent: Path, values: dict, release: str = "demo") -> list[str]:
    """The kinds of what is rendered."""
    return [item["kind"] for item in yaml.safe_load_all(helm_template(json.dumps(values), release, parent)) if item]


def test_two_of_them_in_one_release_are_refused(parent):
    with pytest.raises(RenderError) as refused:
        render(parent, dict.fromkeys(ALIASES, SMALLEST))
    sentence = (" are this chart twice in one release, and both name their objects after the release \"demo\"; write all models "
                "under one of them, or install the other one as a release of its own")
    assert any(f"{one} and {other}{sentence}" in str(refused.value) for one, other in (ALIASES, ALIASES[::-1]))


@pytest.mark.parametrize("alias", ALIASES)
def test_one_of_them_at_a_time_is_taken(parent, alias):
    values = {name: {**SMALLEST, "enabled": name == alias} for name in ALIASES}
    assert render(parent, values).count("InferenceService") == 1
