"""A run that waits for an upload: others work on the claim meanwhile, and what it has done so far is left alone."""

from __future__ import annotations

import json

import pytest

from tests.seed.claim import Claim
from tests.seed.conftest import artefact
from tests.seed.server import mar
from tests.seed.uploads import WHOLE, finish, send, uploads, waiting

UPLOAD = {"model": "bert", "uri": "upload://bert.mar", "path": "model-store/bert-1.mar"}


@pytest.fixture
def other(claim, tmp_path) -> Claim:
    """Another plan for the same claim."""
    (tmp_path / "other").mkdir()
    found = Claim(tmp_path / "other")
    found.root = claim.root
    return found


def seeded(claim, *more: str) -> str:
    result = claim.seed(*more)
    assert result.code == 0, result.everything
    return result.out


def test_of_two_plans_the_one_that_waits_for_an_upload_lets_the_other_be_completed(claim, other, server):
    claim.writes([artefact(server, "a", mar()), UPLOAD])
    other.writes([artefact(server, "b", mar())])
    with waiting(claim) as run:
        assert "another seed works" not in seeded(other)
        assert run.poll() is None and other.marker.exists() and not claim.marker.exists()
        assert send(claim, WHOLE).code == 0
        finish(run)
    assert claim.marker.exists() and claim.files == [f"model-store/{name}-1.mar" for name in ("a", "b", "bert")]
    assert claim.parts == [] and not list((claim.root / ".seed").glob("*-partial.json"))


def test_what_a_waiting_run_relies_on_is_not_pruned_by_another_owner(claim, other, server):
    """It was there before, by the other's plan, which no longer names it."""
    other.writes([artefact(server, "a", mar())])
    seeded(other, "--owner", "team/other")
    claim.writes([artefact(server, "a", mar()), UPLOAD])
    other.writes([artefact(server, "b", mar())])
    with waiting(claim, "--owner", "team/bert") as run:
        seeded(other, "--owner", "team/other", "--keep-old", "0")
        assert send(claim, WHOLE).code == 0
        finish(run)
    assert claim.files == [f"model-store/{name}-1.mar" for name in ("a", "b", "bert")]
    assert [path for path, _ in server.requests].count("/a.mar") == 1


def test_what_has_gone_meanwhile_is_fetched_again(claim, server):
    claim.writes([artefact(server, "a", mar()), UPLOAD])
    with waiting(claim) as run:
        (claim.root / "model-store/a-1.mar").unlink()
        assert send(claim, WHOLE).code == 0
        finish(run)
    assert claim.files == ["model-store/a-1.mar", "model-store/bert-1.mar"] and claim.marker.exists()


def test_one_upload_is_enough_for_two_plans_that_wait_for_it(claim, other, server):
    claim.writes([UPLOAD])
    other.writes([UPLOAD, artefact(server, "a", mar())])
    with waiting(claim, "--owner", "team/bert") as run, waiting(other, "--owner", "team/other") as second:
        assert send(claim, WHOLE).code == 0
        finish(run)
        finish(second)
    assert claim.files == ["model-store/a-1.mar", "model-store/bert-1.mar"] and uploads(claim) == []
    assert claim.marker.exists() and other.marker.exists()


def test_two_owners_that_wait_with_the_very_plan_both_own_it(claim):
    claim.writes([UPLOAD])
    with waiting(claim, "--owner", "team/a") as first, waiting(claim, "--owner", "team/b") as second:
        assert send(claim, WHOLE).code == 0
        finish(first)
        finish(second)
    assert json.loads(claim.marker.read_text())["owners"] == ["team/a", "team/b"]


def test_a_run_that_was_killed_while_it_waited_is_made_good(claim, other, server):
    """What it had done is known: nothing of it is read or fetched again, and nobody else removes it."""
    claim.writes([artefact(server, "a", mar()), UPLOAD])
    with waiting(claim, "--owner", "team/bert"):
        pass
    other.writes([artefact(server, "b", mar())])
    seeded(other, "--owner", "team/other", "--keep-old", "0")
    assert send(claim, WHOLE).code == 0
    seeded(claim, "--owner", "team/bert", "--keep-old", "0")
    assert claim.files == [f"model-store/{name}-1.mar" for name in ("a", "b", "bert")]
    assert len(server.requests) == 2


def test_a_plan_that_was_given_up_while_it_waited_is_pruned(claim, server):
    """Its owner has another one now."""
    claim.writes([artefact(server, "a", mar()), UPLOAD])
    with waiting(claim, "--owner", "team/bert"):
        pass
    claim.writes([artefact(server, "b", mar())])
    seeded(claim, "--owner", "team/bert", "--keep-old", "0")
    assert claim.files == ["model-store/b-1.mar"]
    assert list((claim.root / ".seed").glob("*.json")) == [claim.marker]
