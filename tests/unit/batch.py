"""Many values in one run of helm: a run for each would take most of the unit tests' time.

A copy of the chart, whose object files are defines, renders them for one case after another. What comes out is byte for byte what
helm prints: test_batch.py.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import jsonschema_rs
import yaml

from tests.unit import fitting
from tests.unit.manifest import documents

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CHART = Path(__file__).resolve().parents[2] / "charts" / "torchserve-kserve"
# What a case asks for: the rules' sentences alone; or with them the objects, or the notes, or a hash of each file of objects.
RULES, OBJECTS, NOTES, HASHES = "rules", "objects", "notes", "hashes"
NOTES_FILE = "templates/NOTES.txt"
CASES_FILE = "cases.json"  # read quicker than values, which are YAML
# The loop prints each text once, of a file that has programs each of them: they are most of the text, and the same in most cases.
# Of a file it says the numbers of its texts, or a hash.
BETWEEN = ": |\n"
LOOP = """{{- $texts := dict }}
{{- $answers := list }}
{{- $asked := .Files.Get "cases.json" | fromJson }}
{{- range $case := $asked.cases }}
{{- $root := omit $ "Values" "Release" }}
{{- $release := dict "Name" $case.release "Namespace" $case.namespace | merge (omit $.Release "Name" "Namespace") }}
{{- $_ := set $root "Values" $case.values }}
{{- $_ := set $root "Release" $release }}
{{- $said := include "torchserve-kserve.once" (dict "root" $root "name" "torchserve-kserve.complaints") }}
{{- $files := dict }}
{{- if not $said }}
{{- range $name := $case.files }}
{{- $file := include (printf "file:%s" $name) $root }}
{{- if eq $case.wanted "hashes" }}
{{- $_ := sha256sum $file | set $files $name }}
{{- else }}
{{- $numbers := list }}
{{- range $text := splitList $asked.between $file }}
{{- if not (hasKey $texts $text) }}{{ $_ := len $texts | set $texts $text }}{{ end }}
{{- $numbers = get $texts $text | append $numbers }}
{{- end }}
{{- $_ := set $files $name $numbers }}
{{- end }}
{{- end }}
{{- end }}
{{- $answers = append $answers (dict "said" $said "files" $files) }}
{{- end }}
#{{ dict "texts" $texts "answers" $answers | toJson }}
"""


class Case(NamedTuple):
    """What is asked of the chart: values as JSON with sorted keys, and RULES, OBJECTS, NOTES or HASHES of them."""

    values: str
    release: str
    namespace: str
    wanted: str


class Answer(NamedTuple):
    """What the chart makes of a case; at most one of the four is not empty.

    Attributes:
        unfit: where the values don't fit the schema, path and error of each place, a line each.
        said: the sentences of validate.yaml, a line each.
        failed: what helm says where a template fails otherwise.
        pieces: what `helm template` prints, a document each, the same one for the same text; or the notes, or JSON of the hashes.
    """

    unfit: str = ""
    said: str = ""
    failed: str = ""
    pieces: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@functools.cache
def defaults() -> dict:
    """The chart's values.yaml; callers must not change it."""
    return yaml.load((CHART / "values.yaml").read_text(), LOADER)


@functools.cache
def validator() -> jsonschema_rs.Draft7Validator:
    return fitting.validator(json.loads((CHART / "values.schema.json").read_text()))


def coalesced(values: dict, under: dict) -> dict:
    """Values over defaults as helm puts them: maps key by key, null takes a default away, one that is null, too."""
    merged = dict(under)
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            merged[key] = coalesced(value, under[key])
        elif value is None and key in under:
            merged.pop(key)
        else:
            merged[key] = value
    return merged


def unfit(whole: dict) -> str:
    """Where values, the defaults among them, don't fit the schema: path and error, a line each."""
    return "\n".join(fitting.misfits(validator(), whole))


@functools.cache
def object_files() -> list[str]:
    """Paths in the chart of the templates that make objects."""
    return sorted(str(path.relative_to(CHART)) for path in (CHART / "templates").rglob("*.yaml"))


@functools.cache
def copy_with(loop: str) -> Path:
    """The chart with its object files and NOTES.txt as defines and the loop over the cases; until this process ends."""
    scratch = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, scratch)
    chart = Path(scratch) / CHART.name
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("values.yaml", "values.schema.json", "ci"))
    for name in [*object_files(), NOTES_FILE]:
        file = chart / name
        file.with_name(f"_{file.name}.tpl").write_text(f'{{{{ define "file:{name}" }}}}{file.read_text()}{{{{ end }}}}')
        file.unlink()
    (chart / "templates" / "cases.yaml").write_text(loop)
    return chart


def helm_template(chart: Path, values: str, release: str, namespace: str) -> subprocess.CompletedProcess[str]:
    """One run of helm; values is JSON or YAML."""
    command = ["helm", "template", release, str(chart), "--namespace", namespace, "--values", "-"]
    return subprocess.run(command, input=values, capture_output=True, text=True, timeout=1800)


def answer_of(case: Case, said: str, files: dict[str, list[int] | str], texts: dict[int, str]) -> Answer:
    """What the loop printed of a case: the rules' sentences, and of each rendered file the numbers of its texts or its hash."""
    if said or case.wanted == RULES:
        return Answer(said=said)
    if case.wanted == HASHES:
        return Answer(pieces=(json.dumps(files),))
    whole = {name: BETWEEN.join(texts[number] for number in numbers) for name, numbers in files.items()}
    return Answer(pieces=(whole[NOTES_FILE],) if case.wanted == NOTES else documents(CHART.name, whole))


def rendered(cases: list[tuple[Case, dict]]) -> list[Answer]:
    """The answers to cases with their whole values, all of which fit the schema."""
    files = {RULES: [], OBJECTS: object_files(), NOTES: [NOTES_FILE], HASHES: object_files()}
    asked = [case._asdict() | {"values": whole, "files": files[case.wanted]} for case, whole in cases]
    chart = copy_with(LOOP)
    (chart / CASES_FILE).write_text(json.dumps({"cases": asked, "between": BETWEEN}))
    done = helm_template(chart, "{}", "batch", "batch")
    if done.returncode and len(cases) > 1:  # a template fails in one of them
        half = len(cases) // 2
        return rendered(cases[:half]) + rendered(cases[half:])
    if done.returncode:
        return [Answer(failed=done.stderr)]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("#{")]
    found = json.loads(line[1:])
    texts = {number: text for text, number in found["texts"].items()}
    both = zip(cases, found["answers"], strict=True)
    return [answer_of(case, answer["said"], answer["files"], texts) for (case, _), answer in both]


def answers(cases: list[Case]) -> dict[Case, Answer]:
    """What the chart makes of each case, in one run of helm; in more where a template fails."""
    wholes = {case: coalesced(json.loads(case.values), defaults()) for case in cases}
    found = {case: Answer(unfit=unfit(whole)) for case, whole in wholes.items()}
    fit = [(case, wholes[case]) for case, one in found.items() if not one.unfit]
    return found | dict(zip([case for case, _ in fit], rendered(fit), strict=True)) if fit else found
