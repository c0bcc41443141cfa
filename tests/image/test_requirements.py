"""The server as the chart renders it installs what an archive's requirements file names: no network but a package index of
its own, a read-only root, uid 1000, no capabilities. And where the package can't be had it ends with one sentence."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from ci.cluster import shell, waiting
from tests.image.rendered import CALL, manifest, run
from tests.image.server import Server
from tests.unit.cases import EXISTING, changed
from tests.unit.render import render_chart

INDEX = "http://127.0.0.1:9999/simple"
USER, PASSWORD = "reader", "p@ss/w%rd"
IMAGE = "use an image (runtime.image) that has the packages and set pip.enabled=false"
REACH = "set pip.indexUrl to an index that the pod reaches"
HOLD = "put one there, set pip.indexUrl or pip.extraIndexUrl to an index that has it"
STARTUP = 240  # seconds of the model, after which the sentence is another one: an index that never answers is given up before
HANDLER = """
import tiny_greeting

class Handler:
    def initialize(self, context):
        pass

    def handle(self, rows, context):
        return [tiny_greeting.TEXT for _ in rows]
"""

def archive(folder: Path, requirements: str, *, unpacked: bool) -> None:
    """A claim whose one model needs a package, an archive or a directory."""
    store = folder / "models/model-store"
    files = {"MAR-INF/MANIFEST.json": manifest(requirementsFile="requirements.txt"), "handler.py": HANDLER,
             "requirements.txt": requirements}
    store.mkdir(parents=True)
    if unpacked:
        (store / "bert.mar/MAR-INF").mkdir(parents=True)
        for name, text in files.items():
            (store / "bert.mar" / name).write_text(text)
    else:
        with zipfile.ZipFile(store / "bert.mar", "w") as mar:
            for name, text in files.items():
                mar.writestr(name, text)


def index(folder: Path) -> None:
    """A package index with one tiny wheel."""
    page = folder / "index/simple/tiny-greeting"
    page.mkdir(parents=True)
    wheel, info = "tiny_greeting-1.0-py3-none-any.whl", "tiny_greeting-1.0.dist-info"
    (page / "index.html").write_text(f'<!DOCTYPE html><html><body><a href="{wheel}">{wheel}</a></body></html>')
    files = {"tiny_greeting.py": 'TEXT = "hello"\n',
             f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-greeting\nVersion: 1.0\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    with zipfile.ZipFile(page / wheel, "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
        out.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))


@dataclass(frozen=True)
class Case:
    """A server, and what it finds.

    Attributes:
        requirements: what the archive names.
        index: arguments of the index; None where none listens.
        login: whether the Secret of pip.credentials is mounted.
        unpacked: whether the model is a directory (no-archive).
    """

    requirements: str = "tiny-greeting==1.0\n"
    index: str | None = "9999 /index"
    login: bool = False
    unpacked: bool = False


CASES = {"installs": Case(index=f"9999 /index {USER}:{PASSWORD}", login=True),
         "directory": Case(unpacked=True), "refused login": Case(index="9999 /index a:b", login=True),
         "other version": Case(requirements="tiny-greeting==2.0\n"),
         "none listens": Case(index=None), "silent": Case(index="9999")}


def start(image: str, case: Case, folder: Path) -> str:
    """Name of a container that runs what the chart's runtime says, with the files that the chart mounts."""
    archive(folder, case.requirements, unpacked=case.unpacked)
    index(folder)
    pip = {"enabled": True, "indexUrl": INDEX, "trustedHost": ["127.0.0.1:9999"]}
    pip |= {"credentials": {"secretName": "login"}} if case.login else {}
    values = changed(EXISTING, models__bert__startupTimeout=STARTUP, pip=pip)
    (folder / "index.py").write_text(Path(__file__).with_name("index.py").read_text())
    volumes = {"models": "/mnt/models", "index": "/index", "index.py": "/index.py"}
    if case.login:
        (folder / "login").mkdir()
        (folder / "login/username").write_text(USER)
        (folder / "login/password").write_text(PASSWORD)
        volumes["login"] = "/etc/pip-login"
    assert PASSWORD not in json.dumps(render_chart(values))
    return run(image, values, folder, volumes, f"python /index.py {case.index} & " if case.index else "")


@pytest.fixture(scope="module")
def started(runtime_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Server, Path]]]:
    """The cases side by side, the container and its folder."""
    with ExitStack() as stack:
        found = {}
        for name, case in CASES.items():
            folder = tmp_path_factory.mktemp("server")
            container = start(runtime_image, case, folder)
            stack.callback(shell.output, ["docker", "rm", "--force", "--volumes", container])
            found[name] = Server(container), folder
        yield found


@pytest.mark.parametrize("case", ["installs", "directory"])
def test_a_package_is_installed_from_the_index(case: str, started: dict[str, tuple[Server, Path]]) -> None:
    server, *_ = started[case]
    waiting.wait_for("the model to be ready", lambda: "is ready: " in server.log(), seconds=STARTUP,
                     give_up=lambda: None if server.running() else server.log())
    assert json.loads(server.python(CALL % "/v1/models/bert:predict")) == {"predictions": ["hello"]}
    assert f"start: pip installs tiny-greeting==1.0 from {INDEX}\n" in server.log()
    assert PASSWORD not in server.log()


def test_a_handler_does_not_get_the_login_in_its_environment(started: dict[str, tuple[Server, Path]]) -> None:
    server, *_ = started["installs"]
    found = server.python("from pathlib import Path; print(*(p.read_bytes() for p in Path('/proc').glob('[0-9]*/environ')))")
    assert "PIP_CONFIG_FILE=/tmp/pip.conf" in found
    assert [text for text in (PASSWORD, quote(PASSWORD, safe="")) if text in found] == []


SENTENCES = {
    "refused login": f"{INDEX} refuses the login; correct the Secret of pip.credentials.secretName",
    "none listens": f"{INDEX} does not answer (Connection refused); {REACH}, or {IMAGE}",
    "silent": f"{INDEX} does not answer (timed out); {REACH}, or {IMAGE}",
    "other version": f"{INDEX} has no version of it that fits; {HOLD}, or {IMAGE}",
}


@pytest.mark.parametrize("case", SENTENCES)
def test_a_package_that_cannot_be_had_ends_the_server_with_one_sentence(
        case: str, started: dict[str, tuple[Server, Path]]) -> None:
    server, folder = started[case]
    done = subprocess.run(["docker", "wait", server.name], capture_output=True, text=True, timeout=STARTUP + 60, check=True)
    assert done.stdout.strip() == "1", server.log()
    start = f"start: model bert 1.0: pip could not install {CASES[case].requirements.strip()}: "
    assert (folder / "termination-log").read_text() == f"{start}{SENTENCES[case]}\n"
