"""docs/values.md is what the schema and values.yaml say, whole; and links to it lead somewhere."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from ci import reference
from ci.cluster.paths import CHART, REPOSITORY


def test_the_values_page_says_what_the_schema_says() -> None:
    assert reference.PAGE.read_text() == reference.page(), "make it anew: ci/nox -s docs"


def _keys(defaults: dict, path: str = "") -> Iterator[str]:
    for key, value in defaults.items():
        yield path + key
        if isinstance(value, dict):
            yield from _keys(value, f"{path}{key}.")


def test_every_key_of_values_yaml_is_in_the_page() -> None:
    # Keys below these are Kubernetes' own or the user's, and no keys of the schema.
    free = ("seed.resources.", "runtime.resources.", "metrics.dashboard.labels.")
    page = reference.page()
    keys = [key for key in _keys(reference.defaults()) if not key.startswith(free)]
    assert len(keys) > 100
    assert [key for key in keys if f"`{key}`" not in page and f"## {key}\n" not in page] == []


def test_every_anchor_of_the_page_is_there_once() -> None:
    page = reference.page()
    anchors = re.findall(r'<a id="([^"]+)">', page) + [title.lower() for title in re.findall(r"^#+ (\S+)$", page, re.M)]
    assert [anchor for anchor, count in Counter(anchors).items() if count > 1] == []
    assert [link for link in re.findall(r"\]\(#([^)]+)\)", page) if link not in anchors] == []


@pytest.mark.parametrize(("node", "words"), [
    ({"type": "integer", "minimum": 1, "maximum": 5}, "integer (1 to 5)"),
    ({"type": ["string", "null"]}, "text or `null`"),
    ({"type": ["integer", "null"], "minimum": 1}, "integer (1 or more) or `null`"),
    ({"enum": ["native", "wrapper"]}, "`native` or `wrapper`"),
    ({"type": "array", "items": {"$ref": "#/definitions/part"}}, "list of [part](#part)"),
    ({"type": "object", "additionalProperties": {"type": "string"}}, "map of text"),
])
def test_types_are_written_in_words(node: dict, words: str) -> None:
    assert reference.row(reference.Value("a.b", node, None), {}).split(" | ")[1] == words


def test_a_key_without_words_of_its_own_says_what_its_shape_says() -> None:
    shape = {"part": {"description": "A <file>|part.", "examples": ["s3://a"]}}
    assert r"A &lt;file>\|part." in reference.row(reference.Value("a.b", {"$ref": "#/definitions/part"}, None), shape)


def test_the_charts_readme_leads_to_the_page_and_repeats_only_keys_that_exist() -> None:
    text = (CHART / "README.md").read_text().split("\n## Values\n")[1].split("\n## ")[0]
    assert "../../docs/values.md" in text
    page = (REPOSITORY / "docs" / "values.md").read_text()
    named = re.findall(r"^\| `([\w.<>]+)`", text, re.M)
    assert len(named) >= 10
    assert [key for key in named if f"`{key}`" not in page and f"## {key}\n" not in page] == []
