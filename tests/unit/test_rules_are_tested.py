"""Each sentence of the chart's rules has wrong values that get it and right ones beside them; one without fails here."""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path

import pytest

from tests.unit.render import CHART

HERE = Path(__file__).parent
# Sentences that are not in a table of `both_ways`, by their longest piece -> the test that has both.
ELSEWHERE = {
    ": the chart's objects fit KServe 0.15 and later": "test_a_version_that_is_too_old_is_refused",
    " can't name an InferenceService": "test_a_release_name_that_kserve_refuses_is_refused",
    "install it under one of at most 40": "test_a_release_name_that_leaves_kserve_no_room_is_refused",
    "}}-<namespace> a part of the host, which holds 63": "test_a_release_and_its_namespace_fit_into_one_host_name_together",
    "persistence.create is false beside storageUri": "test_a_word_about_the_claim_that_is_not_there_is_refused",
    **dict.fromkeys(
        ("storageUri: KServe does not fetch from ", " KServe fetches one file, which has to be ", " is a single .mar, "),
        "test_what_kserve_does_not_fetch_as_a_store_is_refused_in_one_sentence",
    ),
    "are this chart twice in one release": "test_two_of_them_in_one_release_are_refused",
    " is a property that the chart knows and checks": "test_a_property_that_the_chart_knows_is_sent_there",
    " is not a key of config.properties": "test_a_name_that_is_no_propertys_is_refused",
    " has a line break, which would start another property": "test_a_value_of_two_lines_is_refused",
    # What needs a running release is on a cluster: tests/e2e/test_great_changes.py.
    ": the release runs in mode ": "test_a_change_of_the_mode_is_refused_with_a_sentence_and_nothing_of_the_release_is_touched",
}


def sentences() -> list[str]:
    """The lines of the rules that are said: cause; remedy."""
    found = []
    for file in sorted((CHART / "templates").glob("_validate*.tpl")):
        text = re.sub(r"\{\{-? */\*.*?\*/ *-?\}\}", "", file.read_text(), flags=re.DOTALL)
        found += [line for line in text.splitlines() if "; " in line and not line.startswith(("{{-", "  says:"))]
    return found


@functools.cache
def tabled() -> list[str]:
    """The sentences of all tables of rules."""
    files = [file for file in HERE.glob("test_*.py") if "= both_ways(" in file.read_text()]
    modules = [importlib.import_module(f"tests.unit.{file.stem}") for file in files]
    tables = [table for module in modules for table in vars(module).values() if isinstance(table, dict)]
    return [row[1] for table in tables for row in table.values()
            if isinstance(row, tuple) and len(row) == 3 and isinstance(row[1], str)]


def pattern(sentence: str) -> str:
    """Of its rendered text: what is between {{ and }} may be anything, and so may the text of branches."""
    pieces = re.split(r"\{\{.*?\}\}", re.sub(r"\{\{-? *if .*\{\{-? *end *-?\}\}", "{{}}", sentence.strip()))
    return ".*".join(map(re.escape, pieces))


def test_there_are_rules_and_tables():
    assert len(sentences()) > 100
    assert len(tabled()) > 100


@pytest.mark.parametrize("sentence", sentences())
def test_a_rule_has_wrong_and_right_values(sentence):
    if any(re.fullmatch(pattern(sentence), said) for said in tabled()):
        return
    named = [test for piece, test in ELSEWHERE.items() if piece in sentence]
    assert named, f"no table of rules has it, and it is not in ELSEWHERE: {sentence}"
    files = [*HERE.glob("test_*.py"), HERE.parent / "e2e" / "test_great_changes.py"]
    tests = "".join(file.read_text() for file in files)
    assert re.search(rf"(?m)^(def )?{named[0]}[(,]", tests), f"there is no {named[0]}"
