"""What is built is kept by the hash of its inputs, and only when it is whole."""

from pathlib import Path

import pytest

from ci.cluster import store


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCHSERVE_KSERVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_thing_is_built_once() -> None:
    built = []

    def build(work: Path) -> None:
        built.append(work)
        (work / "file").write_text("whole")

    first = store.built("things", "abc", build)
    assert store.built("things", "abc", build) == first
    assert len(built) == 1
    assert (first / "file").read_text() == "whole"


def test_a_build_that_is_broken_off_counts_for_nothing_and_leaves_nothing_to_the_next() -> None:
    def broken_off(work: Path) -> None:
        (work / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.built("things", "abc", broken_off)
    whole = store.built("things", "abc", lambda work: (work / "file").write_text("whole") and None)
    assert [file.name for file in whole.iterdir()] == ["file"]


def test_the_key_changes_with_a_files_name_and_contents_and_with_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = store.key(folder, {"x": 1, "y": 2})
    assert store.key(folder, {"y": 2, "x": 1}) == before
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("compiled")
    assert store.key(folder, {"x": 1, "y": 2}) == before
    (folder / "a").rename(folder / "b")
    renamed = store.key(folder, {"x": 1, "y": 2})
    (folder / "b").write_text("2")
    assert len({before, renamed, store.key(folder, {"x": 1, "y": 2})}) == 3
