"""Many values in one run of helm: a run for each would take most of the unit tests' time.

A copy of the chart, whose object files are defines, renders them for one case after another. The tests of this file's answers
are in test_batch.py: what comes out is byte for byte what `helm template` prints.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import jsonschema
import yaml

from tests.unit.manifest import manifest

CHART = Path(__file__).resolve().parents[2] / "charts" / "torchserve-kserve"
# What a case asks for: the rules' sentences alone, or with them the objects, or with them the notes.
RULES, OBJECTS, NOTES = "rules", "objects", "notes"
# Each text once, under its hash: most are the same in most cases.
LOOP = """{{- $texts := dict }}
{{- $answers := list }}
{{- range $case := .Values.cases }}
{{- $root := omit $ "Values" "Release" }}
{{- $release := dict "Name" $case.release "Namespace" $case.namespace | merge (omit $.Release "Name" "Namespace") }}
{{- $_ := set $root "Values" $case.values }}
{{- $_ := set $root "Release" $release }}
{{- $said := include "torchserve-kserve.complaints" $root }}
{{- $files := dict }}
{{- if not $said }}
{{- range $name := $case.files }}
{{- $text := include (printf "file:%s" $name) $root }}
{{- $_ := set $texts (sha256sum $text) $text }}
{{- $_ := set $files $name (sha256sum $text) }}
{{- end }}
{{- end }}
{{- $answers = append $answers (dict "said" $said "files" $files) }}
{{- end }}
#{{ dict "texts" $texts "answers" $answers | toJson }}
"""


class Case(NamedTuple):
    """What is asked of the chart: values as JSON with sorted keys, and RULES, OBJECTS or NOTES of them."""

    values: str
    release: str
    namespace: str
    wanted: str


class Answer(NamedTuple):
    """What the chart makes of a case; of the first four, at most one has text.

    Attributes:
        unfit: where the values don't fit the schema, path and error of each place, a line each.
        said: the sentences of validate.yaml, a line each.
        failed: what helm says where a template fails otherwise.
        text: what `helm template` prints, or the notes.
    """

    unfit: str = ""
    said: str = ""
    failed: str = ""
    text: str = ""


@functools.cache
def defaults() -> dict:
    """The chart's values.yaml; callers must not change it."""
    return yaml.load((CHART / "values.yaml").read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


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


def unfit(whole: dict) -> str:
    """Where values, the defaults among them, don't fit the schema: path and error, a line each."""
    return "\n".join(f"{error.json_path}: {error.message}" for error in validator().iter_errors(whole))


@functools.cache
def object_files() -> list[str]:
    """Paths in the chart of the templates that make objects."""
    return sorted(str(path.relative_to(CHART)) for path in (CHART / "templates").rglob("*.yaml"))


def copy_to(folder: Path) -> Path:
    """The chart with its object files and NOTES.txt as defines, and the loop over `.Values.cases`."""
    chart = folder / CHART.name
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("values.yaml", "values.schema.json", "ci"))
    for name in [*object_files(), "templates/NOTES.txt"]:
        file = chart / name
        file.with_name(f"_{file.name}.tpl").write_text(f'{{{{ define "file:{name}" }}}}{file.read_text()}{{{{ end }}}}')
        file.unlink()
    (chart / "templates" / "cases.yaml").write_text(LOOP)
    return chart


def helm_template(chart: Path, values: str, release: str, namespace: str) -> subprocess.CompletedProcess[str]:
    """One run of helm; values is JSON or YAML."""
    command = ["helm", "template", release, str(chart), "--namespace", namespace, "--values", "-"]
    return subprocess.run(command, input=values, capture_output=True, text=True, timeout=300)


def _rendered(chart: Path, cases: list[tuple[Case, dict]]) -> list[Answer]:
    """The answers to cases with their whole values, all of which fit the schema."""
    files = {RULES: [], OBJECTS: object_files(), NOTES: ["templates/NOTES.txt"]}
    asked = [
        {"values": whole, "release": case.release, "namespace": case.namespace, "files": files[case.wanted]} for case, whole in cases
    ]
    done = helm_template(chart, json.dumps({"cases": asked}), "batch", "batch")
    if done.returncode and len(cases) > 1:  # a template fails in one of them
        half = len(cases) // 2
        return _rendered(chart, cases[:half]) + _rendered(chart, cases[half:])
    if done.returncode:
        return [Answer(failed=done.stderr)]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("#{")]
    found = json.loads(line[1:])
    answers = []
    for (case, _), answer in zip(cases, found["answers"], strict=True):
        texts = {name: found["texts"][hashed] for name, hashed in answer["files"].items()}
        text = texts.get("templates/NOTES.txt", "") if case.wanted == NOTES else manifest(CHART.name, texts)
        answers.append(Answer(said=answer["said"], text=text))
    return answers


def answers(cases: list[Case]) -> dict[Case, Answer]:
    """What the chart makes of each case, in one run of helm (in more where a template fails)."""
    found: dict[Case, Answer] = {}
    fit: list[tuple[Case, dict]] = []
    for case in dict.fromkeys(cases):
        whole = coalesced(json.loads(case.values), defaults())
        if error := unfit(whole):
            found[case] = Answer(unfit=error)
        else:
            fit.append((case, whole))
    if fit:
        with tempfile.TemporaryDirectory() as scratch:
            found |= zip([case for case, _ in fit], _rendered(copy_to(Path(scratch)), fit), strict=True)
    return found
