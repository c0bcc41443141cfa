"""The package that upgrades on a cluster begin with: the version before this one, as it was released."""

import tarfile
from pathlib import Path

import yaml

from ci.cluster.paths import CHART, REPOSITORY
from tests.unit import batch
from tests.unit.cases import changed
from tests.unit.render import render_chart

PACKAGES = sorted((REPOSITORY / "tests" / "e2e" / "previous").iterdir())


def _chart_of(package: Path) -> dict:
    with tarfile.open(package) as archive:
        content = archive.extractfile(f"{CHART.name}/Chart.yaml")
        assert content
        return yaml.safe_load(content)


def test_there_is_one_package_and_it_is_named_as_its_version():
    (package,) = PACKAGES
    assert package.name == f"{CHART.name}-{_chart_of(package)['version']}.tgz"


def test_it_is_the_newest_version_that_the_changelog_has_a_date_for():
    (package,) = PACKAGES
    headings = [line.split() for line in (REPOSITORY / "CHANGELOG.md").read_text().splitlines() if line.startswith("## [")]
    released = [heading[1].strip("[]") for heading in headings if heading[-1] != "Unreleased"]
    assert released[0] == _chart_of(package)["version"], "put the package of the version that was released there, and only that"


def test_it_is_older_than_the_chart():
    (package,) = PACKAGES
    now = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    assert _numbers(_chart_of(package)["version"]) < _numbers(now)


def test_its_defaults_alone_are_enough_as_helm_upgrade_reuse_values_has_it():
    """`--reuse-values` takes the defaults of the chart that is installed: a key that came later has no value."""
    (package,) = PACKAGES
    with tarfile.open(package) as archive:
        former = yaml.safe_load(archive.extractfile(f"{CHART.name}/values.yaml"))
    missing = absent(batch.defaults(), former)
    assert missing["runtime"] == {"requestLogs": None}, "a key of this version, as an example"
    assert render_chart(changed(missing, models={"tiny": {"uri": "https://example.com/tiny.mar"}}))


def absent(newer: dict, older: dict) -> dict:
    """The keys that the newer defaults have and the older ones don't, each with the null that takes a default away."""
    found = {}
    for key, value in newer.items():
        if key not in older:
            found[key] = None
        elif isinstance(value, dict) and isinstance(older[key], dict) and (below := absent(value, older[key])):
            found[key] = below
    return found


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
