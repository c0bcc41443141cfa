"""Images that are built here: their names, and build contexts that two runs may want at the same time."""

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci.cluster import images, store, wheels
from ci.cluster.waiting import wait_for


@pytest.mark.parametrize(("image", "known"), [
    ("busybox:1", "docker.io/library/busybox:1"), ("kindest/node:v1", "docker.io/kindest/node:v1"),
    ("quay.io/brancz/proxy:v1", "quay.io/brancz/proxy:v1"), ("localhost:5000/proxy:v1", "localhost:5000/proxy:v1")])
def test_containerd_knows_an_image_with_its_registry(image: str, known: str) -> None:
    assert images.qualified(image) == known


def test_a_context_is_one_runs_alone_and_gone_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHSERVE_KSERVE_CACHE", str(tmp_path / "cache"))
    recipe, program = tmp_path / "recipe", tmp_path / "program"
    recipe.mkdir()
    (recipe / "Dockerfile").write_text("FROM scratch")
    program.write_text("it")
    entered: list[int] = []
    waits: list[str] = []
    monkeypatch.setattr(store, "say", waits.append)

    def use(run: int) -> Path:
        with images.context(recipe) as context:
            entered.append(run)
            context.link(program, "bin/it")  # fails where another run's is
            assert sorted(file.name for file in context.folder.rglob("*")) == ["Dockerfile", "bin", "it"]
            return context.folder

    with ThreadPoolExecutor(2) as runs, images.context(recipe) as first:
        waiting = [runs.submit(use, run) for run in range(2)]
        first.link(program, "bin/it")
        wait_for("both to wait", lambda: len(waits) == 2, seconds=10)
        assert entered == []
        (first.folder / "bin" / "it").read_text()
    assert {run.result() for run in waiting} == {first.folder}
    assert not first.folder.exists()


def test_wheels_are_this_machines_and_for_the_images_c_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(wheels.shell, "run", lambda command, _: commands.append(command))
    wheels.unpack(tmp_path, ["kserve==1"], tmp_path / "log")
    tags = [part.removeprefix("--platform=") for part in commands[0] if part.startswith("--platform=")]
    assert tags[0] == f"manylinux_2_36_{platform.machine()}"
    assert all(tag.endswith(f"_{platform.machine()}") for tag in tags)
    assert commands[0][-1] == "kserve==1"


def test_an_image_that_the_engine_has_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHSERVE_KSERVE_CACHE", str(tmp_path / "cache"))
    engine: list[str] = []
    monkeypatch.setattr(images, "exists", engine.__contains__)
    names = [images.built("server", "k1", "server image", engine.append) for _ in range(2)]
    assert names == [engine[0]] * 2
    assert engine[0].endswith("/server:k1")
    assert len(engine) == 1
