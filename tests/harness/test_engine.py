"""Docker where there is none, and containers on a machine that withholds capabilities."""

import json
from pathlib import Path

import pytest

from ci.cluster import engine, oci_shim, system
from ci.cluster.errors import Problem

ALL_BUT_SYS_RESOURCE = "CapBnd:\t000001fffeffffff\n"


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "answers", lambda: False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_and_without_root_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "is_root", lambda: False)
    with pytest.raises(Problem, match="install and start docker"):
        engine.ensure(install=True)


@pytest.mark.usefixtures("no_engine")
def test_an_engine_elsewhere_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(Problem, match=r"DOCKER_HOST names \(tcp://127\.0\.0\.1:1\)"):
        engine.ensure(install=True)


@pytest.mark.usefixtures("no_engine")
def test_nothing_is_installed_where_that_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "is_root", lambda: True)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Problem, match=r"--no-install was given: install .*docker"):
        engine.ensure(install=False)


def test_too_little_disk_is_told_with_need_and_have(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"it needs 1000000 GiB under .*, \d+\.\d GiB are free"):
        system.ensure_disk(tmp_path, 1e6, "this test")


def test_the_pid_file_of_a_daemon_that_ended_is_forgotten_and_that_of_a_living_program_is_not_trusted(tmp_path: Path) -> None:
    pidfile = tmp_path / "docker.pid"
    for pid in ("1", "4194304"):  # not dockerd; nobody
        pidfile.write_text(pid)
        engine._forget_dead_daemon(pidfile)
        assert not pidfile.exists()


def test_missing_capabilities_are_those_that_the_bounding_set_lacks(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(ALL_BUT_SYS_RESOURCE)
    assert oci_shim.missing_capabilities(status) == ["CAP_SYS_RESOURCE"]


def test_the_shim_takes_exactly_the_missing_capabilities_out_of_a_container(tmp_path: Path) -> None:
    spec = {"process": {"args": ["sh"], "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "ambient": None}}}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(spec))
    oci_shim.rewrite(config, ["CAP_SYS_RESOURCE"], whole_spec=True)
    assert json.loads(config.read_text()) == {
        "process": {"args": ["sh"], "capabilities": {"bounding": ["CAP_CHOWN"], "ambient": []}}}


@pytest.mark.parametrize("arguments", ["exec --process FILE id", "exec --process=FILE id", "exec -p FILE"])
def test_the_shim_finds_the_process_file_of_an_exec(arguments: str) -> None:
    assert oci_shim.option(arguments.split(), "--process", "-p") == "FILE"
