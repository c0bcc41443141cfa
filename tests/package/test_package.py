"""What `nox -s package` makes: the same bytes for the same tree, only what belongs in it, a signature that helm verifies."""

import argparse
import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ci import package as packages
from ci.cluster import shell
from ci.cluster.paths import CHART, REPOSITORY
from tests.package.conftest import UID
from tests.repository import served
from tests.unit.cases import CASES

Run = Callable[..., str]
STRAYS = ("ci/x-values.yaml", "files/__pycache__/seed.cpython-311.pyc", ".DS_Store", "values.yaml.orig", ".git/config",
          "templates/.x.swp", ".pytest_cache/x", ".idea/x", "notes.bak", "x.tgz", "x.tgz.prov")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: dict[int, Path]) -> Callable[..., Path]:  # noqa: ARG001
    """command(option, …): the folder with what the command made."""
    monkeypatch.setattr(packages, "OUT", tmp_path / "out" / "package")
    monkeypatch.setattr(packages, "REPOSITORY", tmp_path)

    def run(*options: str) -> Path:
        parser = argparse.ArgumentParser()
        packages.add_options(parser)
        packages.run(parser.parse_args(options))
        return packages.OUT
    return run


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The chart with a file more, packed."""
    chart = shutil.copytree(CHART, tmp_path / "other" / CHART.name)
    (chart / "files" / "more.txt").write_text("more\n")
    (tmp_path / "packed").mkdir()
    return packages.build(chart, tmp_path / "packed")


def test_the_same_tree_makes_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / CHART.name, copy_function=shutil.copyfile)  # other times, other modes
    for number, file in enumerate(sorted(chart.rglob("*"))):
        os.utime(file, (10**9 + number, 10**9 + number))
    (tmp_path / "packed").mkdir()
    assert packages.build(chart, tmp_path / "packed").read_bytes() == packed.read_bytes()


def test_it_holds_what_git_has_of_the_chart_but_what_helmignore_names(packed: Path) -> None:
    tracked = shell.output(["git", "ls-files", "--cached", "--others", "--exclude-standard", "."], cwd=CHART).split()
    wanted = {f"{CHART.name}/{file}" for file in tracked if not file.startswith("ci/")}
    with tarfile.open(packed) as archive:
        found = set(archive.getnames())
    assert found == wanted
    assert {f"{CHART.name}/{file}" for file in ("values.schema.json", "LICENSE", "README.md", ".helmignore")} <= found


def test_what_does_not_belong_in_it_is_left_out(packed: Path, tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / CHART.name)
    for stray in STRAYS:
        (chart / stray).parent.mkdir(parents=True, exist_ok=True)
        (chart / stray).write_text("x")
    (tmp_path / "packed").mkdir()
    assert packages.build(chart, tmp_path / "packed").read_bytes() == packed.read_bytes()


def test_its_name_and_version_are_the_charts_and_helm_reads_it(helm: Run, packed: Path) -> None:
    metadata = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert packed.name == f"{metadata['name']}-{metadata['version']}.tgz"
    assert yaml.safe_load(helm("show", "chart", str(packed))) == metadata
    assert helm("show", "readme", str(packed)).strip() == packages.readme((CHART / "README.md").read_text()).strip()


def links(text: str) -> list[str]:
    """Where the links of a page lead, those within it left out."""
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("#")]


def test_its_readme_has_no_link_out_of_the_package(helm: Run, packed: Path) -> None:
    shown = helm("show", "readme", str(packed))
    own = [link for link in links((CHART / "README.md").read_text()) if "://" not in link]
    pages = [link.removeprefix("../../").partition("#")[0] for link in own]
    assert len(set(pages)) >= 10
    assert [link for link in links(shown) if not link.startswith("https://")] == []
    assert "../" not in shown and "charts/torchserve-kserve" not in shown
    assert [page for page in pages if f"`{page}`" not in shown] == []


def test_its_readme_links_to_where_the_publisher_has_the_pages(command: Callable[..., Path], helm: Run) -> None:
    (package,) = command("--docs-url", "https://git.example.com/serving/blob/v1/").iterdir()
    shown = helm("show", "readme", str(package))
    assert "(https://git.example.com/serving/blob/v1/docs/seeding.md)" in shown
    assert "(https://git.example.com/serving/blob/v1/docs/configuration.md#several-versions-of-a-model)" in shown
    assert [link for link in links(shown) if not link.startswith("https://")] == []


def test_a_signed_one_is_verified_by_both_helms(helm: Run, command: Callable[..., Path], keys: Path, packed: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keys))
    (package, signature) = sorted(command("--sign", "packager@example.com").iterdir())
    assert package.read_bytes() == packed.read_bytes()
    assert signature.name == f"{package.name}.prov"
    said = helm("verify", str(package), "--keyring", str(keys / "public.gpg"))
    assert f"Signed by: {UID}" in said
    assert hashlib.sha256(packed.read_bytes()).hexdigest() in said


def test_an_exported_key_needs_no_gpg(command: Callable[..., Path], keys: Path, monkeypatch: pytest.MonkeyPatch,
                                      tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    made = command("--sign", UID, "--keyring", str(keys / "secret.gpg"))
    assert [file.suffix for file in sorted(made.iterdir())] == [".tgz", ".prov"]


def test_a_key_that_gpg_lacks_is_named_and_nothing_is_made(command: Callable[..., Path], keys: Path, refused: Callable[..., str],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keys))
    assert "gpg has no secret key for nobody@example.com" in refused(command, "--sign", "nobody@example.com")
    assert not packages.OUT.exists()


def test_a_keyring_without_the_key_is_told(command: Callable[..., Path], keys: Path, refused: Callable[..., str]) -> None:
    said = refused(command, "--sign", "nobody@example.com", "--keyring", str(keys / "secret.gpg"))
    assert said.startswith("The package can't be made") and "private key not found" in said
    assert not packages.OUT.exists()


def test_a_key_with_a_passphrase_signs_with_a_file_that_holds_it(command: Callable[..., Path], keys: Path, tmp_path: Path,
                                                                 refused: Callable[..., str],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keys))
    (tmp_path / "passphrase").write_text("open sesame\n")
    locked = "Locked <locked@example.com>"
    shell.output(["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase-file", str(tmp_path / "passphrase"),
                  "--quick-generate-key", locked, "rsa2048", "sign", "never"])
    assert len(list(command("--sign", locked, "--passphrase-file", str(tmp_path / "passphrase")).iterdir())) == 2
    shell.output(["gpgconf", "--kill", "gpg-agent"])  # it remembers
    (tmp_path / "passphrase").write_text("wrong\n")
    said = refused(command, "--sign", locked, "--passphrase-file", str(tmp_path / "passphrase"))
    assert f"gpg does not hand out the secret key of {locked}; if it has a passphrase, give the right one" in said
    assert len(list(packages.OUT.iterdir())) == 2, "the former package stays"
    assert "if it has a passphrase" in refused(command, "--sign", locked)


def test_an_index_is_kept_and_gets_the_package(command: Callable[..., Path], tmp_path: Path, packed: Path) -> None:
    def row(name: str, version: str) -> dict[str, object]:
        return {"apiVersion": "v2", "name": name, "version": version, "digest": "a" * 64, "urls": [f"{name}.tgz"]}

    old = {"apiVersion": "v1", "generated": "2026-01-01T00:00:00Z", "entries": {
        "torchserve-kserve": [row("torchserve-kserve", "0.0.9")], "other": [row("other", "1.0.0")]}}
    (tmp_path / "index.yaml").write_text(yaml.safe_dump(old))
    made = command("--url", "https://charts.example.com/stable/", "--index", str(tmp_path / "index.yaml"))
    entries = yaml.safe_load((made / "index.yaml").read_text())["entries"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    assert [row["version"] for row in entries["torchserve-kserve"]] == [version, "0.0.9"]
    new = entries["torchserve-kserve"][0]
    assert new["digest"] == hashlib.sha256(packed.read_bytes()).hexdigest()
    assert new["urls"] == [f"https://charts.example.com/stable/{packed.name}"]
    assert entries["other"][0]["urls"] == ["other.tgz"]


def test_an_index_at_a_url_that_has_the_package_stays_as_it_is(command: Callable[..., Path], repository: str) -> None:
    first = command("--url", repository, "--index", f"{repository}/index.yaml") / "index.yaml"
    again = first.read_bytes()
    assert command("--url", "https://elsewhere.example.com", "--index", f"{repository}/index.yaml").joinpath(
        "index.yaml").read_bytes() == again


def test_a_version_that_the_index_has_with_other_content_is_refused(repository: str, other: Path, tmp_path: Path,
                                                                    refused: Callable[..., str]) -> None:
    existing = tmp_path / "index.yaml"
    existing.write_bytes(packages.requests.get(f"{repository}/index.yaml", timeout=10).content)
    said = refused(packages.index, other, repository, existing)
    assert "the index has torchserve-kserve" in said and "with other content, and a published version stays as it is" in said
    assert not other.with_name("index.yaml").exists()


@pytest.mark.parametrize(("content", "said"), [
    (None, "can't be read (404 Client Error"), ("entries: [", "is no index of a chart repository"), ("[]", "is no index")])
def test_what_is_no_index_is_told(command: Callable[..., Path], tmp_path: Path, refused: Callable[..., str], content: str | None,
                                  said: str) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    if content is not None:
        (folder / "index.yaml").write_text(content)
    with served(folder) as url:
        assert said in refused(command, "--url", url, "--index", f"{url}/index.yaml")
    assert not packages.OUT.exists()


def test_a_file_that_is_not_there_is_no_index(command: Callable[..., Path], refused: Callable[..., str]) -> None:
    assert refused(command, "--url", "https://x", "--index", "nowhere.yaml") == (
        "The index nowhere.yaml is no file: mend the path, or leave --index out if the repository has none yet.")


def test_a_registry_takes_it_once_and_refuses_other_content(charts: str, packed: Path, other: Path, refused: Callable[..., str],
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    packages.push(packed, charts)
    assert "with this content already: nothing to push" in capsys.readouterr().err
    assert "with other content, and a published version stays as it is: raise `version`" in refused(packages.push, other, charts)


def test_a_registry_that_does_not_answer_is_told_and_nothing_is_left(command: Callable[..., Path],
                                                                     refused: Callable[..., str]) -> None:
    said = refused(command, "--push", "oci://127.0.0.1:9/charts")
    assert said.startswith("It can't be found out what the registry has: ") and "connection refused" in said
    assert not packages.OUT.exists() and list(packages.OUT.parent.iterdir()) == []


def test_the_commands_output_is_not_committed() -> None:
    shell.output(["git", "check-ignore", "artifacts/package/x.tgz"], cwd=REPOSITORY)


@pytest.mark.parametrize("case", CASES)
def test_both_helms_render_the_same(case: str, programs: dict[int, Path], packed: Path) -> None:
    """Helm 4 drops null from a chart's own values (helm#32530), of which this chart has some."""
    values = yaml.safe_dump(CASES[case])
    arguments = ["template", "demo", str(packed), "--namespace", "models", "--values", "-"]
    three, four = (shell.output([str(program), *arguments], stdin=values) for program in programs.values())
    assert list(yaml.safe_load_all(three)) == list(yaml.safe_load_all(four))
