"""The values in the docs, and their renders: all of them by one run of helm."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from ci import commands
from tests.unit.batch import coalesced, defaults
from tests.unit.cases import SMALLEST
from tests.unit.render import CHART, NAMESPACE, RELEASE, helm_template

# What stands in a page for something that only the reader has.
PLACEHOLDERS = {"<64 hex digits>": "a" * 64, "sha256:…": "sha256:" + "a" * 64}
SUBCHART = "torchserve-kserve"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Every object of a release for each of the values, as helm renders it: the templates' own files, included.
ALL = """{{- range $number, $case := .Values.cases }}
{{- range $name := $.Values.names }}
{{- $context := pick $ "Release" "Chart" "Files" "Template" "Capabilities" | merge (dict "Values" $case) }}
---
# case {{ $number }}
{{ include (printf "%s/_%s" $.Template.BasePath $name) $context }}
{{- end }}
{{- end }}
"""


@dataclass(frozen=True)
class Snippet:
    """Values of a page.

    Attributes:
        place: PAGE:NUMBER, the number being that of the yaml block in the page.
        own: the map in it, placeholders replaced.
    """

    place: str
    own: dict

    @property
    def whole(self) -> dict:
        """The same with the smallest model, where it names none."""
        return self.own if "models" in self.own else SMALLEST | self.own


@functools.cache
def snippets() -> list[Snippet]:
    """Each yaml block of the docs that is values: all but `yaml other` and the objects of others (apiVersion)."""
    found = []
    for page in commands.pages():
        blocks = [block for block in commands.blocks(page) if block.kind == "yaml"]
        for number, block in enumerate(blocks, 1):
            text = functools.reduce(lambda said, pair: said.replace(*pair), PLACEHOLDERS.items(), block.text)
            found += [Snippet(f"{block.page}:{number}", own.get(SUBCHART, own))
                      for own in yaml.safe_load_all(text) if "apiVersion" not in own]
    return found


@functools.cache
def renders() -> list[list[dict]]:
    """The objects of each snippet's release, in the snippets' order. What the rules say is asked apart (batch.py)."""
    with tempfile.TemporaryDirectory() as scratch:
        chart = Path(scratch) / CHART.name
        shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("NOTES.txt", "values.schema.json", "ci"))
        files = [file for file in sorted((chart / "templates").glob("*.yaml")) if file.name != "validate.yaml"]
        for file in files:
            file.rename(file.with_name(f"_{file.name}"))
        (chart / "templates" / "validate.yaml").unlink()
        (chart / "templates" / "all.yaml").write_text(ALL)
        shutil.rmtree(chart / "templates" / "tests")
        cases = [coalesced(snippet.whole, defaults()) for snippet in snippets()]
        text = helm_template(json.dumps({"cases": cases, "names": [file.name for file in files]}), RELEASE, chart, NAMESPACE)
    found: list[list[dict]] = [[] for _ in cases]
    number = 0
    for part in text.split("\n---\n"):
        marks = [line for line in part.splitlines() if line.startswith("# case ")]
        number = int(marks[0].removeprefix("# case ")) if marks else number  # a file with several objects
        found[number] += [item for item in yaml.load_all(part, LOADER) if item]
    return found
