"""`nox -s flake`: what is recorded of a run, that one which failed ends the command, and the page that is made of the record."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ci import flake
from ci.cluster.errors import Problem

RUN = flake.Run("2026-11-28T12:00:00Z", "c" * 12, "7" * 12, "fast", 2, 1.5, 1000, [], 200.4)
GOOD, BAD = "def test_good(): pass\n", "def test_bad(): assert False\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git's with a test that passes, in place of this one."""
    folder = tmp_path / "repository"
    (folder / "docs").mkdir(parents=True)
    (folder / "test_one.py").write_text(GOOD)
    (folder / ".gitignore").write_text("artifacts/\n__pycache__/\n.pytest_cache/\n")
    git = ["git", "-C", str(folder), "-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "first"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(flake, "REPOSITORY", folder)
    monkeypatch.setattr(flake, "RECORD", folder / "docs" / "flake.jsonl")
    monkeypatch.setattr(flake, "PAGE", folder / "docs" / "flake.md")
    return folder


@pytest.fixture
def run(repository: Path) -> Callable[..., None]:
    """run(…): makes runs of that repository's tests by pytest itself, with further arguments."""
    def make(runs: int = 1, *more: str) -> None:
        flake.again(runs, lambda: flake.once("fast", ["test_one.py", *more], repository / "artifacts"), flake.RECORD, flake.PAGE)
    return make


def test_every_run_is_recorded_and_the_same_command_goes_on(run: Callable[..., None]) -> None:
    run(2)
    run()
    runs = flake.recorded(flake.RECORD)
    assert [(one.tests, one.failed, one.part) for one in runs] == [(1, [], "fast")] * 3
    assert len({(one.tree, one.commit) for one in runs}) == 1
    assert flake.PAGE.read_text() == flake.page(runs)


def test_a_failure_is_recorded_and_ends_the_command_with_the_tests_name_and_the_log(
        repository: Path, run: Callable[..., None]) -> None:
    (repository / "test_one.py").write_text(GOOD + BAD)
    with pytest.raises(Problem, match=r"A run failed: test_one::test_bad; its log is .*\.log\.") as caught:
        run(3)
    only, = flake.recorded(flake.RECORD)
    assert (only.tests, only.failed) == (2, ["test_one::test_bad"])
    assert "assert False" in Path(str(caught.value).split("its log is ")[1].removesuffix(".")).read_text()


def test_a_file_that_cannot_be_read_is_a_failure(repository: Path, run: Callable[..., None]) -> None:
    (repository / "test_one.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(Problem, match=r"A run failed: .*test_one"):
        run()


def test_an_end_without_a_failed_test_is_a_failure(run: Callable[..., None]) -> None:
    with pytest.raises(Problem, match="A run failed: pytest ended with 5, and no test had failed"):
        run(1, "-k", "nothing")


def test_an_interrupted_run_is_not_recorded(repository: Path, run: Callable[..., None]) -> None:
    (repository / "test_one.py").write_text("def test_stopped(): raise KeyboardInterrupt\n")
    with pytest.raises(Problem, match="pytest was interrupted, and nothing is recorded"):
        run()
    assert not flake.RECORD.exists()


def test_a_tree_is_the_files_as_they_are_but_for_the_record(repository: Path) -> None:
    before = flake.tree()
    flake.RECORD.write_text("{}\n")
    flake.PAGE.write_text("a page\n")
    assert flake.tree() == before
    (repository / "test_two.py").write_text(GOOD)
    assert flake.tree() != before
    (repository / "test_two.py").unlink()
    assert flake.tree() == before


def test_the_page_has_a_line_for_each_tree_and_part() -> None:
    later = replace(RUN, date="2026-11-29T12:00:00Z", load=9.6, seconds=300.0, failed=["a::b"])
    rows = flake.page([RUN, later, replace(RUN, part="cluster")]).removeprefix(flake.HEAD).splitlines()
    assert [row for row in rows if row.startswith("|")] == [
        "| `777777777777` | `cccccccccccc` | fast | 2 | 1 | 1000 | 200 to 300 | 2 to 10 | 2 | 2026-11-28 to 2026-11-29 |",
        "| `777777777777` | `cccccccccccc` | cluster | 1 | 0 | 1000 | 200 | 2 | 2 | 2026-11-28 |"]


def test_the_page_counts_the_runs_since_the_last_failure_over_all_trees() -> None:
    broken, other = replace(RUN, failed=["a::b"]), replace(RUN, tree="8" * 12)
    page = flake.page([RUN, broken, RUN, other, other, replace(RUN, part="cluster")])
    assert page.endswith("\nRuns in a row without a failure, up to the newest one, over all trees: 3 of fast, 1 of cluster.\n")


def test_the_projects_own_record_is_whole_and_its_page_is_made_of_it() -> None:
    lines = flake.RECORD.read_text().splitlines()
    kinds = {name: type(value) for name, value in vars(RUN).items()}
    for line in lines:
        assert {name: type(value) for name, value in json.loads(line).items()} == kinds, line
    assert flake.PAGE.read_text() == flake.page(), "make it anew: ci/nox -s docs"
