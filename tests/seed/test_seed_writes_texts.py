"""A text of the plan, such as config/config.properties: the one kind of file on the claim that is replaced, always as a whole."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from tests.seed.conftest import artefact
from tests.seed.server import Answer, mar, sha256
from tests.waiting import until

CONFIG = "config/config.properties"
OLD, NEW = "model_store=/mnt/models/model-store\n", "model_store=/mnt/models/model-STORE\n"  # as long as each other


def text(content: str = OLD, path: str = CONFIG) -> dict:
    return {"path": path, "text": content}


def seed(claim, *artifacts: dict, options: tuple = ()) -> str:
    """What a run that goes well says."""
    claim.writes(list(artifacts))
    result = claim.seed(*options)
    assert result.code == 0, result.everything
    return result.out


def written(claim) -> str:
    return (claim.root / CONFIG).read_text()


def identity(*files) -> list[tuple[int, int]]:
    """Another one of a file that was written anew."""
    return [(file.stat().st_ino, file.stat().st_mtime_ns) for file in files]


def test_a_text_is_written_readable_by_everyone_and_in_the_marker(claim):
    content = "model_store=/é\n"
    old = os.umask(0o077)
    try:
        said = seed(claim, text(content))
    finally:
        os.umask(old)
    size, digest = len(content.encode()), sha256(content.encode())
    assert re.search(rf"config\.properties: fetched {CONFIG}, {size} bytes in \d+\.\d\d s, sha256 {digest}", said)
    assert written(claim) == content
    assert [stat.S_IMODE(path.stat().st_mode) for path in (claim.root / CONFIG, claim.root / "config")] == [0o644, 0o755]
    entry = {"model": "config.properties", "version": None, "path": CONFIG, "bytes": size, "sha256": digest, "text": True}
    assert json.loads(claim.marker.read_text())["artifacts"] == [entry]
    assert claim.files == [CONFIG] and claim.parts == []


def test_a_second_run_keeps_it_and_writes_nothing(claim):
    seed(claim, text())
    before, marker = identity(claim.root / CONFIG), claim.marker.stat().st_ino
    assert f"config.properties: kept {CONFIG}" in seed(claim, text())
    assert identity(claim.root / CONFIG) == before
    assert claim.marker.stat().st_ino == marker, "its time alone may change: the plan was used"


def test_a_text_that_someone_else_has_put_there_is_kept(claim):
    (claim.root / "config").mkdir()
    (claim.root / CONFIG).write_text(OLD)
    before = identity(claim.root / CONFIG)
    assert f"kept {CONFIG}" in seed(claim, text())
    assert identity(claim.root / CONFIG) == before and claim.marker.exists()


def test_another_text_is_replaced(claim):
    (claim.root / "config").mkdir()
    (claim.root / CONFIG).write_text("by hand")
    said = seed(claim, text())
    assert written(claim) == OLD and f"{CONFIG} is there with another text; replacing it" in said


def test_an_older_plan_brings_its_own_text_back_although_its_marker_is_there(claim):
    """As `helm rollback` does; the sizes are equal, so that they tell nothing."""
    for content in (OLD, NEW, OLD, NEW):
        seed(claim, text(content))
        assert written(claim) == content
    assert len(list((claim.root / ".seed").glob("*.json"))) == 2


def test_a_change_of_the_text_fetches_no_archive_again(claim, server):
    seed(claim, artefact(server, "bert", mar()), text(OLD))
    seed(claim, artefact(server, "bert", mar()), text(NEW))
    assert len(server.requests) == 1 and written(claim) == NEW


def test_it_is_replaced_when_all_that_it_may_name_is_there(claim, server):
    hold = threading.Event()
    seed(claim, text(OLD))
    archive = {"model": "a", "uri": server.gives("/a.mar", Answer(mar(), hold=hold)), "path": "model-store/a-1.mar"}
    sent = {"model": "b", "uri": "upload://b.mar", "path": "model-store/b-1.mar"}
    claim.writes([text(NEW), sent, archive])
    running = claim.start("--timeout", "20")
    until(lambda: server.requests, "the archive's request")
    assert written(claim) == OLD
    hold.set()
    until(lambda: "model-store/a-1.mar" in claim.files, "the archive")
    assert written(claim) == OLD
    upload = subprocess.run(claim.command("--receive", "b"), input=mar(), capture_output=True, timeout=20)
    assert upload.returncode == 0, upload.stderr
    out, err = running.communicate(timeout=20)
    assert running.returncode == 0, out + err
    assert written(claim) == NEW


def test_it_stays_as_it_was_when_an_archive_fails(claim, server):
    seed(claim, text(OLD))
    claim.writes([text(NEW), artefact(server, "bert", b"<html>")])
    assert claim.seed().code == 7
    assert written(claim) == OLD and not claim.marker.exists()


def test_whoever_reads_it_meanwhile_gets_one_text_or_the_other(claim):
    """Also when the run is killed: 20 times at some moment, then the next one completes."""
    texts = [letter * 3_000_000 for letter in "ab"]
    seed(claim, text(texts[0]))
    seen, stop = set(), threading.Event()

    def reads() -> None:
        while not stop.is_set():
            seen.add(sha256((claim.root / CONFIG).read_bytes()))

    reader = threading.Thread(target=reads)
    reader.start()
    try:
        for number in range(20):
            claim.writes([text(texts[number % 2])])
            running = claim.start()
            until(lambda running=running: running.poll() is not None or claim.part(CONFIG).exists(), "a part, or the end")
            running.send_signal(signal.SIGKILL)
            running.communicate(timeout=10)
            seed(claim, text(texts[number % 2]))
    finally:
        stop.set()
        reader.join()
    assert seen <= {sha256(content.encode()) for content in texts} and len(seen) == 2
    assert claim.parts == []


def test_a_volume_that_is_complete_is_only_read(claim, volume):
    mounted = volume("size=2m")
    seed(claim, text())
    mounted.make_read_only()
    seed(claim, text())


def test_a_folder_in_its_place_is_said(claim):
    (claim.root / CONFIG / "x").mkdir(parents=True)
    claim.writes([text()])
    result = claim.seed()
    assert result.code == 9 and result.err.startswith("seed: config.properties: its text: "), result.everything
    assert result.err == claim.error.read_text()


@pytest.mark.parametrize("after", [{"a": OLD}, {"b": OLD}, {"b": NEW}, {"b": None}, {"c": None, "b": None}])
def test_pruning_never_touches_it(claim, server, after):
    """The plans after the first; None has no text, as with the chart's own runtime again."""
    owner = ("--owner", "team/bert", "--keep-old", "0")
    seed(claim, artefact(server, "a", mar()), text(OLD), options=owner)
    for name, content in after.items():
        seed(claim, artefact(server, name, mar()), *([text(content)] if content else []), options=owner)
    assert claim.files == [CONFIG, f"model-store/{name}-1.mar"]
    assert written(claim) == (NEW if NEW in after.values() else OLD)
    assert list((claim.root / ".seed").glob("*.json")) == [claim.marker], "a marker that names only a text is of no use"


def test_two_releases_that_both_name_it_replace_it_in_turn(claim):
    for owner, content in (("team/a", OLD), ("team/b", NEW), ("team/a", OLD)):
        seed(claim, text(content), options=("--owner", owner))
        assert written(claim) == content


@pytest.mark.parametrize(
    ("item", "cause"),
    [
        ({"text": ""}, f"text {CONFIG}: it is empty, or there is more than a text and its path"),
        ({"text": 1}, f"text {CONFIG}: it is empty, or there is more than a text and its path"),
        ({"uri": "https://example.com/a"}, f"text {CONFIG}: it is empty, or there is more than a text and its path"),
        ({"path": "../config"}, "text ../config: path '../config' is not inside the destination, or is in .seed"),
        ({"path": ".seed/lock"}, "text .seed/lock: path '.seed/lock' is not inside the destination, or is in .seed"),
    ],
)
def test_a_text_that_is_none_is_refused(claim, item, cause):
    claim.writes([text() | item])
    result = claim.seed()
    assert result.code == 2 and cause in result.err
    assert claim.files == []


def test_a_text_in_an_archives_place_is_refused(claim, server):
    claim.writes([artefact(server, "bert", mar()), text(path="model-store/bert-1.mar")])
    result = claim.seed()
    assert result.code == 2 and "models bert and bert-1.mar both take the path model-store/bert-1.mar" in result.err
