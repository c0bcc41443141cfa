"""Cloud storage of the harness: signed requests, what the images are made from, and what KServe asks for."""

import datetime
import re

import pytest
import yaml

from ci.cluster import cloud_servers, images, source, storage_initializer
from ci.cluster.paths import CI
from ci.cluster.versions import versions
from ci.s3_client import Keys, signed_query


def test_a_signature_is_the_one_that_the_documentation_of_s3_shows() -> None:
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    query = signed_query("GET", "examplebucket.s3.amazonaws.com", "/test.txt", keys,
                         datetime.datetime(2013, 5, 24, tzinfo=datetime.UTC), seconds=86400)
    assert query.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_the_storage_initializer_is_of_kserves_version() -> None:
    assert storage_initializer.upstream() == f"kserve/storage-initializer:{versions()['kserve']}"
    assert pinned()["kserve-storage"] == versions()["kserve"].removeprefix("v")


def test_every_python_package_of_the_storage_initializer_has_one_exact_version() -> None:
    text = (storage_initializer.RECIPE / "requirements.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(pinned()) == len(lines) > 50


@pytest.mark.parametrize("row", ["s3", "gcs"])
def test_a_servers_image_and_its_module_are_of_one_version(row: str) -> None:
    name, _, version = versions()["pull"][row].partition(":")
    assert f"\tgithub.com/{name} v{version.removeprefix('v')}\n" in (source.SOURCE / "servers" / "go.mod").read_text()


def test_the_s3_servers_stamp_is_its_version() -> None:
    assert source.programs("servers")["stamps"] == [f"main.Version={versions()['pull']['s3'].partition(':')[2]}"]


def test_every_server_has_a_recipe_and_a_program() -> None:
    built = source.programs("servers")["builds"][0]["packages"]
    servers = {cloud_servers.S3.program, cloud_servers.GCS.program}
    assert servers == set(built)
    assert all((images.IMAGES / program / "Dockerfile").is_file() for program in servers)


def test_every_program_of_the_servers_set_is_one_that_tools_go_keeps() -> None:
    kept = (CI / "source" / "servers" / "tools.go").read_text()
    builds = yaml.safe_load((CI / "source" / "servers" / "programs.yaml").read_text())["builds"]
    assert all(f'"{package}"' in kept for build in builds for package in build["packages"].values())


def pinned() -> dict[str, str]:
    """Package -> version of the storage initializer's lock file."""
    text = (storage_initializer.RECIPE / "requirements.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==([0-9a-z.]+)$", text, re.MULTILINE))
