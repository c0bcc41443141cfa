"""The example models' data and requests, checked without training anything."""

import base64
import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml

from ci.cluster import examples, store

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WRITE_UP_REQUEST = '{"instances":[{"data":"Hello World!"}]}'


def labelled(name: str) -> list[tuple[int, str]]:
    with (EXAMPLES / "bert" / name).open(newline="", encoding="utf-8") as stream:
        return [(int(row["stars"]), row["text"]) for row in csv.DictReader(stream)]


def plain(text: str) -> str:
    """The text without what could hide that two sentences are the same."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def test_bert_request_is_the_one_of_the_write_up():
    assert (EXAMPLES / "bert" / "request.json").read_text().strip() == WRITE_UP_REQUEST
    assert json.loads((EXAMPLES / "bert" / "expected.json").read_text()) == {"predictions": [4]}


def test_bert_learns_from_equally_many_sentences_of_each_class():
    assert Counter(stars for stars, _ in labelled("reviews.csv")) == dict.fromkeys(range(1, 6), 75)


def test_no_sentence_is_there_twice():
    texts = Counter(plain(text) for name in ("reviews.csv", "held-out.csv") for _, text in labelled(name))
    assert [text for text, times in texts.items() if times > 1] == []


def test_the_request_sentence_is_not_among_the_training_sentences():
    assert plain("Hello World!") not in {plain(text) for _, text in labelled("reviews.csv")}


def test_held_out_sentences_cover_every_class():
    found = Counter(stars for stars, _ in labelled("held-out.csv"))
    assert set(found) == {1, 2, 3, 4, 5}
    assert sum(found.values()) >= 10


def test_digits_request_is_one_small_grey_png():
    [instance] = json.loads((EXAMPLES / "digits" / "request.json").read_text())["instances"]
    image = base64.b64decode(instance["data"], validate=True)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = int.from_bytes(image[16:20], "big"), int.from_bytes(image[20:24], "big")
    depth, colour = image[24], image[25]
    assert (width, height, depth, colour) == (8, 8, 8, 0)


@pytest.mark.parametrize("example", ["bert", "digits"])
def test_example_values_give_everything_but_the_source(example):
    model = yaml.safe_load((EXAMPLES / example / "values.yaml").read_text())["models"][example]
    assert "uri" not in model
    # what NOTES and `helm test` send is what the example's own request says
    assert model["example"] == json.loads((EXAMPLES / example / "request.json").read_text())


@pytest.mark.parametrize("example", ["bert", "digits"])
def test_a_model_is_trained_anew_for_another_program_and_not_for_another_readme(
        example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLES / example, tmp_path / example)
    monkeypatch.setattr(examples, "EXAMPLES", tmp_path)
    before = store.key(*examples.inputs(example))
    for file in sorted((tmp_path / example).iterdir()):
        with file.open("a") as stream:
            stream.write("\n")
        after = store.key(*examples.inputs(example))
        assert (after == before) == (file.name == "README.md"), file.name
        before = after
