"""What the chart changes in TorchServe's workers (files/sitecustomize.py): less work for a request, the same request."""

import json
from pathlib import Path

import pytest

from ci.cluster.paths import CHART
from tests.image.container import inside

PROGRAM = Path(__file__).with_name("worker.py").read_text()
HOOK = f"HOOK={(CHART / 'files/sitecustomize.py').read_text()}"
INSIDE, OUTSIDE = (f"metrics_address=http://{host}:8082\n" for host in ("127.0.0.1", "0.0.0.0"))
RECEIVED, TIME, OWN = "Backend received inference at", "[METRICS]PredictionTime", "the handler's own line"
INDENTED, ONE_LINE = r'{\n  "an": "answer"\n}', '{"an": "answer"}'


def said(image: str, *arguments: str) -> str:
    return inside(image, "python", "-c", PROGRAM, *arguments, env=(HOOK,))


def test_a_request_read_in_one_piece_is_the_same_request(runtime_image: str) -> None:
    theirs, ours = json.loads(said(runtime_image, "read").splitlines()[-1])
    assert "bytearray(b'5')" in theirs
    assert ours == theirs


def test_a_value_written_in_one_line_is_the_same_json_and_texts_stay_as_they_are(runtime_image: str) -> None:
    theirs, ours = json.loads(said(runtime_image, "write").splitlines()[-1])
    assert theirs[0].startswith('{\n  "predictions": [\n')
    assert "\n" not in ours[0] and json.loads(ours[0]) == json.loads(theirs[0])
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize(("config", "lines"), [
    ("", {RECEIVED, TIME, OWN, INDENTED}),
    (OUTSIDE, {TIME, OWN, ONE_LINE}),
    (INSIDE, {OWN, ONE_LINE}),
], ids=["as it is", "metrics are read from outside", "the chart's defaults"])
def test_a_worker_logs_nothing_that_nobody_reads_and_answers_in_one_line(
        runtime_image: str, config: str, lines: set[str]) -> None:
    output = said(runtime_image, "run", config)
    assert {line for line in (RECEIVED, TIME, OWN, INDENTED, ONE_LINE) if line in output} == lines, output
