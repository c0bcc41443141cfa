"""Which cluster is used: yours, ours, none of somebody else's; and what is pulled."""

import contextlib
import http.server
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes
import pytest
import requests
import urllib3

from ci import helm
from ci.cluster import kind, make, profile_default, registry, store, up
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: it, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: it, user: {{}}}}]
contexts: [{{name: it, context: {{cluster: it, user: it}}}}]
current-context: it
"""


class ApiWithoutKServe(http.server.BaseHTTPRequestHandler):
    """An API server that says its version and has nothing else."""

    def do_GET(self) -> None:
        found = self.path == "/version/"
        fields = ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
        body = json.dumps(dict.fromkeys(fields, "1") if found else {"kind": "Status", "code": 404}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> kind.Kind:
    monkeypatch.setenv("TORCHSERVE_KSERVE_CACHE", str(tmp_path))
    return kind.Kind("name", tmp_path)


def test_a_foreign_cluster_of_the_same_name_is_left_alone(cluster: kind.Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind.Kind, "container", lambda _: "of somebody else")
    for work in (cluster.delete, lambda: cluster.create("image"), lambda: cluster.is_usable("key")):
        with pytest.raises(Problem, match="A kind cluster named name is already here, and it was not made by this project"):
            work()


def test_what_a_broken_off_creation_left_is_ours_but_not_used(cluster: kind.Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind.Kind, "container", lambda _: "half made")
    cluster.home.mkdir(parents=True)
    cluster._write_record(container="creating")
    assert not cluster.is_usable("key")


@pytest.mark.usefixtures("cluster")
def test_of_two_runs_that_want_the_cluster_one_makes_it_and_the_other_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[kind.Kind] = []
    other_waits = threading.Event()

    class Builder:
        def runtime_image(self) -> str:
            return "image"

    def make_it(profile: make.Profile, _: object) -> tuple[kind.Kind, str]:
        found = kind.Kind(profile.name, Path())
        assert other_waits.wait(timeout=10)
        made.append(found)
        return found, "image"

    monkeypatch.setattr(store, "say", lambda _: other_waits.set())
    monkeypatch.setattr(up, "prepare_engine", lambda **_: None)
    monkeypatch.setattr(up, "_healthy", lambda *_, **__: made and up.Cluster(Path(), None, "image", made[0]))
    monkeypatch.setattr(up, "Builder", lambda **_: contextlib.nullcontext(Builder()))
    monkeypatch.setattr(make, "made", make_it)
    images: list[str] = []
    with ThreadPoolExecutor(2) as runs:
        found = [run.result() for run in [runs.submit(
            up.ours, profile_default.PROFILE, install=False, meanwhile=images.append) for _ in range(2)]]
    assert [cluster.kind for cluster in found] == [made[0], made[0]]
    assert (len(made), images) == (1, ["image", "image"])


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"There is no kubeconfig at .*/nowhere"):
        up.given(tmp_path / "nowhere")


def test_a_cluster_that_does_not_answer_is_told_with_its_kubeconfig(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG.format(port=1))
    with pytest.raises(Problem, match=f"The cluster of {file} does not answer: check the file and the network to it"):
        up.given(file)


def test_a_cluster_without_kserve_is_told_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiWithoutKServe) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        file.write_text(KUBECONFIG.format(port=server.server_port))
        with pytest.raises(Problem, match=r"has no KServe \(its CRD .* can't be read: Not Found\)"):
            up.given(file)
        server.shutdown()


def test_a_file_that_is_no_kubeconfig_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("a: [b")
    with pytest.raises(Problem, match=f"The cluster of {file} does not answer: check the file"):
        up.given(file)


@pytest.mark.parametrize(("image", "mirrored"), [
    ("kindest/node:v1", "localhost:5000/kindest/node:v1"),
    ("quay.io/brancz/kube-rbac-proxy:v1", "localhost:5000/brancz/kube-rbac-proxy:v1"),
    ("busybox", "localhost:5000/busybox"),
])
def test_a_mirror_has_images_under_their_paths(image: str, mirrored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHSERVE_KSERVE_REGISTRY", "localhost:5000/")
    assert registry.mirrored(image) == mirrored


def test_without_a_mirror_images_have_their_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHSERVE_KSERVE_REGISTRY", raising=False)
    assert registry.mirrored("quay.io/brancz/kube-rbac-proxy:v1") == "quay.io/brancz/kube-rbac-proxy:v1"


@pytest.mark.parametrize(("image", "values"), [
    ("ours/torchserve:abc", {"repository": "ours/torchserve", "tag": "abc"}),
    ("localhost:5000/torchserve:abc", {"registry": "localhost:5000", "repository": "torchserve", "tag": "abc"}),
])
def test_an_image_name_becomes_the_charts_values(image: str, values: dict[str, str]) -> None:
    assert helm.image_values(image) == {"runtime": {"image": values}}


def test_values_are_merged_key_by_key_and_the_later_wins() -> None:
    assert helm.merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {"a": {"b": 1, "c": [2]}, "d": 3}


def test_waiting_in_vain_says_for_what_and_how_it_stood() -> None:
    def not_yet() -> bool:
        raise Problem("two of three")

    with pytest.raises(Problem, match=r"Waited 0 s for the third, in vain \(last: two of three\)"):
        wait_for("the third", not_yet, seconds=0)


@pytest.mark.parametrize(("passing", "said"), [
    (kubernetes.client.ApiException(503, "Service Unavailable"), "the API server answers 503 Service Unavailable"),
    (kubernetes.client.ApiException(429, "Too Many Requests"), "the API server answers 429 Too Many Requests"),
    (requests.ConnectionError("Connection reset by peer"), "Connection reset by peer"),
    (kubernetes.client.ApiException(0, "Connection to remote host was lost."), "Connection to remote host was lost."),
    (requests.ReadTimeout("timed out"), "timed out"),
    (requests.exceptions.ChunkedEncodingError("Connection broken"), "Connection broken"),
    (urllib3.exceptions.ProtocolError("Connection aborted"), "Connection aborted"),
])
def test_a_server_that_is_in_trouble_is_asked_again(passing: Exception, said: str) -> None:
    asked = []

    def second_time() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise passing
        return True

    assert wait_for("the second", second_time, seconds=60)
    asked.clear()
    with pytest.raises(Problem, match=rf"Waited 0 s for the second, in vain \(last: {said}\)"):
        wait_for("the second", second_time, seconds=0)


def test_an_answer_that_asking_again_does_not_change_ends_the_waiting() -> None:
    def forbidden() -> bool:
        raise kubernetes.client.ApiException(403, "Forbidden")

    with pytest.raises(kubernetes.client.ApiException):
        wait_for("the third", forbidden, seconds=60)
    with pytest.raises(kubernetes.client.ApiException):
        wait_for("the third", lambda: False, seconds=60, give_up=forbidden)


class Refused(Exception):
    """As a handshake is refused, for a command in a container."""

    status_code = 403


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), Refused("Handshake status 403 Forbidden")])
def test_ctrl_c_and_a_refusal_end_the_waiting_though_kubernetes_client_hides_them(cause: BaseException) -> None:
    def in_a_container() -> bool:
        try:
            raise cause
        except BaseException as error:
            raise kubernetes.client.ApiException(0, str(error))  # noqa: B904  (as the client does it)

    expected = KeyboardInterrupt if isinstance(cause, KeyboardInterrupt) else kubernetes.client.ApiException
    with pytest.raises(expected):
        wait_for("the third", in_a_container, seconds=60)


def test_a_problem_of_whether_to_give_up_ends_the_waiting() -> None:
    def gone() -> str:
        raise Problem("the container is gone")

    with pytest.raises(Problem, match="the container is gone"):
        wait_for("the third", lambda: False, seconds=60, give_up=gone)


def test_how_it_stands_is_left_out_where_that_can_not_be_told() -> None:
    def gone() -> str:
        raise kubernetes.client.ApiException(404, "Not Found")

    with pytest.raises(Problem, match=r"Waited 0 s for the third, in vain\."):
        wait_for("the third", lambda: False, seconds=0, state=gone)


def test_what_can_not_be_asked_whether_to_give_up_does_not_end_the_waiting() -> None:
    asked = []

    def can_not_be_asked() -> str:
        asked.append(1)
        raise kubernetes.client.ApiException(500, "etcdserver: request timed out")

    assert wait_for("the second", lambda: bool(asked), seconds=60, give_up=can_not_be_asked)


def test_waiting_in_vain_asks_how_it_stands_only_then() -> None:
    asked = []
    with pytest.raises(Problem, match=r"Waited 0 s for the third, in vain \(last: it is the second\)"):
        wait_for("the third", lambda: False, seconds=0, state=lambda: asked.append(1) or "it is the second")
    assert wait_for("the first", lambda: True, seconds=0, state=lambda: asked.append(2) or "")
    assert asked == [1]


def test_waiting_ends_at_once_when_it_can_only_be_in_vain() -> None:
    with pytest.raises(Problem, match="Waited for the third, which can no longer happen: it fell"):
        wait_for("the third", lambda: False, seconds=60, give_up=lambda: "it fell")
