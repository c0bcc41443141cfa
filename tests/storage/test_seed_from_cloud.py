"""The seed program in the image of KServe's storage library, as its Job runs it, against real servers of cloud storage."""

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import gcs_pod, s3_pod
from ci.cluster import shell
from ci.cluster.paths import CHART
from ci.gcs_client import Gcs
from ci.s3_client import REGION, S3, Keys
from tests import leftovers
from tests.seed.claim import Claim, Result
from tests.seed.server import HANDLER, mar, sha256
from tests.storage.conftest import FETCH_SECONDS
from tests.storage.containers import Images
from tests.unit.render import render_chart

BERT, OTHER = mar(), mar(files={"handler.py": "# another"})
BIG = mar(files={"handler.py": "#", "weights": os.urandom(10_000_000).hex()})
PUBLIC = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": ["arn:aws:s3:::public", "arn:aws:s3:::public/*"]}]}
Seed = Callable[..., Result]


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    found = Claim(tmp_path)
    found.root.chmod(0o777)  # the container's user writes it
    return found


@pytest.fixture
def volumes() -> list[str]:
    """Options for `docker run`, which a test may add to."""
    return []


@pytest.fixture
def seed(claim: Claim, images: Images, keys: Keys, network: str, volumes: list[str]) -> Seed:
    """seed(): a run over the claim in the storage library's image; keywords change its environment."""
    def run(*more: str, **changed: str | None) -> Result:
        given = {"AWS_ACCESS_KEY_ID": keys.access, "AWS_SECRET_ACCESS_KEY": keys.secret, "AWS_DEFAULT_REGION": REGION,
                 "AWS_EC2_METADATA_DISABLED": "true",  # the machine of these tests may be one of Amazon's
                 "AWS_ENDPOINT_URL": f"http://{s3_pod.NAME}:{s3_pod.PORT}",
                 "STORAGE_EMULATOR_HOST": f"http://{gcs_pod.NAME}:{gcs_pod.PORT}", **changed}
        environment = {name: value for name, value in given.items() if value is not None}
        done = subprocess.run(
            ["docker", "run", "--rm", leftovers.mark(), "--network", network, "--read-only", "--cap-drop", "ALL",
             "--security-opt", "no-new-privileges", "--tmpfs", "/tmp", "--volume", f"{claim.root}:/mnt/models",
             "--volume", f"{CHART / 'files'}:/opt/seed:ro", "--volume", f"{claim.plan}:/opt/plan.json:ro",
             *volumes, *[f"--env={name}" for name in environment], "--entrypoint", "python3", images.initializer,
             "/opt/seed/seed.py", "--plan", "/opt/plan.json", "--destination", "/mnt/models", "--attempts", "1", *more],
            env={**os.environ, **environment}, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        result = Result(done.returncode, done.stdout, done.stderr)
        assert keys.secret not in result.everything
        return result
    return run


@pytest.fixture(scope="session")
def s3_models(bucket: S3) -> S3:
    """The bucket `models` of the S3 server with models in folders."""
    for name, content in {"one/bert.mar": BERT, "one/readme.txt": b"about it", "two/a.mar": BERT, "two/b.mar": OTHER,
                          "none/readme.txt": b"nothing here", "big/bert.mar": BIG, "page/bert.mar": b"<html>"}.items():
        bucket.put("models", f"seed/{name}", content)
    return bucket


@pytest.fixture(scope="session")
def gcs_models(gcs: Gcs) -> Gcs:
    """The same on Google's server."""
    for name, content in {"one/bert.mar": BERT, "two/a.mar": BERT, "two/b.mar": OTHER, "none/readme.txt": b"nothing here",
                          "big/bert.mar": BIG}.items():
        gcs.put("models", f"seed/{name}", content)
    return gcs


@pytest.fixture(params=["s3", "gs"])
def scheme(request: pytest.FixtureRequest, s3_models: S3, gcs_models: Gcs) -> str:  # noqa: ARG001  (they are there)
    """Of each server that has the models."""
    return request.param


@pytest.mark.parametrize("path", ["one/bert.mar", "one/"])
def test_an_object_or_a_folder_with_one_archive_is_on_the_claim(claim: Claim, seed: Seed, scheme: str, path: str) -> None:
    claim.wants(f"{scheme}://models/seed/{path}", sha256=sha256(BERT))
    result = seed()
    assert result.code == 0, result.everything
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == BERT
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").stat().st_mode & 0o777 == 0o644
    assert claim.marker.exists() and claim.parts == []


def test_a_second_run_needs_no_server(claim: Claim, seed: Seed, scheme: str) -> None:
    claim.wants(f"{scheme}://models/seed/one/bert.mar")
    seed()
    result = seed(AWS_ENDPOINT_URL="http://127.0.0.1:1", STORAGE_EMULATOR_HOST="http://127.0.0.1:1")
    assert result.code == 0 and "bert: kept model-store/bert-0a1b2c3d.mar" in result.out


def test_the_progress_of_a_large_archive_is_told(claim: Claim, seed: Seed, scheme: str) -> None:
    claim.wants(f"{scheme}://models/seed/big/bert.mar")
    result = seed("--progress-seconds", "0")
    assert result.code == 0, result.everything
    assert re.search(r"seed: bert: bert\.mar: [\d,]+ bytes, [\d.]+ MB/s", result.out)


def test_of_several_archives_one_must_be_named(claim: Claim, seed: Seed, scheme: str) -> None:
    claim.wants(f"{scheme}://models/seed/two/")
    result = seed()
    assert result.code == 3
    assert result.err == (f"seed: bert: {scheme}://models/seed/two/: it leads to 2 files (a.mar, b.mar); "
                          "add #PATH of the one to the uri\n")


def test_the_named_one_is_taken(claim: Claim, seed: Seed, scheme: str) -> None:
    claim.wants(f"{scheme}://models/seed/two/#b.mar", sha256=sha256(OTHER))
    result = seed()
    assert result.code == 0, result.everything


def test_a_folder_without_an_archive_says_so(claim: Claim, seed: Seed, scheme: str) -> None:
    claim.wants(f"{scheme}://models/seed/none/")
    result = seed()
    assert result.code == 3 and "No model found in " in result.err, result.everything
    assert claim.files == [] and claim.parts == [] and not claim.marker.exists()


@pytest.mark.parametrize("uri", ["models/seed/nothing.mar", "nowhere/bert.mar"])
def test_what_is_not_there_is_not_found(claim: Claim, seed: Seed, scheme: str, uri: str) -> None:
    claim.wants(f"{scheme}://{uri}")
    result = seed()
    assert result.code == 3, result.everything
    (line,) = result.err.splitlines()
    assert line.startswith(f"seed: bert: {scheme}://{uri}: ") and "correct the model's uri" in line


def test_a_server_that_does_not_answer_is_unreachable(claim: Claim, seed: Seed, s3_models: S3) -> None:  # noqa: ARG001
    claim.wants("s3://models/seed/one/bert.mar")
    result = seed(AWS_ENDPOINT_URL="http://127.0.0.1:1", S3_MAX_ATTEMPTS="1")
    assert result.code == 5
    assert 'Could not connect to the endpoint URL: "http://127.0.0.1:1/models"; check the server, its name, ' in result.err


def test_a_wrong_secret_key_is_a_refusal(claim: Claim, seed: Seed, s3_models: S3) -> None:  # noqa: ARG001
    claim.wants("s3://models/seed/one/bert.mar")
    result = seed(AWS_SECRET_ACCESS_KEY="not-the-right-one")
    assert result.code == 4 and "S3 error [403]: Forbidden" in result.err and "check the credentials" in result.err
    assert "not-the-right-one" not in result.everything
    assert claim.error.read_text() == result.err


def test_no_credentials_are_a_refusal(claim: Claim, seed: Seed, s3_models: S3) -> None:  # noqa: ARG001
    claim.wants("s3://models/seed/one/bert.mar")
    result = seed(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert result.code == 4 and "S3 authentication failed" in result.err and "Unable to locate credentials" in result.err


def test_a_public_bucket_needs_no_credentials(claim: Claim, seed: Seed, bucket: S3) -> None:
    bucket.make_bucket("public")
    bucket.put("public", "bert.mar", BERT)
    bucket.allow("public", json.dumps(PUBLIC))
    claim.wants("s3://public/bert.mar")
    result = seed(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, awsAnonymousCredential="true")
    assert result.code == 0, result.everything


@pytest.mark.parametrize("path", ["one/bert.mar", "one/"])
def test_a_bucket_is_named_in_the_host_where_that_is_wanted(claim: Claim, seed: Seed, s3_models: S3, path: str) -> None:  # noqa: ARG001
    claim.wants(f"s3://models/seed/{path}", sha256=sha256(BERT))
    result = seed(S3_USER_VIRTUAL_BUCKET="true", S3_MAX_ATTEMPTS="1")
    assert result.code == 0, result.everything


def test_the_host_of_a_bucket_is_the_one_that_is_asked(claim: Claim, seed: Seed, s3_models: S3) -> None:  # noqa: ARG001
    claim.wants("s3://nowhere/bert.mar")
    result = seed(S3_USER_VIRTUAL_BUCKET="true", S3_MAX_ATTEMPTS="1")
    assert result.code == 5 and f'"http://nowhere.{s3_pod.NAME}:{s3_pod.PORT}/' in result.err, "no such host here; " + result.err


def test_weights_from_the_cloud_are_packed_with_the_tool_that_the_chart_hands_on(
        claim: Claim, seed: Seed, s3_models: S3, runtime_image: str, volumes: list[str], tmp_path: Path) -> None:
    """The storage library's image has no torch-model-archiver; the chart's init container brings that of the runtime's image."""
    s3_models.put("models", "seed/code/handler.py", HANDLER.encode())
    build = {"handler": {"uri": "s3://models/seed/code/handler.py"}, "serializedFile": {"uri": "s3://models/seed/big/bert.mar"}}
    pod = next(item for item in render_chart({"models": {"bert": {"build": {
        "handler": "s3://models/seed/code/handler.py", "serializedFile": "s3://models/seed/big/bert.mar"}}}})
        if item["kind"] == "Job")["spec"]["template"]["spec"]
    (archiver,), (main,) = pod["initContainers"], pod["containers"]
    folder = tmp_path / "archiver"
    folder.mkdir()
    folder.chmod(0o777)
    shell.output(["docker", "run", "--rm", leftovers.mark(), "--network", "none", "--volume", f"{folder}:/archiver",
                  "--entrypoint", archiver["command"][0], runtime_image, *archiver["command"][1:]])
    volumes += ["--volume", f"{folder}:/archiver:ro"]
    (path,) = [entry["value"] for entry in main["env"] if entry["name"] == "PYTHONPATH"]
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1.mar", "build": build}])
    assert seed().code == 11, "without it"
    result = seed(PYTHONPATH=path)
    assert result.code == 0, result.everything
    with zipfile.ZipFile(claim.root / "model-store/bert-1.mar") as archive:
        assert archive.read("bert.mar") == BIG


def test_a_wrong_hash_and_a_page_are_refused_like_those_of_any_source(claim: Claim, seed: Seed, s3_models: S3) -> None:  # noqa: ARG001
    claim.wants("s3://models/seed/one/bert.mar", sha256="ab" * 32)
    assert seed().code == 6
    claim.wants("s3://models/seed/page/bert.mar")
    result = seed()
    assert result.code == 7 and "it is not a whole zip file (it looks like a web page; a login?)" in result.err
    assert claim.files == [] and claim.parts == []
