"""The preview takes files and http(s) sources, and refuses the rest, and every answer that is none, in a sentence."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ci import helm, preview
from ci.cluster.errors import Problem

BODY = {"instances": [{"data": "Hello World!"}]}


def rendered(values: dict[str, Any]) -> preview.Rendered:
    return preview.Rendered(helm.render("preview", "default", values))


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """file(text): a file with that text."""
    def write(text: str) -> Path:
        (tmp_path / "given").write_bytes(text.encode("latin-1"))
        return tmp_path / "given"
    return write


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """server(status, body): the address of a server that answers every POST so; with body None it never answers."""
    started: list[http.server.ThreadingHTTPServer] = []
    over = threading.Event()

    def start(status: int, body: bytes | None) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if body is None:
                    over.wait(60)
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Says nothing."""

        started.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield start
    over.set()
    for running in started:
        running.shutdown()
        running.server_close()


def test_an_http_source_is_taken_as_it_is() -> None:
    assert "https://host/bert.mar" in rendered({"models": {"bert": {"uri": "https://host/bert.mar"}}}).plan()["plan.json"]


def test_a_config_map_is_refused() -> None:
    with pytest.raises(Problem, match=r"models\.bert\.uri is configMap://name/key, which needs a cluster: give the file instead"):
        rendered({"models": {"bert": {"uri": "configMap://name/key"}}}).plan()


def test_a_runtime_that_is_not_the_charts_is_refused() -> None:
    runtime = {"create": False, "name": "mine"}
    with pytest.raises(Problem, match=r"this release names another: add --set runtime\.create=true,runtime\.name=\."):
        rendered({"models": {"bert": {"uri": "https://host/bert.mar"}}, "runtime": runtime})


def test_an_existing_claim_is_refused() -> None:
    values = {"models": {"bert": {"marName": "bert.mar"}}, "persistence": {"create": False, "existingClaim": "leeway"}}
    with pytest.raises(Problem, match="A preview has no existing claim to read"):
        rendered(values).plan()


def test_values_that_the_chart_refuses_are_refused_with_its_own_sentence() -> None:
    with pytest.raises(Problem, match="models"):
        rendered({"models": {}})


def test_the_request_is_the_models_example_or_the_given_one() -> None:
    release = rendered({"models": {"bert": {"uri": "https://host/bert.mar", "example": BODY}}})
    assert release.request(None) == ("bert", BODY)
    assert release.request({"instances": [1]}) == ("bert", {"instances": [1]})


def test_without_a_request_it_says_how_to_give_one() -> None:
    with pytest.raises(Problem, match=r"set models\.bert\.example, or give --request FILE"):
        rendered({"models": {"bert": {"uri": "https://host/bert.mar"}}}).request(None)


@pytest.mark.parametrize("pair", ["bert", "bert=nowhere.mar", "=given"])
def test_a_model_archive_that_is_not_there_is_named(pair: str) -> None:
    with pytest.raises(Problem, match=f"--mar {pair}: write NAME=FILE"):
        preview.given_archives([pair])


def test_a_model_archive_that_is_there_is_taken(file: Callable[[str], Path]) -> None:
    assert preview.given_archives([f"bert={file('')}"]) == {"bert": file("")}


def test_a_request_file_is_read(file: Callable[[str], Path]) -> None:
    assert preview.given_request(file(json.dumps(BODY))) == BODY


@pytest.mark.parametrize(("text", "why"), [
    ("{instances: [1]}", r"is not JSON \(.*line 1 column 2.*\): correct it"),
    ("", "is not JSON"),
    ("{\"a\": \"\xff\"}", "is not JSON"),
    ("[1]", "is no JSON object: write a predict call's body"),
])
def test_a_request_file_without_a_request_is_refused(file: Callable[[str], Path], text: str, why: str) -> None:
    with pytest.raises(Problem, match=f"^--request .*given {why}"):
        preview.given_request(file(text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"^--request .*nowhere can't be read \(No such file or directory\): give a file"):
        preview.given_request(tmp_path / "nowhere")
    with pytest.raises(Problem, match=r"^--values .*nowhere can't be read \(No such file or directory\): give a file"):
        preview.given_values([tmp_path / "nowhere"])
    with pytest.raises(Problem, match=r"^--values .* can't be read \(Is a directory\)"):
        preview.given_values([tmp_path])


def test_values_files_are_merged_and_may_be_empty(tmp_path: Path) -> None:
    for number, text in enumerate(["runtime: {image: {tag: a}}", "# nothing", "runtime: {image: {digest: b}}"]):
        (tmp_path / str(number)).write_text(text)
    assert preview.given_values([tmp_path / "0", tmp_path / "1", tmp_path / "2"]) == {
        "runtime": {"image": {"tag": "a", "digest": "b"}}}


@pytest.mark.parametrize(("text", "why"), [
    ("models:\n  bert: {uri: [", r"is not YAML \(line 2: .+\): correct it"),
    ("models: {}\n---\nmodels: {}", r"is not YAML \(line 2: .+\)"),
    ("a: \xff", r"is not YAML \(.+\)"),
    ("- models", "is no map of values: write KEY: VALUE lines"),
    ("models", "is no map of values"),
])
def test_values_that_are_no_values_are_refused_in_one_line(file: Callable[[str], Path], text: str, why: str) -> None:
    with pytest.raises(Problem, match=f"^--values .*given {why}") as caught:
        preview.given_values([file(text)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "shown"), [("runtime: null", "null"), ("runtime:", "null"), ("runtime: 5", "5")])
def test_a_section_that_is_no_map_is_refused(file: Callable[[str], Path], text: str, shown: str) -> None:
    with pytest.raises(Problem, match=f"given: runtime is {shown} where the chart needs a map: write its keys below it"):
        preview.given_values([file(text)])


def test_what_helm_takes_empty_may_be_empty(file: Callable[[str], Path]) -> None:
    assert preview.given_values([file("extraProperties:\nmodels: {a: {uri: x}}")])["extraProperties"] is None


def test_a_failed_seed_is_a_problem(tmp_path: Path) -> None:
    release = rendered({"models": {"bert": {"uri": "http://127.0.0.1:1/bert.mar"}}})
    plan = {**release.plan(), "plan.json": "{}"}
    with pytest.raises(Problem, match="The seed failed, as its line above says"):
        preview.seed(plan, tmp_path, tmp_path)


def test_predictions_are_the_answer(server: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    assert preview.predict(server(200, b'{"predictions": [4]}'), "bert", BODY) == {"predictions": [4]}
    assert "/v1/models/bert:predict" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "body", "why"), [
    (503, b'{"predictions": [4]}', "answered 503 to the request above"),
    (200, b"<html>", "answered 200 without JSON ('<html>')"),
    (200, b"", "answered 200 without JSON ('')"),
    (200, b'{"message": 1}', "answered 200 without predictions"),
    (200, b"4", "answered 200 without predictions"),
])
def test_an_answer_that_is_no_prediction_is_a_problem(server: Callable[..., str], status: int, body: bytes, why: str) -> None:
    with pytest.raises(Problem) as caught:
        preview.predict(server(status, body), "bert", BODY)
    assert str(caught.value) == f"The model bert {why}: see its handler."


def test_no_answer_in_time_is_a_problem(server: Callable[..., str]) -> None:
    with pytest.raises(Problem, match=r"The model bert gave no answer in 0\.2 s to the request above: see its handler"):
        preview.predict(server(200, None), "bert", BODY, seconds=0.2)


def test_a_closed_connection_is_a_problem() -> None:
    with pytest.raises(Problem, match=r"The server closed the connection \(ConnectionError\) on the request above"):
        preview.predict("http://127.0.0.1:1", "bert", BODY)


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """A program `docker` that writes its arguments down; docker(verb) returns the calls of one verb. `run` of `bad` fails."""
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\ncase "$*" in run*bad) exit 125;; esac\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return lambda verb: [line for line in (tmp_path / "calls").read_text().splitlines() if line.split()[0] == verb]


def test_a_container_has_a_label_and_is_removed_with_its_volumes(docker: Callable[[str], list[str]]) -> None:
    with preview._container("name", ["image"]):
        assert docker("run") == ["run --detach --name name --label torchserve-kserve=preview image"]
        assert docker("rm") == []
    assert docker("rm") == ["rm --force --volumes name"]


def test_a_container_that_does_not_start_is_removed(docker: Callable[[str], list[str]]) -> None:
    with pytest.raises(Problem, match=r"`docker run .*` failed \(125\)"), preview._container("name", ["bad"]):
        pytest.fail("it must not go on")
    assert docker("rm") == ["rm --force --volumes name"]


def test_an_interruption_of_docker_run_leaves_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(preview.shell, "output", interrupt)
    removed: list[list[str]] = []
    monkeypatch.setattr(preview.shell, "succeeds", removed.append)
    with pytest.raises(KeyboardInterrupt), preview._container("name", ["image"]):
        pytest.fail("it must not go on")
    assert removed == [["docker", "rm", "--force", "--volumes", "name"]]
