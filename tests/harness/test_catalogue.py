"""The catalogue of log lines: every pattern finds its own example and nobody else's, every remedy names values that exist."""

import json
import re
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.cluster.paths import CHART
from tests.conformance import catalogue, page

ENTRIES = catalogue.entries()
BY_ID = {entry.id: entry for entry in ENTRIES}
VALUE = re.compile(r"`((?:seed|runtime|persistence|models\.<name>|pip|gpu|kubeflow|properties|global|securityContext)"
                   r"(?:\.\w+)+)\b")


def test_it_has_forty_entries_and_no_id_twice() -> None:
    assert len(ENTRIES) >= 40
    assert len(BY_ID) == len(ENTRIES)


def test_every_file_of_the_catalogue_is_read() -> None:
    folder = Path(catalogue.__file__).parent / "catalogue"
    index = yaml.safe_load((folder / "index.yaml").read_text())
    assert sorted(["index", *index["files"]]) == sorted(file.stem for file in folder.iterdir())


def test_every_entry_is_complete() -> None:
    for entry in ENTRIES:
        assert entry.where and set(entry.where) <= set(catalogue.PLACES), entry.id
        assert entry.symptom in catalogue.symptoms(), entry.id
        assert entry.severity in catalogue.SEVERITIES, entry.id
        assert 0 <= entry.near <= 100, entry.id
        assert (entry.severity == "harmless") == (entry.symptom == "harmless") == (entry.near == 0), entry.id
        assert entry.meaning.endswith(".") and entry.remedy.endswith("."), entry.id
        assert set(entry.also) <= set(BY_ID), entry.id


def test_every_pattern_finds_its_example_and_no_other_ones() -> None:
    assert [entry.id for entry in ENTRIES if not entry.found_in(entry.example)] == []
    also_found = {entry.id: [other.id for other in ENTRIES if other is not entry and entry.found_in(other.example)
                             and set(entry.where) & set(other.where) and entry.id not in other.also]
                  for entry in ENTRIES if not entry.generic}
    assert {entry: others for entry, others in also_found.items() if others} == {}, "tell them apart, or say so in `also`"


def test_every_example_is_explained_by_its_own_entry_first() -> None:
    firsts = [(entry.id, place, catalogue.explain(entry.example, place)[0].id) for entry in ENTRIES for place in entry.where]
    assert [(entry, place, first) for entry, place, first in firsts if first != entry] == []


def test_no_pattern_finds_what_a_healthy_release_says() -> None:
    healthy = ("2026-11-28T04:24:29,878 [INFO ] main org.pytorch.serve.wlm.ModelManager - Model tiny loaded.",
               "start: model tiny 1.0 is ready: 1 worker(s), 2.3 s after the start", "Scheduled: Successfully assigned x/y to z",
               "seed: tiny: fetched model-store/one-d3d.mar, 560 bytes in 0.1 s, sha256 " + 64 * "0")
    assert [(entry.id, line) for entry in ENTRIES for line in healthy if entry.found_in(line)] == []


def test_a_harmless_line_is_not_bad_whatever_else_finds_it() -> None:
    line = "io.netty.channel.unix.Errors$NativeIoException: readAddress(..) failed: Connection reset by peer"
    assert catalogue.bad_lines(line, "server") == []
    assert catalogue.bad_lines(line.replace("readAddress(..) failed: Connection reset by peer", "x"), "server")


def test_what_belongs_to_the_line_before_it_is_not_bad_and_what_comes_after_it_is() -> None:
    head, trace = BY_ID["ts-no-json"].example, "x [INFO ] W MODEL_LOG - Traceback (most recent call last):"
    assert catalogue.bad_lines(f"{head}\n{trace}\nx", "server") == []
    failed = BY_ID["ts-request-failed"].example
    assert catalogue.bad_lines(f"{head}\n{trace}\nx\n{failed}\n{trace}\n{failed}", "server") == []
    assert [number for number, _, _ in catalogue.bad_lines(f"{head}\n{trace}\n{trace}", "server")] == [2]


@pytest.mark.parametrize("head", [entry.id for entry in ENTRIES if entry.hides])
def test_a_line_that_does_not_belong_to_the_one_before_it_is_bad(head: str) -> None:
    bad, trace = BY_ID["ts-worker-died"].example, BY_ID["ts-traceback"].example
    said = f"{BY_ID[head].example}\n{bad}\n{trace}"
    assert [number for number, _, _ in catalogue.bad_lines(said, "server")] == [1, 2]


def test_the_bad_lines_of_a_log_come_with_their_numbers_and_the_best_explanation() -> None:
    log = "fine\n2026 [ERROR] x - java.lang.OutOfMemoryError: Java heap space\nfine"
    (number, line, entry), = catalogue.bad_lines(log, "server")
    assert (number, entry.id) == (1, "ts-java-memory")
    assert "heap" in line


def test_values_that_remedies_name_are_values_of_the_chart() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def resolved(node: Any) -> dict[str, Any]:
        while isinstance(node, dict) and "$ref" in node:
            node = reduce(lambda found, key: found[key], node["$ref"].removeprefix("#/").split("/"), schema)
        return node if isinstance(node, dict) else {}

    def field(node: dict[str, Any], key: str) -> dict[str, Any]:
        """The schema of a field; that of a free-form map is {}, and so is all below it."""
        if not node:
            return node
        return resolved(node.get("properties", {}).get(key) or node.get("additionalProperties") or {"unknown": key})

    named = [(entry.id, path) for entry in ENTRIES for path in VALUE.findall(entry.remedy)]
    assert len(named) >= 20
    assert [(entry, path) for entry, path in named if "unknown" in reduce(field, path.split("."), schema)] == []


@pytest.mark.parametrize(("next_line", "bad"), [
    ("io.netty.channel.unix.Errors$NativeIoException: readAddress(..) failed: Connection reset by peer", False),
    ("java.lang.NullPointerException: Cannot invoke \"String.length()\"", True), ("java.lang.Throwable: it", True),
    ("\tat org.pytorch.serve.http.HttpRequestHandler.<init>(HttpRequestHandler.java:42) ~[model-server.jar:?]", True),
])
def test_an_error_without_words_is_as_bad_as_the_line_after_it(next_line: str, bad: bool) -> None:
    found = catalogue.bad_lines(f"{BY_ID['ts-connection-error'].example}\n{next_line}", "server")
    assert [number for number, _, _ in found] == ([1] if bad else [])


def test_the_troubleshooting_page_is_what_the_catalogue_makes_of_it() -> None:
    assert page.PAGE.read_text() == page.page(), "run ci/nox -s docs"


def test_the_page_has_the_headings_in_the_order_of_the_catalogue() -> None:
    text, headings = page.page(), catalogue.symptoms().values()
    assert all(text.index(f"## {first}") < text.index(f"## {second}") for first, second in pairwise(headings))
