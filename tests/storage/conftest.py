"""Servers of cloud storage and KServe's storage initializer as containers on a network of their own; no cluster."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ci import gcs_pod, s3_pod
from ci.cluster import cloud_servers, engine, shell, storage_initializer
from ci.cluster.errors import Problem
from ci.cluster.waiting import wait_for
from ci.gcs_client import Gcs
from ci.route import Route
from ci.s3_client import REGION, S3, Keys
from tests import leftovers
from tests.storage.containers import Fetched, Images

SERVE_SECONDS = 120
FETCH_SECONDS = 120


@pytest.fixture(scope="session")
def images(preparing: Callable[[], AbstractContextManager[None]], install_packages: bool) -> Images:
    """All images: upstream's where a registry answers, else ours."""
    with preparing():
        engine.ensure(install=install_packages)
        leftovers.remove()
        return Images(cloud_servers.S3.ensure(), cloud_servers.GCS.ensure(), storage_initializer.ensure(install=install_packages))


@pytest.fixture(scope="session")
def keys() -> Keys:
    return s3_pod.random_keys()


@pytest.fixture(scope="session")
def network(images: Images) -> Iterator[str]:  # noqa: ARG001  (the engine is there)
    """A network of docker for this session."""
    name = f"torchserve-kserve-storage-{uuid.uuid4().hex[:6]}"
    shell.output(["docker", "network", "create", leftovers.mark(), name])
    yield name
    shell.output(["docker", "network", "rm", name])


@pytest.fixture(scope="session")
def bucket(images: Images, keys: Keys, network: str) -> Iterator[S3]:
    """The S3 server, which the network knows as `s3`, with an empty bucket `models`, which has a host name of its own, too."""
    folders = [f"--tmpfs=/srv/{folder}:mode=0777" for folder in s3_pod.FOLDERS]
    container = shell.output([
        "docker", "run", "--detach", "--rm", leftovers.mark(), "--network", network, "--network-alias", s3_pod.NAME,
        "--network-alias", f"models.{s3_pod.NAME}", f"--env=VGW_VIRTUAL_DOMAIN={s3_pod.NAME}",
        "--read-only", "--user", "1000", "--cap-drop", "ALL", *folders, "--publish", f"127.0.0.1::{s3_pod.PORT}",
        # Not their values: a command line is what everybody may see, and what an error quotes.
        "--env=ROOT_ACCESS_KEY", "--env=ROOT_SECRET_KEY",
        "--entrypoint", s3_pod.PROGRAM, images.s3, *s3_pod.ARGUMENTS],
        env={"ROOT_ACCESS_KEY": keys.access, "ROOT_SECRET_KEY": keys.secret}).strip()
    try:
        client = S3(Route(f"http://127.0.0.1:{_published(container, s3_pod.PORT)}"), keys)
        wait_for("the S3 server to make a bucket", lambda: _has_made_bucket(client), seconds=SERVE_SECONDS)
        yield client
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", container])


@pytest.fixture(scope="session")
def gcs(images: Images, network: str) -> Iterator[Gcs]:
    """Google's storage server, which the network knows as `gcs`, with an empty bucket `models`."""
    container = shell.output([
        "docker", "run", "--detach", "--rm", leftovers.mark(), "--network", network, "--network-alias", gcs_pod.NAME,
        "--read-only", "--user", "1000", "--cap-drop", "ALL", "--publish", f"127.0.0.1::{gcs_pod.PORT}",
        "--entrypoint", gcs_pod.PROGRAM, images.gcs, *gcs_pod.arguments(f"{gcs_pod.NAME}:{gcs_pod.PORT}")]).strip()
    try:
        client = Gcs(Route(f"http://127.0.0.1:{_published(container, gcs_pod.PORT)}"))
        wait_for("Google's storage server to make a bucket", lambda: _has_made_bucket(client), seconds=SERVE_SECONDS)
        yield client
    finally:
        shell.output(["docker", "rm", "--force", "--volumes", container])


@pytest.fixture
def fetch(images: Images, keys: Keys, network: str, tmp_path: Path) -> Callable[..., Fetched]:
    """fetch(argument, …): the storage initializer in a container, with the keys in its environment; `secret` for another one."""
    tmp_path.chmod(0o777)  # the container's user writes it

    def run(*arguments: str, secret: str = keys.secret) -> Fetched:
        environment = {"AWS_ACCESS_KEY_ID": keys.access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION,
                       "AWS_ENDPOINT_URL": f"http://{s3_pod.NAME}:{s3_pod.PORT}"}
        done = subprocess.run(
            ["docker", "run", "--rm", leftovers.mark(), "--network", network, "--read-only", "--cap-drop", "ALL",
             "--security-opt", "no-new-privileges", "--volume", f"{tmp_path}:/mnt/models",
             *[f"--env={name}" for name in environment], images.initializer, *arguments],
            env={**os.environ, **environment}, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        return Fetched(done.returncode, done.stdout + done.stderr, tmp_path)
    return run


def _published(container: str, port: int) -> str:
    """The port of this machine that is the container's."""
    return shell.output(["docker", "port", container, f"{port}/tcp"]).split()[0].rsplit(":", 1)[1]


def _has_made_bucket(client: S3 | Gcs) -> bool:
    try:
        client.make_bucket("models")
    except OSError as error:
        raise Problem(str(error)) from error
    return True
