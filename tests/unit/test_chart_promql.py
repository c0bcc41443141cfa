"""Prometheus takes every expression of the alerts and the dashboard: promql-parser has its grammar and its rules of types."""

from __future__ import annotations

import promql_parser
import pytest

from tests.unit.cases import changed
from tests.unit.test_chart_monitoring import ALL, alerts, dashboard

INTERVAL = "1m"  # what Grafana would put in the place of its variable


def expressions(values: dict) -> dict[str, str]:
    """All expressions of a release, by where they are."""
    found = {f"alert {name}": rule["expr"] for name, rule in alerts(values).items()}
    for panel in dashboard(values)["panels"]:
        found |= {f"panel {panel['title']} {target['refId']}": target["expr"] for target in panel.get("targets", [])}
    return {where: text.replace("$__rate_interval", INTERVAL) for where, text in found.items()}


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_every_expression_is_one_that_prometheus_takes(mode):
    found = expressions(changed(ALL, deploymentMode=mode))
    assert len(found) > len(alerts(ALL)), "no panel has an expression"
    wrong = {}
    for where, text in found.items():
        try:
            promql_parser.parse(text)
        except ValueError as error:
            wrong[where] = f"{error}: {text}"
    assert wrong == {}


def test_an_expression_that_prometheus_refuses_is_found():
    with pytest.raises(ValueError, match="expected type"):
        promql_parser.parse("rate(ts_inference_requests_total)")
