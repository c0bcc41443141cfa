"""docs/security.md claims nothing that no test shows, docs/monitoring.md names what there is."""

from __future__ import annotations

import re

from ci.cluster.paths import REPOSITORY
from tests.unit.test_chart_monitoring import ALL, alerts, exported


def text(page: str) -> str:
    return (REPOSITORY / "docs" / page).read_text()


def test_the_tests_that_security_md_names_exist():
    named = set(re.findall(r"`(test_\w+)`", text("security.md")))
    files = [file.read_text() for file in (REPOSITORY / "tests").rglob("test_*.py")]
    existing = {name for found in files for name in re.findall(r"def (test_\w+)", found)}
    assert named
    assert named <= existing


def test_monitoring_md_has_every_metric_and_every_alert():
    page = text("monitoring.md")
    assert [name for name in [*exported(), *alerts(ALL)] if f"`{name}`" not in page] == []
