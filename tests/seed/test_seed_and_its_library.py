"""The process of KServe's storage library, which brings the files of clouds: what it may do to a run."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path

import pytest

from tests.seed.claim import file_size_limit
from tests.seed.clouds import Hub
from tests.seed.server import mar
from tests.waiting import until


def test_a_volume_that_fills_up_is_no_space(claim, seed, running):
    """The limit on a file's size stands in for a full volume: the kernel refuses a write either way."""
    hub = running(Hub({"bert.mar": mar(files={"handler.py": "#", "weights": "0" * 3_000_000})}))
    claim.wants("hf://acme/bert")
    with file_size_limit(1 << 20):
        result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 8 and "enlarge persistence.size" in result.err, result.everything
    assert claim.files == [] and claim.parts == []


def test_an_image_without_the_library_is_said(claim):
    claim.wants("s3://models/bert.mar")
    result = claim.seed(PYTHONPATH="/nonexistent")
    assert result.code == 11 and "this image has no Python package kserve_storage; run the seed in an image" in result.err


def test_a_package_that_hdfs_needs_is_named(claim, seed):
    claim.wants("hdfs://models/bert.mar")
    result = seed()
    assert result.code == 11 and "this image has no Python package krbcontext" in result.err


@pytest.mark.parametrize("variable", ["AWS_SECRET_ACCESS_KEY", "GIT_PASSWORD"])
@pytest.mark.parametrize("value", ["very-secret-value", "/very-secret+value"])
def test_what_an_error_quotes_of_the_environment_is_not_printed(claim, seed, variable, value):
    """The value stands in the URL that the client's error has in full. One in 64 keys of AWS begins as a path does."""
    claim.wants("s3://models/bert.mar")
    environment = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret", "S3_MAX_ATTEMPTS": "1",
                   "AWS_ENDPOINT_URL": f"http://127.0.0.1:1/x{value}", variable: value}
    result = seed("--attempts", "1", **environment)
    assert result.code == 5 and "http://127.0.0.1:1/x***/models" in result.err, result.everything
    assert "very-secret" not in result.everything


def test_a_path_that_the_environment_names_may_be_printed(claim, seed, tmp_path):
    """Of a variable with a file, which is no secret, an error needs the name."""
    claim.wants("s3://models/bert.mar")
    environment = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret", "S3_MAX_ATTEMPTS": "1",
                   "AWS_ENDPOINT_URL": f"http://127.0.0.1:1{tmp_path}", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path)}
    result = seed("--attempts", "1", **environment)
    assert result.code == 5 and f"http://127.0.0.1:1{tmp_path}/models" in result.err, result.everything


def test_what_an_error_quotes_of_a_proxys_password_is_not_printed(claim, seed):
    """A parser takes what is before the slash for a port."""
    claim.wants("s3://models/bert.mar")
    environment = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "secret", "S3_MAX_ATTEMPTS": "1",
                   "AWS_ENDPOINT_URL": "http://127.0.0.1:1/x-very-secret", "no_proxy": "127.0.0.1",
                   "http_proxy": "http://ann:very-secret/value@127.0.0.1:1"}
    result = seed("--attempts", "1", **environment)
    assert result.code == 5 and "http://127.0.0.1:1/x-***/models" in result.err, result.everything


def libraries(parent: int) -> list[int]:
    """Processes of the library that this one has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"PPid:\t{parent}\n" in status.read_text() and b"seed_library.py" in (status.parent / "cmdline").read_bytes():
                found.append(int(status.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_takes_the_library_with_it(claim, library, running, monkeypatch, number):
    hold = threading.Event()
    hub = running(Hub({"bert.mar": mar(files={"handler.py": "#", "weights": "0" * 3_000_000})}, hold=hold))
    claim.wants("hf://acme/bert")
    monkeypatch.setenv("PYTHONPATH", library)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    run = claim.start()
    until(lambda: any(method == "GET" and "/resolve/" in path for method, path, _ in hub.requests), "the file to be asked for")
    (process,) = libraries(run.pid)
    assert b"acme" not in Path(f"/proc/{process}/cmdline").read_bytes(), "everyone on the node sees arguments"
    run.send_signal(number)
    _, err = run.communicate(timeout=20)
    assert run.returncode == (143 if number == signal.SIGTERM else -9), err
    until(lambda: not Path(f"/proc/{process}").exists(), "the library's process to end")
    hold.set()
    assert claim.files == [] and not claim.marker.exists()
    hub.hold = None
    assert claim.seed().code == 0
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"] and claim.parts == []


def test_a_library_that_hangs_is_ended(claim, seed, running):
    hub = running(Hub({"bert.mar": mar()}, hold=threading.Event()))
    claim.wants("hf://acme/bert")
    result = seed("--timeout", "0.5", "--attempts", "1", HF_ENDPOINT=hub.endpoint)
    assert result.code == 5 and "no byte came for 5 s, after " in result.err, result.everything
    assert claim.files == []
