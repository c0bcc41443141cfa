"""`nox -s package`: options that don't fit are refused before anything is made."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from ci import package
from ci.cluster.errors import Problem


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """asked(option, …): the sentence with which the command is refused; nothing is made, and the former package stays."""
    former = tmp_path / "package" / "torchserve-kserve-0.0.1.tgz"
    former.parent.mkdir()
    former.write_text("former")
    monkeypatch.setattr(package, "OUT", former.parent)
    monkeypatch.setattr(package, "build", lambda *_: pytest.fail("it was made"))

    def ask(*options: str) -> str:
        parser = argparse.ArgumentParser()
        package.add_options(parser)
        with pytest.raises(Problem) as caught:
            package.run(parser.parse_args(options))
        assert [file.name for file in tmp_path.rglob("*") if file.is_file() and file != tmp_path / "index.yaml"] == [former.name]
        assert "\n" not in str(caught.value)
        return str(caught.value)
    return ask


@pytest.mark.parametrize(("options", "said"), [
    ("--index index.yaml", "--index needs --url: write the URL below which the package will be served"),
    ("--url charts.example.com", "--url charts.example.com is no URL of a repository: write one that begins with https://"),
    ("--docs-url docs.example.com", "--docs-url docs.example.com is no URL: write the one below which docs/ of this repository"),
    ("--push registry.example.com/charts", "--push registry.example.com/charts is no registry: write oci://HOST/PATH."),
    ("--push oci:///charts", "--push oci:///charts is no registry: write oci://HOST/PATH."),
    ("--keyring ring.gpg", "--keyring and --passphrase-file need --sign: name the key to sign with."),
    ("--sign me --keyring nowhere.gpg", "nowhere.gpg is no file: mend the path."),
    ("--sign me --passphrase-file nowhere", "nowhere is no file: mend the path."),
])
def test_options_that_do_not_fit_are_refused(asked: Callable[..., str], options: str, said: str) -> None:
    assert asked(*options.split()).startswith(said)


def test_without_gpg_the_sentence_says_what_to_do(asked: Callable[..., str], tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked("--sign", "me") == ("The package can't be signed as me, because gpg is not installed: install it, or give the "
                                     "exported secret key with --keyring FILE.")
