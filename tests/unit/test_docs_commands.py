"""Every command in the docs is in the table of commands, and those that need no cluster are run here."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from ci import commands
from ci.__main__ import parser
from ci.cluster import shell
from ci.cluster.paths import CHART, REPOSITORY
from tests.unit.docs_values import PLACEHOLDERS, snippets
from tests.unit.render import LOADER

ALL = commands.all_commands()
ENTRIES = commands.table()
HERE = "tests/unit/test_docs_commands.py::"
OWN = ("preview", "demo", "images", "package", "up", "down")  # sessions whose options `python -m ci` reads


def of(test: str) -> list[tuple[str, str]]:
    """(page, command) of what the table says that a test of this file runs."""
    found = []
    for page, command in ALL:
        entry = commands.entry_of(command, ENTRIES)
        if entry and entry.test == HERE + test:
            found.append((page, command))
    return list(dict.fromkeys(found))


def test_every_command_of_the_docs_is_in_the_table() -> None:
    assert len(ALL) >= 60
    unknown = [f"{page}: {command}" for page, command in ALL if commands.entry_of(command, ENTRIES) is None]
    assert unknown == [], "write them into ci/commands.yaml: the test that runs them, or why none does"


def test_every_entry_of_the_table_is_some_commands() -> None:
    used = {commands.entry_of(command, ENTRIES) for _, command in ALL}
    assert [entry.command for entry in ENTRIES if entry not in used] == []


def test_every_test_of_the_table_is_there() -> None:
    for entry in ENTRIES:
        file, _, function = entry.test.partition("::")
        if not entry.test:
            continue
        assert (REPOSITORY / file).is_file(), f"{entry.command}: {file}"
        names = {node.name for node in ast.walk(ast.parse((REPOSITORY / file).read_text())) if isinstance(node, ast.FunctionDef)}
        assert function in names, f"{entry.command}: {entry.test}"


def test_every_entry_says_what_differs_or_why_nothing_runs_it_and_names_files_that_are_there() -> None:
    assert [entry.command for entry in ENTRIES if not entry.says] == []
    named = {name for entry in ENTRIES for name in re.findall(r"`((?:tests|ci)/[\w./]+)`", entry.says)}
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


def test_the_page_about_commands_says_what_the_table_says() -> None:
    assert commands.PAGE.read_text() == commands.page(), "make it anew: ci/nox -s docs"


@pytest.mark.parametrize(("kind", "text", "found"), [
    ("console", "$ helm list  # all\nNAME\n$ a \\\n    b\n", ["helm list", "a b"]),
    ("sh", "# first\nkubectl get pods    # here\n\necho '# no comment'\n", ["kubectl get pods", "echo '# no comment'"]),
    ("sh", "cat > a <<'END'\nhelm list\nEND\nls\n", ["cat > a <<'END' helm list END", "ls"]),
    ("yaml", "$ no: command\n", []),
])
def test_commands_are_found_in_a_block(kind: str, text: str, found: list[str]) -> None:
    assert list(commands.commands(commands.Block("page.md", kind, text))) == found


@pytest.mark.parametrize(("text", "found"), [
    ("by `helm test`, `helm\n  history REL` and `kubectl logs --previous`", ["helm history REL"]),
    ("`kubectl -n models get pods`, `kubectl -n models wait`, `helm`", ["kubectl -n models get pods"]),
    ("`ci/nox -l`, `curl -v`, `values.yaml`", ["ci/nox -l", "curl -v"]),
    ("```sh\nkubectl get `x`\n```\n", []),
])
def test_commands_are_found_in_the_text(text: str, found: list[str]) -> None:
    assert list(commands.spoken(text)) == found


def test_a_block_that_does_not_say_what_it_is_has_no_command() -> None:
    lines = [(block.page, line) for page in commands.pages() for block in commands.blocks(page) if not block.kind
             for line in block.text.splitlines()]
    assert lines, "no page has such a block: look how they are found"
    command = re.compile(r"[$ ]*(helm|kubectl|curl|ci/nox|nox|pip|docker|torchserve-conformance) ")
    assert [found for found in lines if command.match(found[1])] == []


def sessions() -> set[str]:
    """The sessions of noxfile.py."""
    return {node.name for node in ast.parse((REPOSITORY / "noxfile.py").read_text()).body
            if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(mark) for mark in node.decorator_list)}


def test_every_session_that_a_page_names_is_there_and_takes_its_options() -> None:
    text = "\n".join(page.read_text() for page in commands.pages())
    named = re.findall(r"ci/nox -s (\w+)(?: -- ([^`|\n>#]*))?", text)
    assert len(named) >= 15
    assert {name for name, _ in named} - sessions() == set()
    for name, options in named:
        if name in OWN and options and "FILE" not in options:
            parser().parse_args([name, *shlex.split(options)])


def helm_arguments(page: str, command: str, folder: Path) -> list[str]:
    """What of an install or upgrade `helm template` takes. `values.yaml` is the page's first piece of values."""
    given = [snippet.own for snippet in snippets() if snippet.place == f"{page}:1"]
    values = given[0] if given and "models" in given[0] else {"models": {"bert": {"uri": "https://example.com/bert.mar"}}}
    if "canaryTrafficPercent" in command:
        values = values | {"deploymentMode": "Knative"}
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    command = command.replace("helm template …", "helm template demo CHART")
    words = shlex.split(command.replace("…/", "https://example.com/"))
    if "models." not in command and not {"-f", "--values"} & set(words):
        words += ["-f", "values.yaml"]
    words = [str(CHART) if word in ("CHART", "charts/torchserve-kserve") else word.replace("REL", "demo") for word in words]
    return ["template", *(word for word in words[2:] if word != "--create-namespace")]


@pytest.mark.parametrize(("page", "command"), of("test_an_install_or_upgrade_renders"))
def test_an_install_or_upgrade_renders(page: str, command: str, tmp_path: Path) -> None:
    rendered = shell.output(["helm", *helm_arguments(page, command, tmp_path)], cwd=tmp_path)
    (service,) = [item for item in yaml.load_all(rendered, LOADER) if item and item["kind"] == "InferenceService"]
    assert service["metadata"]["name"] == re.sub("REL|…", "demo", command.split()[2])


@pytest.mark.parametrize(("page", "command"), of("test_the_list_of_images_is_printed"))
def test_the_list_of_images_is_printed(page: str, command: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text('models: {bert: {uri: "s3://models/bert.mar"}}\n')
    typed = command.replace("ci/nox -s images --", f"{sys.executable} -m ci images")
    printed = shell.output(["bash", "-c", typed], env={"PYTHONPATH": str(REPOSITORY)}, cwd=tmp_path)
    if file := command.partition(" > ")[2]:
        printed = (tmp_path / file).read_text()
    (shown,) = [block.text for block in commands.blocks(REPOSITORY / page) if block.text.startswith("$ ci/nox -s images")]
    assert printed.split() == shown.splitlines()[1:]


@pytest.fixture
def asked() -> Iterator[tuple[int, list[tuple[str, dict]]]]:
    """Port of a server that answers predict calls as TorchServe does, and what it was asked: path and body."""
    seen: list[tuple[str, dict]] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json"
            seen.append((self.path, body))
            answer = json.dumps({"predictions": [0] * len(body["instances"])}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, seen
        server.shutdown()


@pytest.mark.parametrize(("page", "command"), of("test_a_request_is_the_one_that_a_server_understands"))
def test_a_request_is_the_one_that_a_server_understands(
        page: str, command: str, asked: tuple[int, list[tuple[str, dict]]], tmp_path: Path, curl_program: str) -> None:
    port, seen = asked
    example = REPOSITORY / Path(page).parent / "request.json"
    if example.is_file():
        shutil.copy(example, tmp_path)
    (tmp_path / ".curlrc").write_text(f"silent\nnoproxy = *\nconnect-to = \"::127.0.0.1:{port}\"\n")
    answer = shell.output(["bash", "-c", command.replace("…", "example.com").replace("curl", curl_program, 1)],
                          env={"CURL_HOME": str(tmp_path)}, cwd=tmp_path)
    ((path, body),) = seen
    assert re.fullmatch(r"/v1/models/(bert|digits):predict", path)
    assert json.loads(answer) == {"predictions": [0] * len(body["instances"])}


def test_placeholders_are_in_the_docs() -> None:
    text = "\n".join(page.read_text() for page in commands.pages())
    assert [place for place in PLACEHOLDERS if place not in text] == []


def test_every_link_of_the_docs_leads_to_a_file_and_a_heading() -> None:
    lost = []
    for page in [*commands.pages(), commands.PAGE]:
        text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text())
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, place = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if "://" not in link and not (target.exists() and (not place or place in anchors(target))):
                lost.append(f"{page.relative_to(REPOSITORY)}: {link}")
    assert lost == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page as GitHub makes them of headings, and the ones that are written."""
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", page.read_text())
    titles = re.findall(r"(?m)^#+ (.*)$", text)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([^"]+)"', text))


def test_every_page_is_in_the_index_of_the_docs() -> None:
    index = (REPOSITORY / "docs" / "README.md").read_text()
    pages = [*(REPOSITORY / "docs").glob("*.md"), *(REPOSITORY / "docs" / "guides").glob("*.md")]
    names = [str(page.relative_to(REPOSITORY / "docs")) for page in pages if page.name != "README.md"]
    assert [name for name in names if f"({name})" not in index] == []
