"""Log assertions against a fake stream: what must come, what must never come, and what a failure tells."""

import queue
from collections.abc import Iterator

import pytest

from tests.conformance.logs import Log, following, of_pod, pods
from tests.conformance.owners import of_release, owned, read_log, selected

LOADED = "2026 [INFO ] main org.pytorch.serve.wlm.ModelManager - Model tiny loaded."
DIED = "2026 [INFO ] W-9000-tiny_1.0-stdout MODEL_LOG - Backend worker process died."


class Stream:
    """Lines that come when a test says so."""

    def __init__(self, *lines: str) -> None:
        self.queue: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        for line in lines:
            self.say(line)

    def say(self, line: str | None) -> None:
        self.said += [line] if line is not None else []
        self.queue.put(line)

    def __call__(self) -> Iterator[str]:
        while (line := self.queue.get()) is not None:
            yield line


def followed(stream: Stream, place: str = "server") -> Log:
    log = Log("tiny-predictor-1/kserve-container", place, lambda: "\n".join(stream.said), stream)
    log.start()
    return log


def test_what_came_already_is_found() -> None:
    assert followed(Stream("a", LOADED)).must_match(r"Model \w+ loaded", "^a$", within=60) == [LOADED, "a"]


def test_what_comes_later_is_waited_for() -> None:
    stream = Stream("a")
    log = followed(stream)
    log.must_match("a", within=60)
    stream.say(LOADED)
    log.must_match("loaded", within=60)


def test_a_missing_line_is_named_with_the_end_of_the_log_and_what_a_bad_line_in_it_means() -> None:
    log = followed(Stream("a", DIED, "the last"))
    log.must_match("the last", within=60)
    with pytest.raises(AssertionError) as failure:
        log.must_match("loaded", within=0.1)
    text = str(failure.value)
    assert "tiny-predictor-1/kserve-container: no line with ['loaded'] (after 0.1 s)" in text
    assert ">     3 the last" in text
    assert "Line 2: A worker process ended" in text


def test_a_log_that_has_ended_is_not_waited_for() -> None:
    stream = Stream("a")
    stream.say(None)
    with pytest.raises(AssertionError, match="the log has ended"):
        followed(stream).must_match("loaded", within=600)


def test_a_forbidden_line_is_shown_with_the_lines_around_it_and_its_meaning() -> None:
    stream = Stream(*[f"line {number}" for number in range(1, 20)], DIED, "after")
    with pytest.raises(AssertionError) as failure:
        followed(stream).must_never_match("process died")
    text = str(failure.value)
    assert f">    20 {DIED}" in text and "line 15" in text and "after" in text and "line 14" not in text
    assert "A worker process ended" in text


def test_a_forbidden_line_that_is_not_there_is_no_failure() -> None:
    followed(Stream(LOADED)).must_never_match("died")


def test_a_log_is_clean_by_the_catalogue() -> None:
    followed(Stream(LOADED, "WARNING: sun.reflect.Reflection.getCallerClass is not supported.")).must_be_clean()
    with pytest.raises(AssertionError, match="a healthy release never has \\(ts-worker-died\\)"):
        followed(Stream(LOADED, DIED)).must_be_clean()
    followed(Stream(LOADED, DIED)).must_be_clean(allowed=["ts-worker-died"])


def test_what_is_bad_for_one_container_is_not_for_another() -> None:
    followed(Stream('{"severity":"ERROR"}')).must_be_clean()
    with pytest.raises(AssertionError, match="queue-proxy-error"):
        followed(Stream('{"severity":"ERROR"}'), "queue-proxy").must_be_clean()


def item(kind: str, name: str, owner: str = "", **metadata: dict[str, str]) -> dict:
    owners = [{"uid": owner}] if owner else []
    return {"kind": kind, "metadata": {"name": name, "uid": name, "ownerReferences": owners, **metadata}}


def test_pods_are_found_by_owner_whatever_their_labels() -> None:
    items = [item("Pod", "p", "rs"), item("ReplicaSet", "rs", "d"), item("Deployment", "d", "isvc"),
             item("InferenceService", "isvc"), item("Pod", "seed", "job"), item("Pod", "stranger"),
             item("Job", "job", annotations={"meta.helm.sh/release-name": "isvc"})]
    assert [one["metadata"]["name"] for one in of_release(items, "isvc")] == ["p", "rs", "d", "isvc", "seed", "job"]
    assert [one["metadata"]["name"] for one in owned(items, {"d"})] == ["p", "rs", "d"]


def test_a_selector_takes_pods_alone() -> None:
    items = [item("Pod", "p", labels={"a": "b", "c": "d"}), item("Pod", "q", labels={"a": "b"}),
             item("Job", "j", labels={"a": "b"})]
    assert [one["metadata"]["name"] for one in selected(items, "a=b,c=d")] == ["p"]


def test_no_pod_is_a_failure() -> None:
    class Core:
        @staticmethod
        def list_namespaced_pod(namespace: str, label_selector: str) -> object:  # noqa: ARG004
            return type("Listed", (), {"items": []})

    with pytest.raises(AssertionError, match="no pod in somewhere matches 'a=b'"):
        pods(Core(), "somewhere", selector="a=b")  # type: ignore[arg-type]


def test_a_log_is_followed_in_whole_lines_however_it_is_cut() -> None:
    class Core:
        @staticmethod
        def read_namespaced_pod_log(*_: str, follow: bool = False, **options: object) -> object:
            assert (follow, options["previous"]) == (True, False)
            chunks = [b"one\ntw", b"o\n", "three €".encode()[:-1], "€".encode()[-1:]]
            return type("Response", (), {"stream": lambda _, **__: iter(chunks)})()

    log = of_pod(Core(), "x", "tiny", "kserve-container")  # type: ignore[arg-type]
    assert list(log.stream()) == ["one", "two", "three €"]
    assert (log.name, log.place) == ("tiny/kserve-container", "server")


class Bytes:
    """A cluster whose every log is these bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_namespaced_pod_log(self, *_: str, _preload_content: bool = True, **__: object) -> "Bytes":
        assert not _preload_content
        return self


@pytest.mark.parametrize(("data", "text"), [(b"a\xffb", "a\ufffdb"), (b'{"a": null}', '{"a": null}')])
def test_a_log_is_read_as_it_is_whatever_its_bytes(data: bytes, text: str) -> None:
    core = Bytes(data)
    assert read_log(core, "tiny", "x", "c") == text  # type: ignore[arg-type]
    assert of_pod(core, "x", "tiny", "c").read() == text  # type: ignore[arg-type]


def test_a_container_that_the_catalogue_does_not_know_can_not_be_clean() -> None:
    with (pytest.raises(ValueError, match="does not know the container sidecar"),
          following(Bytes(b""), "x", pod="tiny", container="sidecar")):  # type: ignore[arg-type]
        pass
