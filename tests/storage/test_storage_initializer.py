"""KServe's storage initializer fetches from a real S3 server, and says in its log what it did or why it could not."""

from collections.abc import Callable

import pytest

from ci.cluster import shell
from ci.s3_client import S3
from tests.storage.containers import Fetched, Images

MODEL = {"config/config.properties": b"inference_address=http://0.0.0.0:8085\n", "model-store/bert.mar": bytes(range(256)) * 4096}
DESTINATION = "/mnt/models"


@pytest.fixture(scope="module")
def stored(bucket: S3) -> dict[str, bytes]:
    """The files of a model below s3://models/bert, and another model whose name begins alike."""
    for name, content in MODEL.items():
        bucket.put("models", f"bert/{name}", content)
    bucket.put("models", "bert-old/config/config.properties", b"another model's")
    return MODEL


def test_a_folder_is_fetched_whole(stored: dict[str, bytes], fetch: Callable[..., Fetched]) -> None:
    done = fetch("s3://models/bert/", DESTINATION)
    assert done.status == 0, done.log
    assert done.files() == stored


def test_the_log_tells_the_arguments_and_the_success(stored: dict[str, bytes], fetch: Callable[..., Fetched]) -> None:  # noqa: ARG001
    log = fetch("s3://models/bert/", DESTINATION).log
    assert "Initializing, args" in log
    assert f"Successfully copied s3://models/bert/ to {DESTINATION}" in log
    assert "ERROR" not in log


def test_without_a_slash_at_its_end_a_uri_also_names_what_begins_alike(
        stored: dict[str, bytes], fetch: Callable[..., Fetched]) -> None:
    done = fetch("s3://models/bert", DESTINATION)
    assert done.status == 0, done.log
    assert done.files() == stored | {"-old/config/config.properties": b"another model's"}


def test_each_source_goes_to_its_own_destination(stored: dict[str, bytes], fetch: Callable[..., Fetched]) -> None:
    done = fetch("s3://models/bert/config", f"{DESTINATION}/settings", "s3://models/bert/model-store", f"{DESTINATION}/store")
    assert done.status == 0, done.log
    assert done.files() == {"settings/config.properties": stored["config/config.properties"],
                            "store/bert.mar": stored["model-store/bert.mar"]}


@pytest.mark.parametrize(("source", "sentence"), [
    ("s3://nowhere/bert", "S3 resource 'nowhere' not found."), ("s3://models/nothing/", "No model found in nothing/")])
def test_what_is_not_there_ends_with_a_sentence(source: str, sentence: str, stored: dict[str, bytes],  # noqa: ARG001
                                                fetch: Callable[..., Fetched]) -> None:
    done = fetch(source, DESTINATION)
    assert done.status == 1
    assert sentence in done.log.strip().splitlines()[-1]
    assert done.files() == {}


def test_wrong_credentials_end_with_a_sentence(stored: dict[str, bytes], fetch: Callable[..., Fetched]) -> None:  # noqa: ARG001
    done = fetch("s3://models/bert/", DESTINATION, secret="wrong")
    assert done.status == 1
    assert "S3 error [403]: Forbidden" in done.log.strip().splitlines()[-1]


def test_a_source_without_a_destination_ends_with_an_error(fetch: Callable[..., Fetched]) -> None:
    assert fetch("s3://models/bert/").status == 1


def test_the_image_user_is_a_number_other_than_root(images: Images) -> None:
    # Kubernetes refuses runAsNonRoot for a name: it cannot know whose it is
    user = shell.output(["docker", "image", "inspect", "--format", "{{.Config.User}}", images.initializer]).strip()
    assert user.isdigit()
    assert int(user) > 0
