"""The commands of the write-up as they were typed, and the ways in which curl can send a file."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ci.cluster.edge import Edge
from tests.curl import typed_in

from .target import Target

# -T alone would be a PUT; with it curl says `Expect: 100-continue`.
PREDICT = ('curl -sS {options} -X POST -H "Host: ${{SERVICE_HOSTNAME}}" -H "Cookie: authservice_session=${{SESSION}}" '
           "-T {file} {scheme}/v1/models/${{MODEL_NAME}}:predict")


@pytest.fixture
def curl(edge: Edge, target: Target, session: str, tmp_path: Path,
         curl_program: str) -> Callable[[str], str]:  # noqa: ARG001  (it must be there)
    """curl(command): runs a command in the write-up's environment; its localhost:8080 and :8443 are the edge."""
    doors = urlsplit(edge.http).port, urlsplit(edge.https).port
    assert all(doors)
    return typed_in(tmp_path, target.text, doors, {
        "MODEL_NAME": target.path.split("/")[-1].partition(":")[0], "SERVICE_HOSTNAME": target.host, "SESSION": session,
        "CA": str(edge.ca)})


@pytest.mark.parametrize(("scheme", "options"), [
    ("http://localhost:8080", ""), ("https://localhost:8443", "-k"), ("https://localhost:8443", "--cacert ${CA}")])
def test_the_request_of_the_write_up_is_answered(scheme: str, options: str, curl: Callable[[str], str], target: Target) -> None:
    assert json.loads(curl(PREDICT.format(scheme=scheme, options=options, file="sample.json"))) == target.answer


def test_a_file_of_unknown_length_is_answered(curl: Callable[[str], str], target: Target) -> None:
    chunked = PREDICT.format(scheme="http://localhost:8080", options="", file="- < sample.json")
    answer = curl(f"cat sample.json | {chunked.replace('< sample.json', '')}")
    assert json.loads(answer) == target.answer


def test_without_its_session_the_same_request_is_sent_to_the_login(curl: Callable[[str], str]) -> None:
    command = PREDICT.format(scheme="http://localhost:8080", options="--output /dev/null --write-out '%{{http_code}}'",
                             file="sample.json")
    assert curl(command.replace("%{{", "%{").replace("}}'", "}'").replace("${SESSION}", "MTY2NjM")) == "302"
