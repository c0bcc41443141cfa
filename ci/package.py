"""The chart as a package for others: the .tgz, its signature, the index of a repository, a push to an OCI registry.

helm does each of these; here they are put in order. Everything is made in a folder of its own, which takes the place of the
former one when all has succeeded. The package's README has no link that leads out of the package into a tree which its reader
does not have: links to the project's pages become links below `--docs-url`, or else the pages' names.
"""

import argparse
import hashlib
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from ci.cluster import helms, shell
from ci.cluster.errors import Problem
from ci.cluster.paths import CHART, REPOSITORY
from ci.cluster.report import say

OUT = REPOSITORY / "artifacts" / "package"
# The time of every file in a package, unless SOURCE_DATE_EPOCH is set: 1980-01-01, the first that all archive formats know.
EPOCH = "315532800"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FETCH_SECONDS = 30
# A link of the chart's README to a page of the project: text, path below the repository, place in the page.
PAGE_LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+([^)#\s]+)(#[^)\s]*)?\)")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sign", metavar="KEY", help="sign it: the key's user id or a part of it, or its fingerprint")
    parser.add_argument("--keyring", type=Path, metavar="FILE", help="with --sign: an exported secret key, in place of gpg's")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="with --sign: holds the key's passphrase")
    parser.add_argument("--url", metavar="BASE_URL", help="write index.yaml for a repository that serves the package there")
    parser.add_argument("--index", metavar="FILE_OR_URL", help="with --url: the index.yaml that the repository has; it is kept")
    parser.add_argument("--docs-url", metavar="BASE_URL",
                        help="where this repository's files can be read: the README in the package links to pages below it")
    parser.add_argument("--push", metavar="oci://HOST/PATH", help="push the package to a registry, as PATH/torchserve-kserve")


def run(options: argparse.Namespace) -> None:
    _check(options)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".package-", dir=OUT.parent) as folder:
        made, aside = Path(folder) / "made", Path(folder) / "aside"
        made.mkdir()
        aside.mkdir()
        package = build(CHART, made, signing(options, aside) if options.sign else [], options.docs_url)
        if options.url:
            index(package, options.url, _given_index(options.index, aside))
        if options.push:
            push(package, options.push)
        shutil.rmtree(OUT, ignore_errors=True)
        made.rename(OUT)
    for file in sorted(OUT.iterdir()):
        say(f"{file.relative_to(REPOSITORY)} sha256:{_digest(file)}")


def build(chart: Path, folder: Path, signed: list[str] | None = None, docs_url: str | None = None) -> Path:
    """Packs a chart into `folder`, the same bytes for the same files, with helm's options for a signature; returns the .tgz."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", EPOCH)
    how = " (for a key with a passphrase give --passphrase-file FILE)" if signed and "--passphrase-file" not in signed else ""
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(chart, Path(scratch) / chart.name, symlinks=True)
        if (page := copy / "README.md").is_file():
            page.write_text(readme(page.read_text(), docs_url))
        _helm(f"The package can't be made{how}", "package", str(copy), "--destination", str(folder), *(signed or []),
              env={"SOURCE_DATE_EPOCH": epoch})
    (package,) = folder.glob("*.tgz")
    return package


def readme(text: str, docs_url: str | None = None) -> str:
    """The chart's README as the package has it: each link to a page of the project below a URL, or as the page's name."""
    def linked(found: re.Match[str]) -> str:
        words, page, place = found[1], found[2], found[3] or ""
        if docs_url:
            return f"[{words}]({docs_url.rstrip('/')}/{page}{place})"
        return f"`{page}`" if words == page else f"{words} (`{page}`)"
    return PAGE_LINK.sub(linked, text)


def signing(options: argparse.Namespace, aside: Path) -> list[str]:
    """helm's options for a signature. helm reads no keyring of GnuPG 2, so gpg exports the key into `aside`."""
    keyring, key = options.keyring, options.sign
    if not keyring:
        keyring = aside / "secret.gpg"
        key = _exported(options, keyring)
    with_passphrase = ["--passphrase-file", str(options.passphrase_file)] if options.passphrase_file else []
    return ["--sign", "--key", key, "--keyring", str(keyring), *with_passphrase]


def _exported(options: argparse.Namespace, keyring: Path) -> str:
    """Has gpg write a secret key to `keyring`; returns its user id, by which helm finds it there."""
    if not shutil.which("gpg"):
        raise Problem(f"The package can't be signed as {options.sign}, because gpg is not installed: install it, or give the "
                      "exported secret key with --keyring FILE.")
    try:
        listed = shell.output(["gpg", "--batch", "--with-colons", "--list-secret-keys", options.sign])
    except Problem as problem:
        raise Problem(f"The package can't be signed: gpg has no secret key for {options.sign}; `gpg --list-secret-keys` shows "
                      "those that it has.") from problem
    keys = [line.split(":") for line in listed.splitlines()]
    users = [row[9].replace("\\x3a", ":") for row in keys if row[0] == "uid"]
    if sum(row[0] == "sec" for row in keys) != 1 or not users:
        raise Problem(f"The package can't be signed: {options.sign} is not one key alone to gpg; write the fingerprint of one.")
    asked = (["--pinentry-mode", "loopback", "--passphrase-file", str(options.passphrase_file)] if options.passphrase_file
             else ["--pinentry-mode", "error"])
    keyring.touch(mode=0o600)
    try:
        shell.output(["gpg", "--batch", "--yes", *asked, "--output", str(keyring), "--export-secret-keys", options.sign])
    except Problem as problem:
        raise Problem(f"gpg does not hand out the secret key of {users[0]}; if it has a passphrase, give the right one with "
                      f"--passphrase-file FILE: {_reason(problem)}") from problem
    return users[0]


def index(package: Path, url: str, existing: Path | None) -> None:
    """Writes index.yaml beside a package: what `existing` has, and the package at `url`.

    An index that has the very package stays as it is, byte for byte. Raises Problem if it has that version with other content.
    """
    name, version = _called(package)
    if existing:
        row = next((row for row in _rows(existing, name) if row.get("version") == version), None)
        if row and row.get("digest") != _digest(package):
            raise Problem(_refusal(name, version, "the index"))
        if row:
            say(f"the index has {name} {version} with this content already: it stays as it is")
            shutil.copyfile(existing, package.with_name("index.yaml"))
            return
    merged = ["--merge", str(existing)] if existing else []
    _helm("The index can't be written", "repo", "index", str(package.parent), "--url", url.rstrip("/"), *merged)


def push(package: Path, registry: str) -> None:
    """Pushes a package, and the signature beside it, unless the registry has it. Raises Problem if it has other content."""
    name, version = _called(package)
    plain = ["--plain-http"] if urlsplit(registry).hostname in LOOPBACK else []
    published = _published(f"{registry.rstrip('/')}/{name}", version, plain)
    if published is not None and published != _digest(package):
        raise Problem(_refusal(name, version, registry))
    if published:
        say(f"{registry} has {name} {version} with this content already: nothing to push")
        return
    _helm(f"{registry} does not take the package", "push", str(package), registry, *plain)
    say(f"pushed {registry.rstrip('/')}/{name}:{version}")


def _published(reference: str, version: str, plain: list[str]) -> str | None:
    """sha256 of a version in a registry; None where it has none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _helm("It can't be found out what the registry has", "pull", reference, "--version", version, "--destination", folder,
                  *plain)
        except Problem as problem:
            if re.search(r"not found|name_?unknown|manifest_?unknown", str(problem), re.IGNORECASE):
                return None
            raise
        (found,) = Path(folder).glob("*.tgz")
        return _digest(found)


def _given_index(given: str | None, aside: Path) -> Path | None:
    """The repository's index as a file."""
    if not given:
        return None
    file = Path(given)
    if urlsplit(given).scheme in ("http", "https"):
        file = aside / "index.yaml"
        try:
            answer = requests.get(given, timeout=FETCH_SECONDS)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise Problem(f"The index {given} can't be read ({' '.join(str(error).split())}): mend the URL, or leave --index out "
                          "if the repository has none yet.") from error
        file.write_bytes(answer.content)
    elif not file.is_file():
        raise Problem(f"The index {given} is no file: mend the path, or leave --index out if the repository has none yet.")
    _rows(file, "", given)
    return file


def _rows(index_file: Path, name: str, called: str = "") -> list[dict[str, Any]]:
    """The versions of a chart in an index."""
    with suppress(yaml.YAMLError, UnicodeDecodeError):
        found = yaml.safe_load(index_file.read_text())
        if isinstance(found, dict) and isinstance(found.get("entries"), dict):
            return found["entries"].get(name) or []
    raise Problem(f"{called or index_file} is no index of a chart repository: it must be YAML with a map `entries`.")


def _check(options: argparse.Namespace) -> None:
    """Raises Problem for options that don't fit each other."""
    if options.index and not options.url:
        raise Problem("--index needs --url: write the URL below which the package will be served, as the index names it.")
    if options.url and urlsplit(options.url).scheme not in ("http", "https"):
        raise Problem(f"--url {options.url} is no URL of a repository: write one that begins with https:// or http://.")
    if options.docs_url and urlsplit(options.docs_url).scheme not in ("http", "https"):
        raise Problem(f"--docs-url {options.docs_url} is no URL: write the one below which docs/ of this repository can be read.")
    if options.push and not (options.push.startswith("oci://") and urlsplit(options.push).hostname):
        raise Problem(f"--push {options.push} is no registry: write oci://HOST/PATH.")
    if (options.keyring or options.passphrase_file) and not options.sign:
        raise Problem("--keyring and --passphrase-file need --sign: name the key to sign with.")
    for file in (options.keyring, options.passphrase_file):
        if file and not file.is_file():
            raise Problem(f"{file} is no file: mend the path.")


def _refusal(name: str, version: str, where: str) -> str:
    return (f"{where} has {name} {version} with other content, and a published version stays as it is: raise `version` in "
            f"{(CHART / 'Chart.yaml').relative_to(REPOSITORY)}.")


def _called(package: Path) -> tuple[str, str]:
    """Name and version of a package."""
    shown = yaml.safe_load(_helm("The package can't be read", "show", "chart", str(package)))
    return shown["name"], shown["version"]


def _helm(failing: str, *arguments: str, env: dict[str, str] | None = None) -> str:
    try:
        return shell.output([str(helms.four()), *arguments], env=env)
    except Problem as problem:
        raise Problem(f"{failing}: {_reason(problem)}") from problem


def _reason(problem: Problem) -> str:
    """What a program said of its failure, in one line and without its warnings."""
    said = str(problem).partition("): ")[2] or str(problem)
    lines = [line for line in said.splitlines() if not line.startswith(("WARNING", "level="))]
    return " ".join(" ".join(lines).split()).removeprefix("Error: ")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
