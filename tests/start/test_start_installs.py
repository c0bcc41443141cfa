"""TorchServe lets pip install what archives name: what the start program says of it, and how pip gets its login."""

from __future__ import annotations

import json
import runpy
import sys
import zipfile
from pathlib import Path

import pytest

from tests.start.conftest import FILES

INDEX = "https://pypi.example.com/simple"
HEAD = ("2026-11-28T08:00:00,000 [ERROR] main org.pytorch.serve.wlm.ModelManager - Custom pip package installation failed for "
        "model ")
AFTER = "2026-11-28T08:00:01,000 [ERROR] main org.pytorch.serve.snapshot.SnapshotManager - Error while restoring: ERROR: other"
REFUSED = ("WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError(\"HTTPSConnection("
           "host='pypi.example.com', port=443): Failed to establish a connection: [Errno 111] Connection refused\")': /simple/")
MISSING = ["ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)",
           "ERROR: No matching distribution found for tiny==1.0"]
IMAGE = "use an image (runtime.image) that has the packages and set pip.enabled=false"
# What pip printed -> what the start program makes of it.
CAUSES = {
    "no answer": ([REFUSED, *MISSING], f"pip could not install tiny==1.0: {INDEX} does not answer (Connection refused); set "
                  f"pip.indexUrl to an index that the pod reaches, or {IMAGE}"),
    "no such version": (MISSING, f"pip could not install tiny==1.0: {INDEX} has no version of it that fits; put one there, set "
                        f"pip.indexUrl or pip.extraIndexUrl to an index that has it, or {IMAGE}"),
    "a wrong login": (["WARNING: 401 Error, Credentials not correct for x", *MISSING],
                      f"pip could not install tiny==1.0: {INDEX} refuses the login; correct the Secret of "
                      "pip.credentials.secretName"),
    "no pip": (["/home/venv/bin/python: No module named pip"],
               f"its requirements (tiny==1.0, six) can't be installed, because the image has no pip; {IMAGE}"),
    "something else": (["ERROR: Failed building wheel for tiny"],
                       f"pip could not install tiny==1.0, six: Failed building wheel for tiny; correct them, or {IMAGE}"),
}


def installs(predictor, *models: str, **settings) -> None:
    """These models have a requirements file, and TorchServe has to see to it."""
    predictor.serves(*models, archives=False, **settings)
    config = predictor.etc / "config.properties"
    config.write_text("install_py_dep_per_model=true\n" + config.read_text())
    for name in models:
        with zipfile.ZipFile(predictor.claim / f"model-store/{name}.mar", "w") as archive:
            archive.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": {"requirementsFile": "requirements.txt"}}))
            archive.writestr("requirements.txt", "--extra-index-url https://me:secret@x\ntiny==1.0  # small\n\nsix\n")


def test_a_model_whose_packages_are_there_is_ready(predictor):
    installs(predictor, "bert")
    predictor.start(PIP_INDEX_URL=INDEX)
    predictor.is_ready()
    assert predictor.said(f"start: pip installs tiny==1.0, six from {INDEX}\n")
    assert not predictor.said("secret")


@pytest.mark.parametrize("cause", CAUSES)
def test_what_pip_could_not_do_ends_it_with_one_sentence(predictor, cause):
    printed, sentence = CAUSES[cause]
    installs(predictor, "digits", "bert")
    predictor.start(fake={"loading": ["bert"], "prints": [HEAD + "bert:", *printed, "", AFTER]}, PIP_INDEX_URL=INDEX)
    assert predictor.ends() == 1
    assert predictor.log.read_text() == f"start: model bert 1.0: {sentence}\n"


def test_the_index_is_pypi_unless_one_is_named(predictor):
    installs(predictor, "bert")
    predictor.start(fake={"prints": [HEAD + "bert:", *MISSING]})
    assert predictor.ends() == 1
    assert "PyPI has no version" in predictor.log.read_text()


def test_an_installation_that_does_not_end_ends_it_after_the_models_time(predictor):
    installs(predictor, "bert", startupTimeout=1)
    predictor.start(fake={"silent": True})
    assert predictor.ends() == 1
    assert predictor.log.read_text() == (
        f"start: model bert 1.0: pip has not installed tiny==1.0, six after 1 s; raise startupTimeout, or {IMAGE}\n")


def test_a_server_that_ends_while_pip_works_is_said(predictor):
    installs(predictor, "bert")
    predictor.start(fake={"ends": 7, "prints": ["a later line"]})
    assert predictor.ends() == 7
    assert "TorchServe ended by itself with status 7" in predictor.log.read_text()


def test_pip_s_login_is_in_a_file_of_its_own_and_in_no_variable(predictor, tmp_path: Path):
    login = tmp_path / "login"
    login.mkdir()
    (login / "username").write_text("me\n")
    (login / "password").write_text("p@ss/word%")
    installs(predictor, "bert")
    predictor.start("--pip-login", str(login), PIP_INDEX_URL=INDEX, PIP_EXTRA_INDEX_URL="https://pypi.example.com/b https://c.org/d")
    predictor.is_ready()
    file = predictor.temp / "pip.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == (
        "[global]\nindex-url = https://me:p%40ss%2Fword%25@pypi.example.com/simple\n"
        "extra-index-url = https://me:p%40ss%2Fword%25@pypi.example.com/b\n  https://c.org/d\n")
    environment = Path(f"/proc/{predictor.server_pid}/environ").read_bytes().decode().split("\0")
    assert {entry for entry in environment if entry.startswith("PIP_")} == {f"PIP_CONFIG_FILE={file}"}
    assert not predictor.said("p%40ss")


def test_a_login_that_is_not_there_is_said(predictor, tmp_path: Path):
    installs(predictor, "bert")
    predictor.start("--pip-login", str(tmp_path / "login"), PIP_INDEX_URL=INDEX)
    assert predictor.ends() == 1
    assert predictor.log.read_text() == ("start: pip's login has no username and password; make the Secret of "
                                         "pip.credentials.secretName with both\n")


def test_the_requirements_of_a_directory_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FILES))
    named = runpy.run_path(str(FILES / "requirements.py"))["named"]
    sys.modules.pop("processes", None)
    (tmp_path / "MAR-INF").mkdir()
    (tmp_path / "MAR-INF/MANIFEST.json").write_text(json.dumps({"model": {"requirementsFile": "r.txt"}}))
    (tmp_path / "r.txt").write_text("tiny @ https://me:secret@x/tiny.whl#sha256=1\n")
    assert named(tmp_path) == ["tiny @ https://x/tiny.whl#sha256=1"]
    (tmp_path / "r.txt").write_text("-r other.txt\n")
    assert named(tmp_path) == ["what it names by options"]
    assert named(tmp_path / "nothing") == []
