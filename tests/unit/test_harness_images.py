"""Images that are built here: their names, and build contexts that two runs may want at the same time."""

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci.cluster import images, storage_initializer, store
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


def test_wheels_of_the_storage_initializer_are_this_machines() -> None:
    assert all(tag.endswith(f"_{platform.machine()}") for tag in storage_initializer.PLATFORMS)
