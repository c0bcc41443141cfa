"""The packaged chart as a dependency of another: the same objects, whatever name its values stand under."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.cluster.errors import Problem
from ci.cluster.paths import CHART

Run = Callable[..., str]
MODEL = {"models": {"bert": {"uri": "https://example.com/bert-model.mar"}}}
NAME = "torchserve-kserve"
VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]


@pytest.fixture
def parent(helm: Run, repository: str, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """parent(values, option, …, alias=…): what a parent with these values renders, with the chart from the repository."""
    def render(values: dict[str, Any], *options: str, **dependency: str) -> list[dict[str, Any]]:
        folder = tmp_path / "parent"
        (folder / "templates").mkdir(parents=True)  # Helm 4 warns of a chart without it
        row = {"name": NAME, "version": VERSION, "repository": repository, **dependency}
        (folder / "Chart.yaml").write_text(yaml.safe_dump(
            {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [row]}))
        (folder / "values.yaml").write_text(yaml.safe_dump(values))
        helm("dependency", "update", str(folder))
        rendered = helm("template", "demo", str(folder), "--namespace", "models", *options)
        helm("lint", "--strict", str(folder), *options)
        return _objects(rendered)
    return render


@pytest.fixture
def alone(helm: Run, packed: Path, tmp_path: Path) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """alone(values): what the chart renders by itself."""
    def render(values: dict[str, Any]) -> list[dict[str, Any]]:
        (tmp_path / "alone.yaml").write_text(yaml.safe_dump(values))
        return _objects(helm("template", "demo", str(packed), "--namespace", "models", "--values", str(tmp_path / "alone.yaml")))
    return render


def _objects(rendered: str) -> list[dict[str, Any]]:
    return [item for item in yaml.safe_load_all(rendered) if item]


def test_under_its_own_name_it_renders_what_it_renders_alone(parent: Callable[..., Any], alone: Callable[..., Any]) -> None:
    assert parent({NAME: MODEL, "global": {"team": "serving"}}) == alone(MODEL)


def test_an_alias_changes_a_label_and_with_it_hashes(parent: Callable[..., Any], alone: Callable[..., Any]) -> None:
    def told(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [(item["kind"], re.sub(r"-[0-9a-f]{10}$", "", item["metadata"]["name"])) for item in items]

    found = parent({"bert": MODEL}, alias="bert")
    assert told(found) == told(alone(MODEL))
    assert {item["metadata"]["labels"]["app.kubernetes.io/name"] for item in found} == {"bert"}


@pytest.mark.parametrize(("name", "enabled"), [(NAME, True), (NAME, False), ("bert", False)])
def test_a_condition_takes_it_out(parent: Callable[..., Any], name: str, enabled: bool) -> None:
    alias = {"alias": name} if name != NAME else {}
    assert bool(parent({name: {**MODEL, "enabled": enabled}}, condition=f"{name}.enabled", **alias)) == enabled


def test_a_switch_that_no_condition_reads_is_refused(parent: Callable[..., Any]) -> None:
    with pytest.raises(Problem, match=r"enabled is false, and no condition .* reads it; write condition: bert\.enabled"):
        parent({"bert": {**MODEL, "enabled": False}}, alias="bert")


def test_a_parent_that_has_it_twice_is_refused(helm: Run, repository: str, tmp_path: Path) -> None:
    rows = [{"name": NAME, "version": VERSION, "repository": repository, "alias": alias} for alias in ("bert", "digits")]
    chart = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": rows}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"bert": MODEL, "digits": MODEL}))
    helm("dependency", "update", str(tmp_path))
    with pytest.raises(Problem, match="are this chart twice in one release"):
        helm("template", "demo", str(tmp_path))


def test_a_wrong_key_under_its_name_is_named(parent: Callable[..., Any]) -> None:
    with pytest.raises(Problem, match="modles"):
        parent({NAME: {"modles": {}}})


def test_a_rule_between_values_says_its_sentence(parent: Callable[..., Any]) -> None:
    with pytest.raises(Problem, match="models is empty; name a model and its source"):
        parent({NAME: {}})


def keys(node: Any) -> set[str]:
    """All keys of maps, however deep."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {*(node if isinstance(node, dict) else ()), *(key for child in children for key in keys(child))}


@pytest.fixture
def nulls() -> dict[str, Any]:
    return {NAME: {**MODEL, "securityContext": {"runAsUser": None, "fsGroup": None}}}


def test_null_in_the_users_values_removes_a_default(parent: Callable[..., Any], nulls: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text(yaml.safe_dump(nulls))
    assert "runAsUser" not in keys(parent({}, "--values", str(tmp_path / "users.yaml")))


def test_null_in_the_parents_own_values_removes_it_with_helm_3_alone(parent: Callable[..., Any], nulls: dict[str, Any],
                                                                     request: pytest.FixtureRequest) -> None:
    """helm#32132. Should this fail with Helm 4, it is mended: docs/repository.md says otherwise."""
    assert ("runAsUser" in keys(parent(nulls))) == (request.node.callspec.params["helm"] == 4)


def test_values_of_the_command_line_reach_it(parent: Callable[..., Any], alone: Callable[..., Any]) -> None:
    assert parent({}, "--set", f"{NAME}.models.bert.uri={MODEL['models']['bert']['uri']}") == alone(MODEL)


def test_it_comes_from_a_registry_too(helm: Run, charts: str, tmp_path: Path, alone: Callable[..., Any]) -> None:
    folder = tmp_path / "of-registry"
    folder.mkdir()
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [
        {"name": NAME, "version": VERSION, "repository": charts}]}))
    (folder / "values.yaml").write_text(yaml.safe_dump({NAME: MODEL}))
    helm("dependency", "update", str(folder), "--plain-http")
    assert _objects(helm("template", "demo", str(folder), "--namespace", "models")) == alone(MODEL)
