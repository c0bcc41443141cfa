"""Chart.yaml as repositories read it: Artifact Hub's annotations, the changelog, the icon, the licence."""

from __future__ import annotations

import base64
import re
import subprocess
from urllib.parse import urlsplit

import pytest
import yaml

from tests.unit.cases import SMALLEST, URI
from tests.unit.render import CHART, render_chart
from tests.unit.test_chart_images import EVERY

ROOT = CHART.parents[1]
METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())
ANNOTATIONS = METADATA["annotations"]
# From Artifact Hub's documentation.
CATEGORIES = {"ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security",
              "storage", "streaming-messaging", "skip-prediction"}
KINDS = {"added", "changed", "deprecated", "removed", "fixed", "security"}


def annotation(name: str) -> list[dict]:
    return yaml.safe_load(ANNOTATIONS[f"artifacthub.io/{name}"])


def images(node: object) -> set[str]:
    """Every `image` of rendered objects."""
    if isinstance(node, dict):
        own = {node["image"]} if isinstance(node.get("image"), str) else set()
        return own.union(*(images(child) for child in node.values()))
    return set().union(*(images(child) for child in node)) if isinstance(node, list) else set()


def changelog() -> list[tuple[str, str, list[dict]]]:
    """Version, date and changes of each section, as the annotation has them."""
    found = []
    for section in re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]:
        head, _, body = section.partition("\n")
        version, date = re.fullmatch(r"\[(\S+)\] - (\S+)", head).groups()
        changes = [{"kind": part.partition("\n")[0].strip().lower(), "description": line[2:]}
                   for part in re.split(r"^### ", body, flags=re.MULTILINE)[1:]
                   for line in part.splitlines() if line.startswith("- ")]
        found.append((version, date, changes))
    return found


def test_the_top_section_of_the_changelog_is_the_charts_version_and_its_annotation():
    version, date, changes = changelog()[0]
    assert version == METADATA["version"]
    assert date == "Unreleased" or re.fullmatch(r"\d{4}-\d\d-\d\d", date)
    assert annotation("changes") == changes != []
    assert {change["kind"] for change in changes} <= KINDS


def test_the_images_are_all_that_the_chart_can_name_by_default():
    assert {row["image"] for row in annotation("images")} == images(render_chart(EVERY)) > images(render_chart(SMALLEST))
    assert len({row["name"] for row in annotation("images")}) == len(annotation("images"))


def test_annotations_are_ones_that_artifact_hub_takes():
    assert all(isinstance(value, str) for value in ANNOTATIONS.values())
    assert ANNOTATIONS["artifacthub.io/license"] == "Apache-2.0"
    assert ANNOTATIONS["artifacthub.io/category"] in CATEGORIES
    assert ANNOTATIONS["artifacthub.io/prerelease"] == str(METADATA["version"].startswith("0.")).lower()
    assert all(set(link) == {"name", "url"} and urlsplit(link["url"]).scheme == "https" for link in annotation("links"))


def test_every_source_has_a_name_among_the_links():
    assert set(METADATA["sources"]) <= {link["url"] for link in annotation("links")}


def test_the_icon_is_docs_icon_svg():
    kind, _, data = METADATA["icon"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data, validate=True) == (ROOT / "docs" / "icon.svg").read_bytes()


def test_the_licence_is_apaches_and_in_the_chart_too():
    text = (ROOT / "LICENSE").read_text()
    assert re.search(r"Apache License\s+Version 2\.0, January 2004", text)
    assert "END OF TERMS AND CONDITIONS" in text
    assert (CHART / "LICENSE").read_text() == text


@pytest.mark.parametrize(("version", "taken"), [("1.25.9", False), ("1.26.0", True), ("1.36.1-gke.100", True)])
def test_kubernetes_before_1_26_is_refused(version, taken):
    done = subprocess.run(["helm", "template", "demo", CHART, "--kube-version", version, "--set", f"models.bert.uri={URI}"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == taken
    assert ("chart requires kubeVersion: >=1.26.0-0" in done.stderr) != taken
