"""The notes of a release that is well, typed in from top to bottom: wait, read the log, forward the port, find the host, ask."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ci.cluster import up
from ci.helm import Helm
from ci.release import Release
from tests.e2e.served import CALLED
from tests.e2e.terminal import typed
from tests.ports import free_port

NOTES_SECONDS = 120
COMMAND = re.compile(r"^   ((?:kubectl|curl) .*|HOST=.*)$", re.MULTILINE)


def script(notes: str, port: int) -> str:
    """The commands of the notes up to the test, one after the other; the one that is to be left running is, behind them."""
    lines = []
    for command in COMMAND.findall(notes.partition("\n3. Test it")[0].partition("\n   From outside")[0]):
        if " port-forward " in command:
            lines += [f"{command} > /dev/null &", f"until (: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null; do sleep 0.1; done"]
        else:
            lines.append(command)
    return "\n".join(lines).replace("8080", str(port))


@pytest.mark.parametrize("name", CALLED)
def test_the_commands_of_the_notes_lead_to_an_answer(
        name: str, releases: dict[str, Release], chart: Helm, cluster: up.Cluster, mode: str,
        example: Callable[[str, str], Any]) -> None:
    release = releases[name]
    lines = script(chart("get", "notes", release.name), free_port())
    assert len(re.findall(r"^kubectl .* wait ", lines, re.MULTILINE)) == 2
    assert len(re.findall(r"^curl ", lines, re.MULTILINE)) == 1
    # A host that is mapped to bert stands in its notes.
    assert len(re.findall(r"^HOST=", lines, re.MULTILINE)) == (mode == "Knative" and name != "bert")
    said = typed(lines, cluster, seconds=NOTES_SECONDS)
    assert said.count("condition met") == 2, said
    assert re.search(r"sha256[ =:]+[0-9a-f]{64}", said), "the Job's log"
    answer = json.loads(said[said.rindex('{"predictions"'):])
    assert answer == example(name, "expected.json"), said
