"""pip, which installs what the requirements files of archives name: its settings, its login, its rules."""

from __future__ import annotations

import json

import pytest

from tests.unit.cases import EXISTING, SMALLEST, changed
from tests.unit.render import only, render_chart
from tests.unit.rules import both_ways
from tests.unit.test_chart_config import properties
from tests.unit.test_chart_other_runtime import SEEDED

INDEX = "https://pypi.example.com/simple"
OTHER = "http://wheels.example.com:8080/simple"
LOGIN = {"enabled": True, "indexUrl": INDEX, "credentials": {"secretName": "pypi-login"}}


def pip(values: dict = SMALLEST, **settings: object) -> dict:
    return changed(values, pip={"enabled": True, **settings})


def runtime(values: dict) -> dict:
    return only(render_chart(values), "ServingRuntime")["spec"]


def variables(values: dict) -> dict[str, str]:
    environment = runtime(values)["containers"][0]["env"]
    return {entry["name"]: entry["value"] for entry in environment if entry["name"].startswith("PIP_")}


def test_nothing_is_installed_by_default():
    assert properties(SMALLEST)["install_py_dep_per_model"] == "false"
    assert variables(SMALLEST) == {}


def test_pip_gets_the_indexes_as_its_own_variables():
    values = pip(indexUrl=INDEX, extraIndexUrl=[OTHER, INDEX], trustedHost=["wheels.example.com:8080", "b"])
    assert properties(values)["install_py_dep_per_model"] == "true"
    given = {"PIP_INDEX_URL": INDEX, "PIP_EXTRA_INDEX_URL": f"{OTHER} {INDEX}", "PIP_TRUSTED_HOST": "wheels.example.com:8080 b"}
    assert given.items() <= variables(values).items()


def test_pip_writes_nowhere_but_to_tmp_and_says_no_more_than_a_pipe_holds():
    written = variables(pip())
    assert "PIP_INDEX_URL" not in written, "PyPI is pip's own default"
    assert (written["PIP_NO_CACHE_DIR"], written["PIP_QUIET"], written["PIP_NO_INPUT"]) == ("1", "1", "1")


def test_an_index_that_does_not_answer_is_given_up_before_the_models_time_is_over():
    written = variables(pip())
    assert (int(written["PIP_RETRIES"]) + 1) * int(written["PIP_TIMEOUT"]) < 120


def test_the_start_up_may_take_longer_where_pip_installs():
    def probe(values: dict) -> int:
        return runtime(values)["containers"][0]["startupProbe"]["failureThreshold"]

    assert probe(pip()) == probe(SMALLEST) + 120


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_the_login_is_a_mounted_secret_and_no_variable(mode):
    values = changed(SMALLEST, pip=LOGIN, deploymentMode=mode)
    spec = runtime(values)
    (container,) = spec["containers"]
    assert container["args"][-2:] == ["--pip-login", "/etc/pip-login"]
    assert {"name": "pip-login", "mountPath": "/etc/pip-login", "readOnly": True} in container["volumeMounts"]
    secret = {"secretName": "pypi-login", "defaultMode": 420, "optional": True}
    assert {"name": "pip-login", "secret": secret} in spec["volumes"]
    assert "pypi-login" not in json.dumps(container["env"])


def test_without_a_login_none_is_mounted():
    assert "pip-login" not in json.dumps(runtime(pip()))


RULES = {
    "settings of what is off": (
        changed(SMALLEST, pip={"indexUrl": INDEX}),
        "pip has settings while pip.enabled is false, so nothing is installed; set pip.enabled=true, or remove them",
        pip(indexUrl=INDEX)),
    "a runtime that is not the chart's": (
        pip(SEEDED),
        "pip.enabled is true while runtime.create is false: pip's settings are variables of the chart's own runtime; set "
        "runtime.create=true, or take a runtime whose image has the packages and remove pip",
        pip(EXISTING)),
    "a login to PyPI": (
        pip(credentials={"secretName": "a"}),
        "pip.credentials.secretName is set without pip.indexUrl, and PyPI has no login; set pip.indexUrl, or remove the Secret",
        pip(indexUrl=INDEX, credentials={"secretName": "a"})),
    "a login in a URL": (
        pip(indexUrl="https://me:secret@pypi.example.com/simple"),
        "pip.indexUrl has a login in it, which anyone would read in the runtime; write it without, and name a Secret in "
        "pip.credentials.secretName",
        pip(indexUrl=INDEX)),
    "an index that pip ignores": (
        pip(extraIndexUrl=[OTHER]),
        f"pip.extraIndexUrl {OTHER} is plain http, and pip ignores it unless its host is trusted; write https, or add "
        "wheels.example.com:8080 to pip.trustedHost",
        pip(extraIndexUrl=[OTHER], trustedHost=["wheels.example.com"])),
    "less time than an index needs": (
        pip({"models": {"bert": {**SMALLEST["models"]["bert"], "startupTimeout": 30}}}),
        "models.<name>.startupTimeout: 30 s for all models together are over before pip has given up an index that does not "
        "answer; raise it to 35 or more",
        pip({"models": {"bert": {**SMALLEST["models"]["bert"], "startupTimeout": 35}}})),
}

test_wrong_settings_are_refused, test_right_ones_are_taken = both_ways(RULES)
