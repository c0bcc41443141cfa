"""What many values in one run of helm render to is what helm makes of each of them alone, byte for byte."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.unit import batch
from tests.unit.cases import CASES, EXISTING, SMALLEST, changed
from tests.unit.render import (
    CHART,
    RenderError,
    case_of,
    complaints,
    helm_template,
    notes,
    only,
    render_chart,
    rendered,
    schema_error,
)

WRONG = changed(EXISTING, models__bert__uri="https://example.com/bert.mar")
# Nulls over a default, over one that is null itself, over a whole map, over nothing, and in the user's own maps.
NULLS = {
    "in maps": {"seed": {"timeoutSeconds": None, "nobody": None}, "persistence": {"storageClass": None, "keepOld": None},
                "gpu": {"tolerations": None, "nodeSelector": {"a": None}}, "models": {"bert": None, "two": {"uri": None}}},
    "at the top": {"protocol": None, "autoscalerClass": None, "seed": None, "models": None, "imagePullSecrets": None,
                   "nobody": None},
}
# Each a key of its own, so that helm can name them all at once.
UNFIT = {"minReplicas": -1, "protocol": "grpc-v1", "labels": {"a": True}, "seed": {"timeoutSeconds": 0}, "model": {}}


@pytest.mark.parametrize("case", CASES)
def test_two_renders_are_byte_identical(case):
    """One alone, one among many."""
    assert rendered(CASES[case]) == helm_template(json.dumps(CASES[case]))


@pytest.mark.parametrize("case", ["smallest", "all-options", "knative"])
def test_notes_are_what_helm_renders(case, tmp_path):
    """`helm template` leaves NOTES.txt out, so a copy of the chart renders it as data."""
    chart = tmp_path / CHART.name
    shutil.copytree(CHART, chart)
    shutil.copy(chart / "templates" / "NOTES.txt", chart / "notes.txt")
    data = '{{ tpl (.Files.Get "notes.txt") . | toJson }}'
    (chart / "templates" / "notes.yaml").write_text(f"kind: Notes\nmetadata: {{name: notes}}\ntext: {data}\n")
    assert notes(CASES[case]) == only(render_chart(CASES[case], chart=chart), "Notes")["text"]


@pytest.mark.parametrize("case", NULLS)
def test_null_takes_away_what_it_takes_away_for_helm(case, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: values\nversion: 0.0.0\n")
    (tmp_path / "templates" / "values.yaml").write_text('{{ omit .Values "global" | toJson }}')
    shutil.copy(CHART / "values.yaml", tmp_path)
    (whole,) = render_chart(NULLS[case], chart=tmp_path)
    ours = {key: value for key, value in batch.coalesced(NULLS[case], batch.defaults()).items() if key != "global"}
    assert ours == whole


def test_sentences_are_what_helm_says():
    (sentence,) = complaints(WRONG)
    with pytest.raises(RenderError, match=r"validate\.yaml") as refused:
        helm_template(json.dumps(WRONG))
    assert sentence in str(refused.value).splitlines()


def test_what_does_not_fit_the_schema_does_not_fit_for_helm():
    ours = schema_error(SMALLEST | UNFIT)
    with pytest.raises(RenderError, match="values don't meet the specifications") as refused:
        helm_template(json.dumps(SMALLEST | UNFIT))
    assert [name for name in UNFIT if name not in ours or name not in str(refused.value)] == []


def test_one_case_that_fails_does_not_take_the_others_along(monkeypatch):
    refusing = '$_ := trimPrefix "bad" $case.release | required "no" }}{{ $said :='
    monkeypatch.setattr(batch, "LOOP", batch.LOOP.replace("$said :=", refusing))
    good, bad = case_of(SMALLEST, batch.OBJECTS), case_of(SMALLEST, batch.OBJECTS, release="bad")
    found = batch.answers([good, bad])
    assert found[good].text
    assert "no" in found[bad].failed
