"""TorchServe does not start, ends, or does not load a model: the cause is in the log and the termination log."""

from __future__ import annotations

import zipfile

import pytest

THREAD = "2026-11-22T15:38:31,530 [INFO ] W-9000-bert_1.0-stdout MODEL_LOG - "
OTHER = "2026-11-22T15:38:31,530 [INFO ] W-9001-digits_1.0-stdout MODEL_LOG - "
TRACEBACK = [
    THREAD + "OldError: from before",
    THREAD + "Backend worker process died.",
    THREAD + "Traceback (most recent call last):",
    OTHER + "DigitsError: of another model",
    THREAD + "ModuleNotFoundError: No module named 'transformers'",
    THREAD + "During handling of the above exception, another exception occurred:",
    THREAD + "ModuleNotFoundError: No module named 'ts.torch_handler.handler'",
]
ERROR = "2026-11-22T15:40:50,642 [ERROR] main org.pytorch.serve.snapshot.SnapshotManager - Failed to parse signature.json."


def cause(predictor) -> str:
    text = predictor.log.read_text()
    assert predictor.said(text)
    return text


def test_a_worker_that_keeps_dying_ends_it_with_the_handler_s_first_exception(predictor):
    predictor.serves("bert", "digits")
    predictor.start(fake={"dying": ["bert"], "prints": TRACEBACK})
    assert predictor.ends() == 1
    expected = "start: model bert 1.0: its worker died 3 times: ModuleNotFoundError: No module named 'transformers'; "
    assert cause(predictor).startswith(expected)


def test_a_worker_that_dies_without_an_exception_may_have_run_out_of_memory(predictor):
    predictor.start(fake={"dying": ["bert"], "prints": [THREAD + "Torch worker started."]})
    assert predictor.ends() == 1
    assert "its worker died 3 times: no Python exception (out of memory?)" in cause(predictor)


def test_an_exception_that_the_worker_has_caught_and_told_before_it_died_is_the_cause(predictor):
    told = [THREAD + "Backend worker process died.", THREAD + "RuntimeError: 500 - Unknown exception",
            THREAD + "Failed to load model bert, exception the weights are from another model",
            THREAD + "Traceback (most recent call last):", THREAD + "RuntimeError: the weights are from another model",
            THREAD + "Backend worker process died.", THREAD + "RuntimeError: 500 - Unknown exception"]
    predictor.start(fake={"dying": ["bert"], "prints": told})
    assert predictor.ends() == 1
    assert "its worker died 3 times: RuntimeError: the weights are from another model; correct" in cause(predictor)


@pytest.mark.parametrize(("silent", "said"), [("bert", "its handler did not answer (it hangs, or is slow)"),
                                              ("digits", "no Python exception (out of memory?)")])
def test_a_worker_that_torchserve_gave_up_waiting_for_did_not_answer(predictor, silent, said):
    predictor.start(fake={"dying": ["bert"], "prints": [
        THREAD + "Torch worker started.",
        f"2026-11-22T15:38:41,530 [ERROR] W-9000-{silent}_1.0 org.pytorch.serve.wlm.WorkerThread - Backend worker error",
        "org.pytorch.serve.wlm.WorkerInitializationException: Backend worker did not respond in given time"]})
    assert predictor.ends() == 1
    assert f"its worker died 3 times: {said}; " in cause(predictor)


@pytest.mark.parametrize("fake", [{"missing": ["bert"], "prints": [ERROR]}, {"dying": ["bert"], "prints": TRACEBACK}])
@pytest.mark.parametrize(("at", "said"), [(0, "handler.py in it is not what was packed"),
                                          (45, "handler.py in it is not what was packed"), (-20, "File is not a zip file")])
def test_where_a_model_does_not_load_a_damaged_archive_is_the_cause(predictor, fake, at, said):
    archive = predictor.claim / "model-store/bert.mar"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("handler.py", "def handle(data, context):\n    return data\n")
    content = bytearray(archive.read_bytes())
    content[at:at + 8] = bytes(8)
    archive.write_bytes(content)
    predictor.start(fake=fake)
    assert predictor.ends() == 1
    assert cause(predictor).startswith(f"start: model bert 1.0: {archive} is damaged ({said}")
    assert cause(predictor).endswith("); fetch it again (seed.revision)\n")


def test_a_model_that_was_not_registered_ends_it_with_torchserve_s_error(predictor):
    predictor.serves("digits", "bert")
    predictor.start(fake={"missing": ["bert"], "prints": [ERROR, "a later line"]})
    assert predictor.ends() == 1
    assert cause(predictor).startswith("start: model bert 1.0 was not registered: Failed to parse signature.json.; ")


def test_a_model_that_does_not_load_in_time_ends_it(predictor):
    predictor.serves("bert", startupTimeout=-29)  # 30 s are allowed on top
    predictor.start(fake={"loading": ["bert"]})
    assert predictor.ends() == 1
    assert "model bert 1.0 was not ready after 1 s" in cause(predictor)


def test_a_server_that_was_killed_had_no_time_to_say_why(predictor):
    predictor.start(fake={"ends": -9, "prints": [ERROR]})
    assert predictor.ends() == 137
    assert cause(predictor) == ("start: TorchServe ended by itself with status 137; it was killed, most often for memory: raise "
                                "runtime.resources.limits.memory\n")


@pytest.mark.parametrize(("ends", "said", "status"), [(7, 7, 7), (0, 0, 1), (-15, 143, 143)])
def test_it_ends_with_the_server_s_status_but_never_with_0_unasked(predictor, ends, said, status):
    predictor.start(fake={"ends": ends, "prints": [ERROR]})
    assert predictor.ends() == status
    assert cause(predictor) == f"start: TorchServe ended by itself with status {said}; Failed to parse signature.json.\n"


def test_java_s_own_exception_is_the_cause_not_the_last_line_of_its_trace(predictor):
    predictor.start(fake={"ends": 1, "prints": ["com.google.gson.JsonSyntaxException: line 1", "\tat org.x.Y", "\t... 14 more"]})
    assert predictor.ends() == 1
    assert "status 1; com.google.gson.JsonSyntaxException: line 1" in cause(predictor)


def test_an_image_without_java_is_said(predictor):
    predictor.start(fake={"no_java": True})
    assert predictor.ends() == 1
    assert "torchserve did not start: java not found, please make sure JAVA_HOME is set properly.; " in cause(predictor)


def test_an_image_without_torchserve_is_said(predictor):
    (predictor.bin / "torchserve").unlink()
    predictor.start(PATH=str(predictor.bin))
    assert predictor.ends() == 1
    assert "torchserve did not start: [Errno 2] No such file or directory: 'torchserve'" in cause(predictor)


def test_everything_the_server_prints_reaches_the_log(predictor):
    lines = [f"line {number}" for number in range(50_000)]
    predictor.start(fake={"ends": 3, "counts_to": len(lines)})
    assert predictor.ends() == 3
    printed = predictor.output.read_text().splitlines()
    assert [line for line in printed if line.startswith("line ")] == lines
