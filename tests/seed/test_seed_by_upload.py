"""upload://: the run waits and says for what, a sender fills it, and only what is whole gets as far as the run."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess

import pytest

from tests.seed import damage
from tests.seed.server import mar, sha256
from tests.seed.uploads import WHOLE, finish, send, sender, sending, uploads, waiting
from tests.waiting import until


@pytest.fixture
def upload(claim):
    """A claim that wants an upload."""
    claim.wants("upload://bert-model.mar")
    return claim


def test_what_is_sent_is_on_the_claim_and_both_ends_say_its_hash(upload):
    with waiting(upload) as run:
        sent = send(upload, WHOLE)
        out = finish(run)
    assert sent.code == 0, sent.everything
    assert sent.out == f"seed: bert: {len(WHOLE):,} bytes are here, sha256 {sha256(WHOLE)}; the seed goes on with them\n"
    assert (upload.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == WHOLE
    assert f"sha256 {sha256(WHOLE)}" in out
    assert json.loads(upload.marker.read_text())["artifacts"][0]["sha256"] == sha256(WHOLE)
    assert uploads(upload) == []


def test_the_run_says_what_it_waits_for_with_a_command_that_works(upload):
    with waiting(upload) as run:
        words, _, rest = run.said.partition("python3 ")
        assert words == "seed: bert: waiting for bert-model.mar, which comes by: "
        inside, _, file = rest.rpartition(" < ")
        assert file == "bert-model.mar\n"
        assert shlex.split(inside) == sending(upload)[1:]


def test_in_the_pod_of_a_release_the_command_goes_there_from_outside(upload):
    with waiting(upload, "--owner", "models/demo") as run:
        assert f"comes by: kubectl -n models exec -i {os.uname().nodename} -c seed -- python3 /" in run.said


def test_a_refusal_reads_what_is_sent_to_its_end(upload):
    """kubectl exec -i never returns where nobody reads what it hands over."""
    running = subprocess.Popen(sending(upload, "nope"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdin.write(bytes(5_000_000))  # BrokenPipeError where nobody reads
    _, said = running.communicate(timeout=60)
    assert running.returncode == 2 and b"the plan has no model nope with an upload:// uri" in said


def test_it_knows_its_options_however_they_were_written(upload):
    running = subprocess.Popen([*upload.command()[:2], f"--plan={upload.plan}", f"--destination={upload.root}"],
                               stdout=subprocess.PIPE, text=True)
    said = running.stdout.readline() + running.stdout.readline()
    running.kill()
    running.communicate()
    assert f"--receive bert --plan {upload.plan} --destination {upload.root} < bert-model.mar" in said


def test_it_says_so_again_and_again(upload):
    with waiting(upload, "--progress-seconds", "0.05") as run:
        assert "waiting for bert-model.mar" in run.stdout.readline()


def test_how_much_is_there_is_said_while_it_comes(upload):
    with waiting(upload, "--progress-seconds", "0.05") as run, sender(upload) as sending_:
        sending_.stdin.write(WHOLE[:2_000_000])
        sending_.stdin.flush()
        until(lambda: "bert-model.mar is being uploaded, 1," in run.stdout.readline() or "uploaded, 2,"
              in run.stdout.readline(), "the run to say how much is there")
        sending_.stdin.write(WHOLE[2_000_000:])
        sending_.stdin.close()
        assert sending_.wait(30) == 0
        finish(run)


def test_an_upload_that_comes_before_the_run_is_taken_by_it(upload):
    assert send(upload, WHOLE).code == 0
    result = upload.seed()
    assert result.code == 0 and "waiting" not in result.out
    assert upload.files == ["model-store/bert-0a1b2c3d.mar"] and uploads(upload) == []


def test_an_upload_can_be_sent_while_another_artefact_is_fetched(claim):
    """It holds the volume's lock, which a sender does not need."""
    claim.writes([{"model": name, "uri": f"upload://{name}.mar", "path": f"model-store/{name}-1.mar"} for name in ("one", "two")])
    with waiting(claim) as run:
        assert send(claim, WHOLE, "two").code == 0
        assert send(claim, WHOLE, "one").code == 0
        finish(run)
    assert claim.files == ["model-store/one-1.mar", "model-store/two-1.mar"]


@pytest.mark.parametrize(("content", "words"), [
    (WHOLE[:1_000_000], "the 1,000,000 bytes that came are no whole archive: the transfer was cut, or it is another file; send"),
    (b"#!/bin/sh\n", "the 10 bytes that came are no whole archive"),
    (b"", "nothing came on standard input; give kubectl exec its -i"),
    (mar(version="2.0"), "its version is '2.0', declared is '1.0'"),
    (mar(files={}), "does not hold its handler"),
    (damage.ALL["broken inside"], "no MAR-INF/MANIFEST.json with a model and a handler"),
], ids=["cut", "another file", "nothing", "another version", "no handler", "damaged"])
def test_what_is_no_whole_right_archive_is_refused_at_once(upload, content, words):
    with waiting(upload) as run:
        sent = send(upload, content)
        assert sent.code == 7 and sent.err.startswith("seed: bert: ") and words in sent.err, sent.everything
        assert uploads(upload) == [] and not upload.error.exists() and upload.termination_log.read_text() == ""
        assert send(upload, WHOLE).code == 0, "the run still waits"
        finish(run)


def test_another_file_than_the_declared_one_is_refused(claim):
    claim.wants("upload://bert-model.mar", sha256="ab" * 32)
    sent = send(claim, WHOLE)
    assert sent.code == 6 and f"its sha256 is {sha256(WHOLE)}, declared is {'ab' * 32}" in sent.err
    assert uploads(claim) == []


def test_of_two_uploads_at_once_one_is_taken_and_none_is_left(upload):
    with waiting(upload) as run, sender(upload) as first, sender(upload) as second:
        for one in (first, second):
            one.stdin.write(WHOLE[:1_000_000])
            one.stdin.flush()
        until(lambda: len(uploads(upload)) == 2, "both to write")
        for one in (first, second):
            one.stdin.write(WHOLE[1_000_000:])
            one.stdin.close()
        codes = [first.wait(30), second.wait(30)]
        assert 0 in codes and set(codes) <= {0, 2}, "2: the other one was taken before it was whole"
        finish(run)
    assert (upload.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == WHOLE
    assert uploads(upload) == []
    assert upload.seed().code == 0


def test_an_upload_that_ends_after_another_one_was_taken_is_refused_and_not_left(upload):
    with sender(upload) as late:
        late.stdin.write(WHOLE[:1_000_000])
        late.stdin.flush()
        until(lambda: uploads(upload), "the first bytes on the claim")
        with waiting(upload, "--progress-seconds", "1", says="being uploaded") as run:
            assert send(upload, WHOLE).code == 0
            finish(run)
        late.stdin.write(WHOLE[1_000_000:])
        late.stdin.close()
        assert late.wait(30) == 2 and b"the claim has it already, as model-store/bert-0a1b2c3d.mar; " in late.stderr.read()
    assert uploads(upload) == []


def test_an_upload_that_is_left_goes_with_a_run_that_has_nothing_else_to_do(upload):
    send(upload, WHOLE)
    upload.seed()
    (left,) = [upload.root / ".seed/upload/bert-0a1b2c3d.mar"]
    left.write_bytes(WHOLE)
    assert upload.seed().code == 0
    assert uploads(upload) == []


def test_what_is_no_right_archive_can_be_replaced_by_an_upload(upload):
    final = upload.root / "model-store/bert-0a1b2c3d.mar"
    final.parent.mkdir()
    final.write_text("<html>")
    with waiting(upload) as run:
        sent = send(upload, WHOLE)
        assert sent.code == 0, sent.everything
        finish(run)
    assert final.read_bytes() == WHOLE and uploads(upload) == []


def test_a_second_upload_of_what_is_there_is_refused_before_it_is_read(upload):
    send(upload, WHOLE)
    upload.seed()
    sent = send(upload, WHOLE)
    assert sent.code == 2 and sent.err == ("seed: bert: the claim has it already, as model-store/bert-0a1b2c3d.mar; "
                                           "for another one set another seed.revision\n")


def test_a_model_that_the_plan_does_not_want_uploaded_is_refused(upload):
    sent = send(upload, WHOLE, "gpt")
    assert sent.code == 2 and sent.err.startswith("seed: gpt: the plan has no model gpt with an upload:// uri; ")


def test_a_terminal_is_no_upload(upload):
    """`kubectl exec -it` changes bytes on the way, and without `< FILE` nothing would ever come."""
    ours, theirs = pty.openpty()
    done = subprocess.run(sending(upload), stdin=theirs, capture_output=True, text=True, timeout=30)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2 and "nothing is sent on standard input; add `< FILE`" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_killed_sender_leaves_goes_with_the_next_run(upload, number):
    with sender(upload) as killed:
        killed.stdin.write(WHOLE[:1_000_000])
        killed.stdin.flush()
        until(lambda: uploads(upload), "the first bytes on the claim")
        killed.send_signal(number)
        assert killed.wait(30) != 0
    assert bool(uploads(upload)) == (number == signal.SIGKILL)
    with waiting(upload) as run:
        assert uploads(upload) == []
        assert send(upload, WHOLE).code == 0
        finish(run)


def test_a_run_does_not_take_away_what_is_just_being_sent(upload):
    with sender(upload) as slow:
        slow.stdin.write(WHOLE[:1_000_000])
        slow.stdin.flush()
        until(lambda: uploads(upload), "the first bytes on the claim")
        run = upload.start()
        until(lambda: "is being uploaded" in run.stdout.readline(), "the run to see it")
        slow.stdin.write(WHOLE[1_000_000:])
        slow.stdin.close()
        assert slow.wait(30) == 0
        finish(run)
