"""git, Hugging Face and Azure through KServe's storage library: git from a real server; of the others that URI, credentials, CA
and proxy arrive where their clients look."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.cluster.certificates import self_signed
from tests.seed.clouds import Amazon, Blobs, Git, Hub, Proxy
from tests.seed.server import HANDLER, mar, sha256

BERT, OTHER = mar(), mar(files={"handler.py": "# another"})
KEY = "c2VjcmV0LWtleS1vZi1henVyZQ=="


@pytest.fixture
def certificate(tmp_path) -> Path:
    file = tmp_path / "server.pem"
    file.write_bytes(b"".join(self_signed(["localhost", "acme.blob.core.windows.net"])))
    return file


@pytest.fixture
def git(running, tmp_path, certificate) -> Git:
    (tmp_path / "git").mkdir()
    return running(Git(tmp_path / "git", certificate))


def test_the_one_archive_of_a_git_repository(claim, seed, git, certificate):
    claim.wants(git.holds("one", {"README.md": b"#", "store/bert.mar": BERT}), storage=True, sha256=sha256(BERT))
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 0, result.everything
    assert (claim.root / "model-store/bert-0a1b2c3d.mar").read_bytes() == BERT


def test_of_several_archives_the_uri_names_one(claim, seed, git, certificate):
    uri = git.holds("two", {"a.mar": BERT, "store/b.mar": OTHER})
    claim.wants(uri, storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3 and "it leads to 2 files (a.mar, store/b.mar); add #PATH of the one to the uri" in result.err
    claim.wants(f"{uri}#store/b.mar", storage=True, sha256=sha256(OTHER))
    assert seed(TORCHSERVE_KSERVE_CA=str(certificate)).code == 0


def test_a_file_that_a_repository_does_not_have_is_said_with_what_it_has(claim, seed, git, certificate):
    claim.wants(git.holds("one", {"store/bert.mar": BERT}) + "#bert.mar", storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3 and "it leads to no file 'bert.mar', only to store/bert.mar; " in result.err


def test_a_pointer_of_git_lfs_is_no_model(claim, seed, git, certificate):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 1\n"
    claim.wants(git.holds("lfs", {"bert.mar": pointer}), storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3 and "it is only a pointer of Git LFS; give an https uri of the file itself" in result.err


def test_a_pointer_of_git_lfs_among_the_files_of_a_folder_is_said_by_its_name(claim, seed, server, git, certificate):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 1\n"
    folder = git.holds("lfs", {"vocab.txt": b"a b c", "weights/bert.pt": pointer})
    build = {"handler": {"uri": server.gives("/handler.py", HANDLER.encode())}, "extraFiles": [{"uri": folder, "storage": True}]}
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1.mar", "build": build}])
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3 and "weights/bert.pt is only a pointer of Git LFS; " in result.err, result.everything


def test_a_link_in_a_repository_leads_nowhere(claim, seed, git, certificate, tmp_path):
    (tmp_path / "secret.mar").write_bytes(BERT)
    (tmp_path / "git/link-work").mkdir(parents=True)
    (tmp_path / "git/link-work/bert.mar").symlink_to(tmp_path / "secret.mar")
    claim.wants(git.holds("link", {"README.md": b"#"}) + "#bert.mar", storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3 and "it leads to no file 'bert.mar', only to README.md; " in result.err


def test_git_takes_name_and_password_from_the_environment(claim, seed, git, certificate):
    git.login = ("ann", "pass-word-of-ann")
    claim.wants(git.holds("private", {"bert.mar": BERT}), storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate), GIT_USERNAME="ann", GIT_PASSWORD="pass-word-of-ann")
    assert result.code == 0, result.everything
    assert "pass-word-of-ann" not in result.everything


def test_git_that_refuses_is_said_without_the_password(claim, seed, git, certificate):
    git.login = ("ann", "pass-word-of-ann")
    claim.wants(git.holds("private", {"bert.mar": BERT}), storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate), GIT_USERNAME="ann", GIT_PASSWORD="a-wrong-password")
    assert result.code == 4 and "Git authentication failed" in result.err, result.everything
    assert "a-wrong-password" not in result.everything


def test_a_git_server_whose_certificate_nobody_trusts(claim, seed, git):
    claim.wants(git.holds("one", {"bert.mar": BERT}), storage=True)
    result = seed()
    assert result.code == 10 and "certificate" in result.err.lower(), result.everything


def test_a_git_repository_that_does_not_exist(claim, seed, git, certificate):
    claim.wants(git.url("nothing"), storage=True)
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 3, result.everything


def test_hugging_face_sends_the_archive_alone_of_a_repository(claim, seed, running):
    hub = running(Hub({"README.md": b"#", "weights.bin": b"0" * 1000, "bert.mar": BERT}))
    claim.wants("hf://acme/bert:v1", sha256=sha256(BERT))
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 0, result.everything
    paths = [path for _, path, _ in hub.requests]
    assert any("/revision/v1" in path for path in paths) and not any("weights.bin" in path for path in paths)


def test_a_named_file_of_a_repository_is_the_only_one_sent(claim, seed, running):
    hub = running(Hub({"a.mar": BERT, "store/b.mar": OTHER}))
    claim.wants("hf://acme/bert#store/b.mar", sha256=sha256(OTHER))
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 0, result.everything
    assert not any("a.mar" in path for _, path, _ in hub.requests)


def test_what_a_uri_cannot_hold_in_a_name_is_written_with_percent_signs(claim, seed, running):
    hub = running(Hub({"my model [1].mar": BERT, "my model 1.mar": OTHER}))
    claim.wants("hf://acme/bert#my%20model%20[1].mar", sha256=sha256(BERT))
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 0, result.everything


def test_a_token_opens_a_gated_repository_and_is_not_printed(claim, seed, running):
    hub = running(Hub({"bert.mar": BERT}, token="hf_secret_token_1"))
    claim.wants("hf://acme/bert")
    refused = seed(HF_ENDPOINT=hub.endpoint, HF_TOKEN="hf_wrong_token_2")
    assert refused.code == 4 and "Set HF_TOKEN or request access to the gated repository" in refused.err, refused.everything
    result = seed(HF_ENDPOINT=hub.endpoint, HF_TOKEN="hf_secret_token_1")
    assert result.code == 0, result.everything
    assert "hf_" not in (refused.everything + result.everything).replace("HF_TOKEN", "")


def test_a_repository_that_does_not_exist_is_not_found(claim, seed, running):
    hub = running(Hub({}))
    claim.wants("hf://acme/gpt")
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 3 and "Repository Not Found" in result.err and "authentication" not in result.err


def test_a_hub_that_does_not_answer_is_unreachable(claim, seed):
    claim.wants("hf://acme/bert")
    result = seed(HF_ENDPOINT="http://127.0.0.1:1")
    assert result.code == 5 and "trying again in" in result.out, result.everything


def test_a_uri_that_the_library_does_not_take_is_the_plans_fault(claim, seed):
    claim.wants("hf://acme/bert/weights.bin")
    result = seed()
    assert result.code == 2 and "Expected 'hf://owner/model[:revision]'" in result.err


def test_the_whole_of_a_repository_is_packed_beside_a_handler(claim, seed, running, server):
    hub = running(Hub({"config.json": b"{}", "model.safetensors": b"0" * 1000, ".gitattributes": b"*"}))
    build = {"format": "no-archive", "handler": {"uri": server.gives("/handler.py", b"def handle(data, context): ...\n")},
             "extraFiles": [{"uri": "hf://acme/bert"}]}
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1", "build": build}])
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 0, result.everything
    names = ["MAR-INF/MANIFEST.json", "config.json", "handler.py", "model.safetensors"]
    assert claim.files == [f"model-store/bert-1/{name}" for name in names]


def test_two_parts_with_a_file_of_one_name_are_refused(claim, seed, running, server):
    hub = running(Hub({"config.json": b"{}", "model.safetensors": b"0" * 1000}))
    build = {"handler": "text_classifier", "extraFiles": [{"uri": server.gives("/config.json", b"[]")}, {"uri": "hf://acme/bert"}]}
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1.mar", "build": build}])
    result = seed(HF_ENDPOINT=hub.endpoint)
    assert result.code == 7 and "torch-model-archiver: two parts have a file config.json; " in result.err, result.everything


def test_a_git_repository_may_be_packed_whole(claim, seed, git, certificate):
    part = {"uri": git.holds("files", {"a.txt": b"a", "b.txt": b"b"}), "storage": True}
    build = {"format": "no-archive", "handler": "text_classifier", "extraFiles": [part]}
    claim.writes([{"model": "bert", "version": "1.0", "path": "model-store/bert-1", "build": build}])
    result = seed(TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 0, result.everything
    assert claim.files == [f"model-store/bert-1/{name}" for name in ("MAR-INF/MANIFEST.json", "a.txt", "b.txt")]


def test_azure_by_its_account_key_through_a_proxy_and_with_a_ca_of_our_own(claim, seed, running, certificate):
    blobs = running(Blobs({"store/bert.mar": BERT, "store/readme.txt": b"#"}, certificate))
    proxy = running(Proxy(blobs.port))
    claim.wants("https://acme.blob.core.windows.net/models/store/bert.mar", storage=True, sha256=sha256(BERT))
    result = seed(AZURE_STORAGE_ACCESS_KEY=KEY, HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
                  TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 0, result.everything
    assert next(path for _, path, _ in proxy.requests) == "acme.blob.core.windows.net:443"
    assert all(headers["Authorization"].startswith("SharedKey acme:") for _, _, headers in blobs.requests)
    assert KEY not in result.everything


def test_azure_without_credentials_asks_as_anyone(claim, seed, running, certificate):
    blobs = running(Blobs({"store/bert.mar": BERT}, certificate))
    proxy = running(Proxy(blobs.port))
    claim.wants("https://acme.blob.core.windows.net/models/store/", storage=True)
    result = seed(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}", TORCHSERVE_KSERVE_CA=str(certificate))
    assert result.code == 0, result.everything
    assert not any("Authorization" in headers for _, _, headers in blobs.requests)


def test_the_identity_of_a_service_account_becomes_keys_of_amazons(claim, seed, running, tmp_path):
    """The two variables and the token are what Amazon's webhook gives a pod whose service account has a role (IRSA)."""
    amazon = running(Amazon())
    (tmp_path / "token").write_text("token-of-the-service-account")
    claim.wants("s3://models/bert.mar")
    here = f"http://127.0.0.1:{amazon.port}"
    result = seed(AWS_ROLE_ARN="arn:aws:iam::123456789012:role/seed", AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
                  AWS_DEFAULT_REGION="eu-central-1", AWS_ENDPOINT_URL=here, AWS_ENDPOINT_URL_STS=here)
    assert result.code == 3 and "not found" in result.err.lower(), result.everything
    assert amazon.asked["RoleArn"] == ["arn:aws:iam::123456789012:role/seed"]
    assert amazon.asked["WebIdentityToken"] == ["token-of-the-service-account"]
    (headers,) = [headers for method, _, headers in amazon.requests if method == "HEAD"]
    assert f"Credential={Amazon.KEYS[0]}/" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == Amazon.KEYS[2]
