"""Other programs: their words come out when they fail, and none of them outlives the command that ran it."""

import threading
from pathlib import Path

import pytest

from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(Problem, match="`no-such-program` is not installed"):
        shell.output(["no-such-program"])


def test_a_program_that_fails_is_told_with_its_own_words() -> None:
    with pytest.raises(Problem, match=r"failed \(3\): it is Sunday"):
        shell.output(["sh", "-c", "echo it is Sunday >&2; exit 3"])


def test_a_program_that_does_not_end_is_told_with_the_time_it_had() -> None:
    with pytest.raises(Problem, match=r"gave no answer in 0 s"):
        shell.output(["sleep", "60"], timeout=0.1)


def test_the_end_of_the_log_comes_out_when_a_logged_program_fails(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    with pytest.raises(Problem, match="line 99"):
        shell.run(["sh", "-c", "seq -f 'line %g' 99; exit 1"], log)
    assert "line 1\n" in log.read_text()


def test_one_programs_output_is_anothers_input(tmp_path: Path) -> None:
    shell.piped(["echo", "words"], ["tee", str(tmp_path / "heard")])
    assert (tmp_path / "heard").read_text() == "words\n"


@pytest.mark.parametrize(("source", "sink", "statuses"), [
    ("echo lost >&2; exit 3", "cat", "3, 0"), ("exit 0", "cat; echo lost >&2; exit 4", "0, 4"),
    ("exec yes", "echo lost >&2; exit 5", "-13, 5")])
def test_the_failure_of_either_program_of_a_pipe_is_told(source: str, sink: str, statuses: str) -> None:
    with pytest.raises(Problem, match=rf"failed \({statuses}\): lost"):
        shell.piped(["sh", "-c", source], ["sh", "-c", sink])


def test_what_another_thread_runs_ends_with_a_failed_command(tmp_path: Path) -> None:
    problems: list[Problem] = []

    def long_work() -> None:
        try:
            shell.run(["sleep", "600"], tmp_path / "log")
        except Problem as problem:
            problems.append(problem)

    worker = threading.Thread(target=long_work)
    worker.start()
    wait_for("the program to run", lambda: bool(shell._children), seconds=10)
    shell.end_children()
    worker.join(timeout=10)
    assert not worker.is_alive()
    assert "failed (-15)" in str(problems[0])
