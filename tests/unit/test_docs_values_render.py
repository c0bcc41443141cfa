"""Every piece of values in the docs is taken by schema and rules, renders, and its objects fit the schemas."""

from __future__ import annotations

import functools

import pytest

from tests.unit.batch import coalesced, defaults, validator
from tests.unit.docs_values import snippets
from tests.unit.fitting import misfits
from tests.unit.render import RELEASE, complaints_of, of_kind, render_chart
from tests.unit.schemas import faults

PLACES = [snippet.place for snippet in snippets()]


@functools.cache
def said() -> dict[str, list[str]]:
    """What the rules say to each; those left out that the schema refuses, which a test of their own names."""
    fit = [snippet for snippet in snippets() if validator().is_valid(coalesced(snippet.whole, defaults()))]
    return dict(zip([snippet.place for snippet in fit], complaints_of([snippet.whole for snippet in fit]), strict=True))


def test_the_guides_and_pages_have_values() -> None:
    assert len(PLACES) >= 30
    assert {place.split(":")[0] for place in PLACES} >= {
        f"docs/guides/{name}.md" for name in ("own-archive", "handler-and-weights", "s3", "autoscaling", "canary")}


@pytest.mark.parametrize("number", range(len(PLACES)), ids=PLACES)
def test_values_of_the_docs_fit_the_schema(number: int) -> None:
    whole = coalesced(snippets()[number].whole, defaults())
    assert misfits(validator(), whole) == []


@pytest.mark.parametrize("number", range(len(PLACES)), ids=PLACES)
def test_no_rule_refuses_values_of_the_docs(number: int) -> None:
    assert said().get(PLACES[number], []) == []


@pytest.mark.parametrize("number", range(len(PLACES)), ids=PLACES)
def test_values_of_the_docs_render_to_objects_that_fit_the_schemas(number: int) -> None:
    objects = render_chart(snippets()[number].whole)
    assert [item["metadata"]["name"] for item in of_kind(objects, "InferenceService")] == [RELEASE]
    assert [fault for item in objects for fault in faults(item)] == []
