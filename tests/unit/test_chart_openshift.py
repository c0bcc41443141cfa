"""securityContext with nulls: user and group ids are the cluster's, in every pod, and nothing relies on those of the image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.cases import CASES, SMALLEST, changed
from tests.unit.render import only, render_chart
from tests.unit.test_chart_pod_security import faults, pods

ANY = {"securityContext": {"runAsUser": None, "fsGroup": None}}
IDS = {"runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "fsGroupChangePolicy", "uid", "gid"}
# Together every container that the chart renders: init containers of images and of the packing tool, both flavours and modes.
SOME = ["smallest", "image-source", "cloud-sources", "storage-uri", "stock-runtime", "knative", "wrapper", "kubeflow", "gpu"]


def ids(node: object) -> Iterator[str]:
    """Every field that fixes a user or group id."""
    if isinstance(node, dict):
        yield from IDS & set(node)
        for child in node.values():
            yield from ids(child)
    elif isinstance(node, list):
        for child in node:
            yield from ids(child)


@pytest.mark.parametrize("case", SOME)
def test_no_id_is_fixed_anywhere(case):
    assert list(ids(render_chart(changed(CASES[case], **ANY)))) == []


def test_the_check_itself_sees_the_defaults_ids():
    assert set(ids(render_chart(SMALLEST))) == {"runAsUser", "fsGroup", "fsGroupChangePolicy"}


def test_every_pod_stays_restricted():
    values = changed(CASES["image-source"], **ANY)
    assert {name: faults(spec) for name, spec in pods(values).items()} == {name: [] for name in pods(values)}


@pytest.mark.parametrize("user", [None, 2000])
@pytest.mark.parametrize("flavor", ["native", "wrapper"])
def test_a_user_that_the_image_does_not_know_has_a_home_and_a_name(user, flavor):
    """Its home would be / (read-only), and Python's getpass.getuser() an error, which PyTorch's compiler calls."""
    values = changed(CASES["wrapper"], runtime__flavor=flavor, securityContext__runAsUser=user)
    container = only(render_chart(values), "ServingRuntime")["spec"]["containers"][0]
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    assert (env["HOME"], env["USER"]) == ("/tmp", "model-server")


def test_the_images_own_user_keeps_its_home():
    env = only(render_chart(SMALLEST), "ServingRuntime")["spec"]["containers"][0]["env"]
    assert not {"HOME", "USER"} & {entry["name"] for entry in env}


def test_the_seed_writes_files_that_any_user_may_read():
    """tests/image/test_any_user.py runs it so; here only that its home is no folder of the image's user."""
    spec = only(render_chart(changed(SMALLEST, **ANY)), "Job")["spec"]["template"]["spec"]
    assert {"name": "HOME", "value": "/tmp"} in spec["containers"][0]["env"]
