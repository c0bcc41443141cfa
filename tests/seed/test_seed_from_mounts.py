"""configMap://, pvc:// and oci://: what the pod has mounted, and one sentence for each thing that is not there."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.seed.server import mar, sha256

IMAGE = "registry.example/models/bert:1.0@sha256:" + "ab" * 32


@pytest.fixture
def store(claim) -> Path:
    """The mounted claim `old-models`, with a model archive."""
    folder = claim.mounts / "pvc/old-models/store"
    folder.mkdir(parents=True)
    (folder / "bert.mar").write_bytes(mar())
    return folder


def in_image(claim, path: str) -> Path:
    """The file at this path of the image, as the chart's init container puts it there."""
    file = claim.mounts / "oci" / hashlib.sha256(IMAGE.encode()).hexdigest()[:10] / path.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(mar())
    return file


def test_a_file_on_another_claim_is_a_source(claim, store):
    claim.wants("pvc://old-models/store/bert.mar", sha256=sha256(mar()))
    result = claim.seed()
    assert result.code == 0, result.everything
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == mar()
    assert (store / "bert.mar").exists(), "it is copied, not moved"


def test_a_file_name_that_a_uri_cannot_hold_is_written_with_percent_signs(claim, store):
    (store / "bert.mar").rename(store / "bert large (1).mar")
    claim.wants("pvc://old-models/store/bert%20large%20(1).mar")
    assert claim.seed().code == 0


def test_a_percent_sign_in_a_file_name_may_be_written_as_it_is(claim, store):
    (store / "bert.mar").rename(store / "bert%20.mar")
    claim.wants("pvc://old-models/store/bert%20.mar")
    assert claim.seed().code == 0


@pytest.mark.parametrize("path", ["/models/bert.mar", "models/bert.mar"])
def test_a_file_in_an_image_is_a_source(claim, path):
    in_image(claim, path)
    claim.wants(f"oci://{IMAGE}#{path}")
    result = claim.seed()
    assert result.code == 0, result.everything
    assert claim.files == ["model-store/bert-0a1b2c3d.mar"]


def test_a_file_that_lies_elsewhere_on_the_claim_is_named(claim, store):  # noqa: ARG001
    claim.wants("pvc://old-models/bert.mar")
    result = claim.seed()
    assert result.code == 3
    assert result.err == ("seed: bert: pvc://old-models/bert.mar: claim old-models has no bert.mar, but it has store/bert.mar; "
                          "correct the model's uri, or put the file there\n")


def test_what_is_there_is_said_where_nothing_has_that_name(claim, store):
    (store.parent / "notes").mkdir()
    claim.wants("pvc://old-models/store/other.mar")
    assert "claim old-models has no store/other.mar (at its top: notes, store); " in claim.seed().err


def test_an_empty_claim_is_said(claim):
    (claim.mounts / "pvc/old-models").mkdir(parents=True)
    claim.wants("pvc://old-models/bert.mar")
    assert "claim old-models has no bert.mar (it is empty); " in claim.seed().err


def test_a_claim_that_is_not_mounted_is_said(claim):
    claim.wants("pvc://old-models/bert.mar")
    result = claim.seed()
    assert result.code == 3 and "claim old-models is not mounted here; " in result.err


def test_a_folder_is_said_to_be_one(claim, store):  # noqa: ARG001
    claim.wants("pvc://old-models/store")
    result = claim.seed()
    assert result.code == 3 and "store on claim old-models is a folder; name the file itself\n" in result.err


def test_a_file_that_is_missing_in_an_image_is_said_with_both(claim):
    """Only what is asked for is ever copied out of an image: what else was copied says nothing about what the image has."""
    in_image(claim, "models/bert.mar")
    claim.wants(f"oci://{IMAGE}#/models/gpt.mar")
    result = claim.seed()
    assert result.code == 3
    assert result.err == (f"seed: bert: oci://{IMAGE}#/models/gpt.mar: image {IMAGE} has no file /models/gpt.mar that uid "
                          f"{os.getuid()} may read, or no sh, cp, mv and mkdir to hand it on; correct the model's uri, or put "
                          "the file there\n")


def test_a_link_that_leads_out_of_the_claim_is_not_followed(claim, store, tmp_path):
    (tmp_path / "outside.mar").write_bytes(mar())
    (store / "out.mar").symlink_to(tmp_path / "outside.mar")
    for path in ("store/out.mar", "store/../../../../outside.mar"):
        claim.wants(f"pvc://old-models/{path}")
        result = claim.seed()
        assert result.code == 3 and f"{path} leads out of claim old-models; " in result.err


def test_a_link_inside_the_claim_is_followed(claim, store):
    (store / "latest.mar").symlink_to("bert.mar")
    claim.wants("pvc://old-models/store/latest.mar")
    assert claim.seed().code == 0


def test_a_file_that_may_not_be_read_says_for_whom(claim, store):
    (store / "bert.mar").chmod(0)
    claim.wants("pvc://old-models/store/bert.mar")
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    done = subprocess.run([*powerless, *claim.command()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and f"uid {os.getuid()} may not read it (Permission denied); " in done.stderr, done.stderr


def test_a_file_larger_than_the_volume_is_refused_before_it_is_copied(claim, store):
    with (store / "bert.mar").open("wb") as file:
        file.truncate(1 << 43)  # takes no room: a hole
    claim.wants("pvc://old-models/store/bert.mar")
    result = claim.seed()
    assert result.code == 8 and f"it needs {1 << 43:,} bytes, the volume has " in result.err
