"""A model packed on the spot by the real torch-model-archiver, from parts of any source."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from tests.seed.server import HANDLER, Answer, sha256
from tests.waiting import until

WEIGHTS = os.urandom(200_000)
FOLDER = "model-store/bert-0a1b2c3d"


@pytest.fixture
def parts(server) -> dict:
    """The parts of a model, on the server."""
    return {
        "handler": {"uri": server.gives("/code/bert_handler.py", HANDLER.encode())},
        "modelFile": {"uri": server.gives("/code/net.py", b"class Net: ...\n")},
        "serializedFile": {"uri": server.gives("/bert.pt", WEIGHTS), "sha256": sha256(WEIGHTS)},
        "extraFiles": [{"uri": server.gives("/vocab.txt", b"a b c")}, {"uri": server.gives("/index_to_name.json", b"{}")}],
        "requirementsFile": {"uri": server.gives("/requirements.txt", b"six\n")},
        "configFile": {"uri": server.gives("/model-config.yaml", b"minWorkers: 1\n")},
    }


def wants(claim, build: dict, path: str = f"{FOLDER}.mar", **more) -> None:
    claim.writes([{"model": "bert", "version": "1.0", "sha256": None, "path": path, "build": build, **more}])


def manifest(text: str | bytes) -> dict:
    return json.loads(text)["model"]


EXPECTED = {
    "modelName": "bert", "modelVersion": "1.0", "handler": "bert_handler.py", "modelFile": "net.py", "serializedFile": "bert.pt",
    "requirementsFile": "requirements.txt", "configFile": "model-config.yaml",
}
FILES = {"MAR-INF/MANIFEST.json", "bert_handler.py", "net.py", "bert.pt", "vocab.txt", "index_to_name.json", "requirements.txt",
         "model-config.yaml"}


def test_every_part_is_in_the_archive_and_in_its_manifest(claim, parts):
    wants(claim, parts)
    result = claim.seed()
    assert result.code == 0, result.everything
    with zipfile.ZipFile(claim.root / f"{FOLDER}.mar") as archive:
        assert set(archive.namelist()) == FILES
        assert archive.read("bert.pt") == WEIGHTS
        assert manifest(archive.read("MAR-INF/MANIFEST.json")) == EXPECTED
    assert claim.parts == []


def test_the_marker_has_the_archives_own_hash(claim, parts):
    wants(claim, parts)
    claim.seed()
    (entry,) = json.loads(claim.marker.read_text())["artifacts"]
    assert entry["sha256"] == sha256((claim.root / f"{FOLDER}.mar").read_bytes())


def test_a_second_run_packs_and_fetches_nothing(claim, server, parts):
    wants(claim, parts)
    claim.seed()
    before = len(server.requests)
    result = claim.seed()
    assert result.code == 0 and f"bert: kept {FOLDER}.mar" in result.out
    assert len(server.requests) == before


def test_a_handler_of_torchserve_is_named(claim, parts):
    wants(claim, {"handler": "image_classifier", "serializedFile": parts["serializedFile"]})
    result = claim.seed()
    assert result.code == 0, result.everything
    with zipfile.ZipFile(claim.root / f"{FOLDER}.mar") as archive:
        assert manifest(archive.read("MAR-INF/MANIFEST.json"))["handler"] == "image_classifier"
        assert set(archive.namelist()) == {"MAR-INF/MANIFEST.json", "bert.pt"}


def test_a_handler_that_torchserve_does_not_have_is_refused_with_those_it_has(claim, server, parts):
    wants(claim, {"handler": "image_clasifier", "serializedFile": parts["serializedFile"]})
    result = claim.seed()
    assert result.code == 2 and "TorchServe has no handler 'image_clasifier' of its own, only base_handler, " in result.err
    assert server.requests == [], "nothing is fetched in vain"


def test_a_folder_instead_of_an_archive(claim, parts):
    wants(claim, {**parts, "format": "no-archive"}, path=FOLDER)
    result = claim.seed()
    assert result.code == 0, result.everything
    folder = claim.root / FOLDER
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == FILES
    assert manifest((folder / "MAR-INF/MANIFEST.json").read_text()) == EXPECTED
    assert (folder / "bert.pt").read_bytes() == WEIGHTS
    assert (folder / "bert.pt").stat().st_mode & 0o777 == 0o644
    assert (folder / "bert.pt").stat().st_nlink == 1 and claim.parts == []


def test_the_hash_of_a_folder_is_that_of_sha256sum(claim, parts):
    """So that anyone can check it: `find . -type f | sort | xargs sha256sum | sha256sum`, without the `./`."""
    wants(claim, {**parts, "format": "no-archive"}, path=FOLDER)
    claim.seed()
    (entry,) = json.loads(claim.marker.read_text())["artifacts"]
    listing = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    listed = subprocess.run(["sh", "-c", listing], cwd=claim.root / FOLDER, capture_output=True, text=True, check=True)
    assert entry["sha256"] == listed.stdout.split()[0]


def test_a_folder_is_kept_by_a_second_run(claim, server, parts):
    wants(claim, {**parts, "format": "no-archive"}, path=FOLDER)
    claim.seed()
    before = len(server.requests)
    result = claim.seed()
    assert result.code == 0 and f"bert: kept {FOLDER}, " in result.out
    assert len(server.requests) == before


def test_parts_may_come_from_different_sources(claim, parts):
    config = claim.mounts / "configMap/code"
    config.mkdir(parents=True)
    (config / "bert_handler.py").write_text(HANDLER)
    (claim.mounts / "pvc/weights/v1").mkdir(parents=True)
    (claim.mounts / "pvc/weights/v1/bert.pt").write_bytes(WEIGHTS)
    wants(claim, {**parts, "handler": {"uri": "configMap://code/bert_handler.py"},
                  "serializedFile": {"uri": "pvc://weights/v1/bert.pt", "sha256": sha256(WEIGHTS)}})
    result = claim.seed()
    assert result.code == 0, result.everything
    with zipfile.ZipFile(claim.root / f"{FOLDER}.mar") as archive:
        assert archive.read("bert.pt") == WEIGHTS and archive.read("bert_handler.py") == HANDLER.encode()


def test_a_uri_in_a_secret_gives_the_part_its_name(claim, server, parts):
    (claim.secrets / "signed").mkdir(parents=True)
    (claim.secrets / "signed/weights").write_text(server.gives("/secret/bert.pt", WEIGHTS) + "?signature=not-for-any-log\n")
    wants(claim, {**parts, "serializedFile": {"uriFrom": {"secret": "signed", "key": "weights"}}})
    result = claim.seed()
    assert result.code == 0, result.everything
    assert "not-for-any-log" not in result.everything
    with zipfile.ZipFile(claim.root / f"{FOLDER}.mar") as archive:
        assert manifest(archive.read("MAR-INF/MANIFEST.json"))["serializedFile"] == "bert.pt"


@pytest.mark.parametrize(("status", "code"), [(404, 3), (403, 4)])
def test_a_part_that_fails_is_the_one_that_the_sentence_names(claim, server, parts, status, code):
    uri = server.gives("/vocab.txt", Answer(status=status))
    wants(claim, parts)
    result = claim.seed()
    assert result.code == code and result.err.startswith(f"seed: bert: {uri}: HTTP {status} ")
    assert claim.files == [] and not claim.marker.exists()


def test_a_part_with_another_hash_is_refused(claim, server, parts):
    uri = server.gives("/bert.pt", b"other weights")
    wants(claim, parts)
    result = claim.seed()
    assert result.code == 6 and result.err.startswith(f"seed: bert: {uri}: its sha256 is {sha256(b'other weights')}, ")
    assert claim.parts == []


@pytest.mark.parametrize(("change", "words"), [
    ({"modelFile": "/other/bert_handler.py"}, "handler has a file named bert_handler.py, too, and an archive has no folders"),
    ({"handler": "/code/handler"}, "a handler is a .py file"),
    ({"serializedFile": "/weights/"}, None),
    ({"serializedFile": "/a,b.pt"}, "as serializedFile it has no file name that torch-model-archiver takes ('a,b.pt')"),
    ({"serializedFile": "/weights%2Fa*.pt"}, "no file name that torch-model-archiver takes"),
])
def test_a_part_that_cannot_be_packed_says_why(claim, server, parts, change, words):
    ((option, path),) = change.items()
    wants(claim, {**parts, option: {"uri": server.gives(path, b"#")}})
    result = claim.seed()
    if words:
        assert result.code == 2 and words in result.err, result.everything
    else:
        assert result.code == 0, result.everything
    assert len(result.err.splitlines()) <= 1


def test_what_the_archiver_says_is_one_sentence(claim, parts):
    """A model's name that the chart would refuse."""
    claim.writes([{"model": "bért", "version": "1.0", "path": f"{FOLDER}.mar", "build": parts}])
    result = claim.seed()
    (line,) = result.err.splitlines()
    assert result.code == 7 and "its build: torch-model-archiver: Model name contains special characters." in line
    assert line.endswith("; correct the model's build")


def test_an_image_without_the_archiver_is_said(claim, server, parts):
    wants(claim, parts)
    bare = str(Path(sys.base_prefix, "bin/python3"))
    done = subprocess.run([bare, *claim.command()[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 11 and "this image has no torch-model-archiver, which packs models; run the seed in" in done.stderr
    assert server.requests == []


def test_the_archiver_may_lie_where_pythonpath_says(claim, parts, tmp_path):
    """As in a pod of the storage library's image, to which an init container hands the archiver on."""
    import model_archiver

    (tmp_path / "archiver").mkdir()
    (tmp_path / "archiver/model_archiver").symlink_to(Path(model_archiver.__file__).parent)
    wants(claim, parts)
    bare = str(Path(sys.base_prefix, "bin/python3"))
    done = subprocess.run([bare, *claim.command()[1:]], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(tmp_path / "archiver")})
    assert done.returncode == 0, done.stderr


def test_the_declared_version_is_the_archives(claim, parts):
    wants(claim, parts, version="2.0")
    result = claim.seed()
    assert result.code == 0, result.everything
    with zipfile.ZipFile(claim.root / f"{FOLDER}.mar") as archive:
        assert manifest(archive.read("MAR-INF/MANIFEST.json"))["modelVersion"] == "2.0"


def test_the_destination_may_be_relative(claim, parts):
    wants(claim, parts)
    command = claim.command()
    command[command.index("--destination") + 1] = "claim"
    done = subprocess.run(command, cwd=claim.root.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_nothing_under_a_final_name_and_is_made_good(claim, server, parts, number):
    hold = threading.Event()
    server.gives("/bert.pt", WEIGHTS, Answer(WEIGHTS, hold=hold), WEIGHTS)  # the first is only looked at: is it there, how big?
    wants(claim, parts)
    running = claim.start("--timeout", "20")
    until(lambda: [path for path, _ in server.requests].count("/bert.pt") == 2, "the weights to be asked for twice")
    running.send_signal(number)
    running.communicate(timeout=20)
    hold.set()
    assert running.returncode != 0 and claim.files == []
    result = claim.seed()
    assert result.code == 0, result.everything
    assert claim.files == [f"{FOLDER}.mar"] and claim.parts == []


def test_a_part_that_is_a_text_is_refused_as_the_plan_wants_a_map(claim, parts):
    for option, given in (("handler", "pvc://a/handler.py"), ("modelFile", "configMap://code/net.py"), ("extraFiles", ["a.txt"])):
        wants(claim, {**parts, option: given})
        result = claim.seed()
        assert result.code == 2 and "is no source; write {\"uri\": …}" in result.err, result.everything
