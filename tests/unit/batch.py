"""The chart's rules over many values in one run of helm: a run for each would take most of the unit tests' time."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from pathlib import Path

import jsonschema
import yaml

from tests.unit.render import CHART, NAMESPACE, RELEASE, helm_template

RULES = """{{- range $case := .Values.cases }}
---
said: {{ omit $ "Values" | merge (dict "Values" $case) | include "torchserve-kserve.complaints" | toJson }}
{{- end }}
"""


@functools.cache
def defaults() -> dict:
    """The chart's values.yaml; callers must not change it."""
    return yaml.safe_load((CHART / "values.yaml").read_text())


@functools.cache
def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads((CHART / "values.schema.json").read_text()))


def coalesced(values: dict, under: dict) -> dict:
    """Values over defaults as helm puts them: maps key by key, null takes a default away."""
    merged = dict(under)
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            merged[key] = coalesced(value, under[key])
        elif value is None and under.get(key) is not None:
            merged.pop(key)
        else:
            merged[key] = value
    return merged


@functools.cache
def _said(cases: str) -> list[list[str]]:
    """For each of the values, a JSON list, the sentences of the rules, in order."""
    whole = [coalesced(case, defaults()) for case in json.loads(cases)]
    assert [error.message for values in whole for error in validator().iter_errors(values)] == []
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(scratch) / CHART.name
        shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("*.yaml", "tests", "NOTES.txt", "values.schema.json", "ci"))
        shutil.copy(CHART / "Chart.yaml", chart)
        (chart / "templates" / "rules.yaml").write_text(RULES)
        text = helm_template(json.dumps({"cases": whole}), RELEASE, chart, NAMESPACE)
    return [item["said"].splitlines() for item in yaml.safe_load_all(text) if item]


def complaints_of(cases: list[dict]) -> list[list[str]]:
    """The sentences with which validate.yaml refuses each of the values; none where it doesn't. All must fit the schema."""
    return _said(json.dumps(cases, sort_keys=True))
