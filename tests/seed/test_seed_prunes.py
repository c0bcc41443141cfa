"""What no plan of a release names any more goes where that is asked for, and nothing else: claims are shared."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.seed.conftest import artefact
from tests.seed.server import mar


def plan(claim, server, *names: str, owner: str = "team/bert", keep: int | None = 0, more: tuple = ()) -> str:
    """What a run that goes well says."""
    claim.writes([artefact(server, name, mar()) for name in names])
    result = claim.seed(*(["--owner", owner] if owner else []), *([] if keep is None else ["--keep-old", str(keep)]), *more)
    assert result.code == 0, result.everything
    return result.out


def stored(claim) -> list[str]:
    return [Path(file).name.removesuffix("-1.mar") for file in claim.files]


def markers(claim) -> list[Path]:
    return sorted((claim.root / ".seed").glob("*.json"))


def owners(claim) -> list[str]:
    return json.loads(claim.marker.read_text())["owners"]


def test_nothing_goes_unless_asked(claim, server):
    plan(claim, server, "a", keep=None)
    plan(claim, server, "b", keep=None)
    assert stored(claim) == ["a", "b"]


def test_what_the_new_plan_does_not_name_goes_with_its_marker(claim, server):
    plan(claim, server, "a", "b")
    old = claim.marker
    said = plan(claim, server, "b", "c")
    assert stored(claim) == ["b", "c"]
    assert claim.marker.exists() and not old.exists()
    assert f"removed model-store/a-1.mar, {len(mar()):,} bytes" in said


def test_the_newest_stay(claim, server):
    for name in "abcd":
        plan(claim, server, name, keep=2)
    assert stored(claim) == ["b", "c", "d"]


def test_a_file_that_stayed_goes_later(claim, server):
    """Its marker is gone by then: it named another file that went."""
    plan(claim, server, "a", "b")
    os.utime(claim.root / "model-store/a-1.mar", (1, 1))
    plan(claim, server, "c", keep=1)
    assert stored(claim) == ["b", "c"]
    plan(claim, server, "c", "d", keep=0)
    assert stored(claim) == ["c", "d"]
    assert not list((claim.root / ".seed").glob("*-old.json"))


def test_a_file_of_another_owner_stays(claim, server):
    plan(claim, server, "a", "b", owner="team/other")
    plan(claim, server, "a", "c")
    plan(claim, server, "d")
    assert stored(claim) == ["a", "b", "d"]


@pytest.mark.parametrize("other", ["", "team/other"])
@pytest.mark.parametrize("first", [True, False])
def test_the_very_plan_of_another_release_keeps_its_file(claim, server, other, first):
    """Its marker is one file. Whoever wrote it, who ran the plan without an owner never lets go of it."""
    for owner in (other, "team/bert") if first else ("team/bert", other):
        plan(claim, server, "a", owner=owner, keep=None)
    assert owners(claim) == sorted([other, "team/bert"])
    shared = claim.marker
    said = plan(claim, server, "b")
    assert stored(claim) == ["a", "b"] and "removed" not in said
    assert json.loads(shared.read_text())["owners"] == [other]


def test_the_last_owner_of_a_plan_takes_its_file_away(claim, server):
    for owner in ("team/a", "team/b"):
        plan(claim, server, "a", owner=owner)
    plan(claim, server, "b", owner="team/a")
    assert stored(claim) == ["a", "b"]
    plan(claim, server, "c", owner="team/b")
    assert stored(claim) == ["b", "c"] and len(markers(claim)) == 2


def test_an_owner_who_comes_back_owns_it_again(claim, server):
    for owner, name in (("team/a", "a"), ("team/b", "a"), ("team/a", "b"), ("team/a", "a"), ("team/b", "c")):
        plan(claim, server, name, owner=owner)
    assert stored(claim) == ["a", "c"]


def test_what_one_owner_keeps_of_a_shared_plan_is_known_as_its_own(claim, server):
    for owner in ("team/a", "team/b"):
        plan(claim, server, "x", "y", owner=owner)
    plan(claim, server, "y", owner="team/a")
    plan(claim, server, "z", owner="team/b")
    assert stored(claim) == ["y", "z"]
    plan(claim, server, "w", owner="team/a")
    assert stored(claim) == ["w", "z"] and len(markers(claim)) == 2


@pytest.mark.parametrize("same_plan", [True, False])
def test_a_marker_with_one_owner_is_heeded(claim, server, same_plan):
    """As they were written before a plan could have several."""
    plan(claim, server, "a", owner="team/other")
    marker = json.loads(claim.marker.read_text())
    del marker["owners"]
    claim.marker.write_text(json.dumps({**marker, "owner": "team/other"}))
    if same_plan:
        plan(claim, server, "a")
        assert owners(claim) == ["team/bert", "team/other"]
    plan(claim, server, "b")
    assert stored(claim) == ["a", "b"]
    plan(claim, server, "c", owner="team/other")
    assert stored(claim) == ["b", "c"]


def test_what_no_owner_is_known_of_stays(claim, server):
    plan(claim, server, "a")
    marker = json.loads(claim.marker.read_text())
    del marker["owners"]
    claim.marker.write_text(json.dumps(marker))
    plan(claim, server, "a")
    plan(claim, server, "b")
    assert stored(claim) == ["a", "b"]


def test_a_plan_that_lost_a_file_still_knows_its_owners(claim, server):
    """Also where the run that fetches it again fails."""
    for owner in ("team/a", "team/b"):
        plan(claim, server, "a", "b", owner=owner)
    (claim.root / "model-store/a-1.mar").unlink()
    content = claim.plan.read_text()
    server.gives("/a.mar", b"<html>")
    assert claim.seed("--owner", "team/a").code == 7 and not claim.marker.exists()
    plan(claim, server, "c", owner="team/a")
    assert stored(claim) == ["b", "c"]
    claim.plan.write_text(content)
    server.gives("/a.mar", mar())
    assert claim.seed("--owner", "team/b").code == 0
    assert owners(claim) == ["team/b"] and stored(claim) == ["a", "b", "c"]
    assert not list((claim.root / ".seed").glob("*-partial.json"))


def test_what_is_to_be_kept_stays_whatever_the_plan_names(claim, server):
    """The release's own values name it by marName."""
    plan(claim, server, "a", "b")
    keeps = ("--keep", "model-store/a-1.mar", "--keep", "./model-store/d-1.mar")
    plan(claim, server, "c", more=keeps)
    plan(claim, server, "d", more=keeps)
    plan(claim, server, "e", more=keeps)
    assert stored(claim) == ["a", "d", "e"]
    plan(claim, server, "e")
    assert stored(claim) == ["e"], "until it isn't any more"


def test_those_that_stay_are_the_last_used_ones(claim, server):
    """A rollback makes an old one new, without a download."""
    for name in "aba":
        plan(claim, server, name, keep=1)
    plan(claim, server, "c", keep=1)
    assert stored(claim) == ["a", "c"]


def test_a_run_that_removes_what_was_not_used_last_counts_as_use_too(claim, server):
    for name, keep in (("a", 2), ("b", 2), ("c", 2), ("a", 1), ("d", 1)):
        plan(claim, server, name, keep=keep)
    assert stored(claim) == ["a", "d"]


def test_a_file_that_no_marker_names_stays(claim, server):
    plan(claim, server, "a")
    (claim.root / "model-store/by-hand.mar").write_bytes(b"mine")
    plan(claim, server, "b")
    assert claim.files == ["model-store/b-1.mar", "model-store/by-hand.mar"]


def test_nothing_goes_before_the_new_plan_is_complete(claim, server):
    plan(claim, server, "a")
    claim.wants(server.gives("/b.mar", b"<html>"))
    assert claim.seed("--owner", "team/bert", "--keep-old", "0").code == 7
    assert stored(claim) == ["a"]


def test_a_lower_number_counts_for_a_plan_that_is_complete(claim, server):
    plan(claim, server, "a", keep=None)
    plan(claim, server, "b", keep=None)
    plan(claim, server, "b", keep=0)
    assert stored(claim) == ["b"]


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", ".seed/lock", ".", "model-store"])
def test_a_marker_that_names_what_is_no_models_place_does_no_harm(claim, server, path):
    (claim.root.parent / "outside").write_text("mine")
    plan(claim, server, "a")
    marker = {"plan": "0123456789", "owner": "team/bert", "artifacts": [{"path": path, "bytes": 4, "sha256": "0"}]}
    (claim.root / ".seed/0123456789.json").write_text(json.dumps(marker))
    plan(claim, server, "b")
    assert stored(claim) == ["b"]
    assert (claim.root.parent / "outside").exists() and (claim.root / ".seed/lock").exists()


def test_a_directory_goes_as_a_whole(claim, server):
    plan(claim, server, "a")
    folder = claim.root / "model-store/big"
    (folder / "MAR-INF").mkdir(parents=True)
    (folder / "MAR-INF/MANIFEST.json").write_text("{}")
    entry = {"path": "model-store/big", "bytes": 2, "sha256": "0"}
    marker = {"plan": "0123456789", "owner": "team/bert", "artifacts": [entry]}
    (claim.root / ".seed/0123456789.json").write_text(json.dumps(marker))
    plan(claim, server, "b")
    assert claim.files == ["model-store/b-1.mar"] and not folder.exists()


def test_the_marker_names_the_owners(claim, server):
    plan(claim, server, "a")
    assert owners(claim) == ["team/bert"]
