"""Before TorchServe starts: the marker, the seed's error, the archives."""

from __future__ import annotations

import json

import pytest

from tests.start.conftest import FILES
from tests.waiting import until

MARKER = ".seed/0123456789.json"
# What an agent that watches programs has in PYTHONPATH: it goes on with the file of the same name that it hides.
AGENT = """
import importlib.machinery, importlib.util, os, sys
print("the agent has begun", flush=True)
others = [folder for folder in sys.path if os.path.abspath(folder) != os.path.dirname(__file__)]
if hidden := importlib.machinery.PathFinder.find_spec("sitecustomize", others):
    hidden.loader.exec_module(importlib.util.module_from_spec(hidden))
"""
SENTENCE = "seed: bert: http://host/bert.mar: HTTP 404 Not Found; correct the model's uri, or put the file there"


def test_it_starts_torchserve_once_the_marker_is_there(predictor):
    predictor.start("--marker", MARKER)
    until(lambda: predictor.said(f"waiting for the seeding Job to write {predictor.claim / MARKER}"), "the wait")
    assert not predictor.said("launched")
    (predictor.claim / MARKER).write_text("{}")
    predictor.is_ready()
    assert predictor.said("the seeding Job has written")


def test_the_seed_s_error_is_said_at_once_and_ends_it_when_it_stands(predictor):
    (predictor.claim / MARKER).with_suffix(".error").write_text(SENTENCE + "\n")
    predictor.start("--marker", MARKER)
    until(lambda: predictor.said(f"the seeding Job says: {SENTENCE} (waiting in case it tries again)"), "the seed's sentence")
    assert predictor.ends() == 1
    assert predictor.log.read_text() == f"start: {SENTENCE}\n"


def test_an_error_that_a_retry_removes_costs_nothing(predictor):
    error = (predictor.claim / MARKER).with_suffix(".error")
    error.write_text(SENTENCE + "\n")
    predictor.start("--marker", MARKER)
    until(lambda: predictor.said("the seeding Job says: "), "the seed's sentence")
    error.unlink()
    until(lambda: predictor.said("the seeding Job tries again"), "the retry")
    (predictor.claim / MARKER).write_text("{}")
    predictor.is_ready()


def test_it_gives_up_waiting_after_the_timeout(predictor):
    predictor.start("--marker", MARKER, "--timeout-seconds", "0.5")
    assert predictor.ends() == 1
    assert f"no {predictor.claim / MARKER} after 0.5 s; see the log of the seeding Job" in predictor.log.read_text()


def test_it_can_be_stopped_while_it_waits(predictor):
    predictor.start("--marker", MARKER)
    until(lambda: predictor.said("waiting for the seeding Job"), "the wait")
    assert predictor.stop() < 10  # 30 would be the end of the wait itself
    assert predictor.running.returncode == 0


@pytest.mark.parametrize(
    ("there", "remedy"),
    [
        ("model-store/other.mar", "put it there (found in {claim}/model-store: other.mar)"),
        ("mar-store/bert.mar", "it lies at {claim}/mar-store/bert.mar: move it"),
        ("bert.mar", "it lies at {claim}/bert.mar: move it"),
        ("vol-1/model-store/bert.mar", "it lies at {claim}/vol-1/model-store/bert.mar: append vol-1 to persistence.subPath"),
    ],
)
def test_an_archive_that_is_not_in_the_store_is_looked_for_nearby(predictor, there, remedy):
    predictor.serves("bert", archives=False)
    (predictor.claim / "model-store/bert.mar").unlink()
    (predictor.claim / there).parent.mkdir(parents=True, exist_ok=True)
    (predictor.claim / there).touch()
    predictor.start()
    assert predictor.ends() == 1
    expected = f"start: model bert: {predictor.claim}/model-store/bert.mar does not exist; {remedy}\n"
    assert predictor.log.read_text() == expected.format(claim=predictor.claim)


def as_a_directory(predictor, *inside: str) -> None:
    """Puts a directory with these files where the model's archive was."""
    predictor.serves("bert", archives=False)
    directory = predictor.claim / "model-store/bert.mar"
    directory.unlink()
    for path in inside:
        (directory / path).parent.mkdir(parents=True)
        (directory / path).touch()


def test_a_model_may_be_a_directory_that_the_archiver_made(predictor):
    as_a_directory(predictor, "MAR-INF/MANIFEST.json")
    predictor.start()
    predictor.is_ready()


def test_another_directory_is_no_model(predictor):
    as_a_directory(predictor, "code/handler.py")
    predictor.start()
    assert predictor.ends() == 1
    assert predictor.log.read_text() == (
        f"start: model bert: {predictor.claim}/model-store/bert.mar has no MAR-INF/MANIFEST.json; let "
        "torch-model-archiver make it (no-archive)\n"
    )


def test_an_empty_claim_is_said_to_hold_nothing(predictor):
    (predictor.claim / "model-store/bert.mar").unlink()
    predictor.start()
    assert predictor.ends() == 1
    assert f"(found in {predictor.claim}/model-store: nothing)" in predictor.log.read_text()


def test_a_config_without_snapshot_is_refused(predictor):
    (predictor.etc / "config.properties").write_text("load_models=all\n")
    predictor.start()
    assert predictor.ends() == 1
    assert "config.properties is no config with a model_snapshot" in predictor.log.read_text()


def launch_of(predictor) -> list:
    predictor.is_ready()
    (line,) = [line for line in predictor.output.read_text().splitlines() if line.startswith("launched ")]
    return json.loads(line.removeprefix("launched "))


def test_torchserve_gets_the_config_and_no_other(predictor):
    predictor.start(TS_CONFIG_FILE="/elsewhere/config.properties")
    config = predictor.etc / "config.properties"
    assert launch_of(predictor) == ["--start", "--ncs", f"--ts-config={config}", None]


def test_a_log_configuration_beside_the_config_is_used(predictor):
    (predictor.etc / "log4j2.xml").touch()
    predictor.start()
    assert f"--log-config={predictor.etc}/log4j2.xml" in launch_of(predictor)


def test_what_torchserves_pythons_run_first_lies_beside_the_config(predictor, tmp_path):
    """The image's own and the user's folders stay on the path, and what they run first runs, too."""
    (tmp_path / "users").mkdir()
    (tmp_path / "users/sitecustomize.py").write_text("import os; print('users', os.environ['PYTHONPATH'], flush=True)")
    (predictor.etc / "sitecustomize.py").write_text((FILES / "sitecustomize.py").read_text())
    predictor.start(PYTHONPATH=str(tmp_path / "users"))
    predictor.is_ready()
    assert predictor.said(f"users {predictor.etc}:{tmp_path / 'users'}\n")


def test_a_sitecustomize_that_runs_what_it_hides_is_run_once_and_runs_ours_no_more(predictor, tmp_path):
    """As agents that watch programs do; the two must not call one another for ever."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/sitecustomize.py").write_text(AGENT)
    (predictor.etc / "sitecustomize.py").write_text((FILES / "sitecustomize.py").read_text())
    predictor.start(PYTHONPATH=str(tmp_path / "agent"))
    predictor.is_ready()
    assert predictor.said("the agent has begun\n")
    assert not predictor.said("RecursionError")


def test_what_an_earlier_life_of_the_container_left_is_removed(predictor):
    (predictor.temp / "models/1a2b").mkdir(parents=True)
    (predictor.temp / ".model_server.pid").write_text("1")
    (predictor.temp / ".ts.sock.9000").touch()
    (predictor.temp / "mine").touch()
    predictor.start()
    predictor.is_ready()
    assert sorted(path.name for path in predictor.temp.iterdir()) == [".model_server.pid", "mine"]
