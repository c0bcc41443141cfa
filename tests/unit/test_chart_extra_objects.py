"""Objects of the user's own: maps and texts, with templates in them."""

from __future__ import annotations

import pytest

from tests.unit.cases import SMALLEST, changed
from tests.unit.render import complaints, only, render_chart
from tests.unit.rules import both_ways

OBJECT = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "{{ .Release.Name }}-extra"}, "stringData": {"n": "1e3"}}
TEXT = "apiVersion: v1\nkind: Secret\nmetadata: {name: text}\n"
WRITE = "write an object with apiVersion, kind and metadata.name"


def extra(*objects: object) -> dict:
    return changed(SMALLEST, extraObjects=list(objects))


# wrong values -> the sentence, then right values that differ as little as possible.
RULES = {
    "no map": (extra(OBJECT, "Secret"), f"extraObjects[1] is no YAML map; {WRITE}", extra(OBJECT, TEXT)),
    "a list": (extra("- a: b"), f"extraObjects[0] is no YAML map; {WRITE}", extra(TEXT)),
    "an empty map": (extra({}), f"extraObjects[0] is no YAML map; {WRITE}", extra(OBJECT)),
    "no YAML": (extra("a: b: c"), f"extraObjects[0] is no YAML map; {WRITE}", extra(TEXT)),
    "two in one": (
        extra(f"{TEXT}---\n{TEXT}"),
        "extraObjects[0] has several YAML documents; write each as an entry of its own",
        extra(f"---\n{TEXT}"),
    ),
    "no kind": (extra({**OBJECT, "kind": ""}), f"extraObjects[0] has no kind; {WRITE}", extra(OBJECT)),
    "no version": (extra("kind: Secret\nmetadata: {name: a}"), f"extraObjects[0] has no apiVersion; {WRITE}", extra(TEXT)),
    "no text for a kind": (extra({**OBJECT, "kind": {"a": 1}}), f"extraObjects[0] has no kind; {WRITE}", extra(OBJECT)),
    "no map for metadata": (extra({**OBJECT, "metadata": "a"}), f"extraObjects[0] has no metadata.name; {WRITE}", extra(OBJECT)),
    "no map for annotations": (
        extra({**OBJECT, "metadata": {"name": "a", "annotations": []}}),
        "extraObjects[0].metadata.annotations is no map; write a map of texts",
        extra({**OBJECT, "metadata": {"name": "a", "annotations": {"b": "c"}}}),
    ),
    "no name": (extra({**OBJECT, "metadata": {}}), f"extraObjects[0] has no metadata.name; {WRITE}", extra(OBJECT)),
}


test_a_wrong_value_is_refused_in_one_sentence, test_the_right_value_beside_it_is_taken = both_ways(RULES)


def test_an_object_is_rendered_as_it_is_with_its_templates():
    found = only(render_chart(extra(OBJECT)), "Secret")
    assert found == {**OBJECT, "metadata": {"name": "demo-extra"}}


def test_a_text_may_use_the_charts_helpers_and_conditions():
    text = f"{TEXT}data:\n  claim: {{{{ include \"torchserve-kserve.claimName\" . | b64enc }}}}\n"
    assert only(render_chart(extra(text)), "Secret")["data"] == {"claim": "ZGVtby1tb2RlbC1zdG9yZQ=="}
    assert render_chart(extra("{{ if .Values.storageUri }}" + TEXT + "{{ end }}")) == render_chart(SMALLEST)


@pytest.mark.parametrize("number", [65535000, 1000650000])
def test_big_numbers_stay_whole(number):
    given = {**OBJECT, "spec": {"number": number, "fraction": 0.5, "flag": False}}
    assert only(render_chart(extra(given)), "Secret")["spec"] == given["spec"]
    assert complaints(extra(given)) == []
