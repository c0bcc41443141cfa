"""Packages that an archive's requirements file names: TorchServe lets pip install them when it loads the model
(install_py_dep_per_model). Here: pip's login, and the sentence where pip could not. What pip does else its PIP_* variables say.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from processes import Failure

URLS = {"PIP_INDEX_URL": "index-url", "PIP_EXTRA_INDEX_URL": "extra-index-url"}  # variable -> option
IMAGE = "use an image (runtime.image) that has the packages and set pip.enabled=false"


def with_login(environment: Mapping[str, str], folder: Path, config: Path) -> dict[str, str]:
    """This environment with pip's URLs moved to a file of pip's that only this user can read, the folder's username and password
    in those of the index's host. In the environment each handler would have them, and whatever prints it."""
    try:
        user, password = [quote((folder / name).read_text().strip("\r\n"), safe="") for name in ("username", "password")]
    except OSError:
        secret = "the Secret of pip.credentials.secretName"
        raise Failure(f"pip's login has no username and password; make {secret} with both") from None
    left, lines = dict(environment), ["[global]"]
    host = urlsplit(left["PIP_INDEX_URL"]).netloc
    with_user = {host: f"{user}:{password}@{host}"}
    for variable, option in URLS.items():
        parts = [urlsplit(url) for url in left.pop(variable, "").split()]
        urls = [part._replace(netloc=with_user.get(part.netloc, part.netloc)).geturl() for part in parts]
        lines += [f"{option} = " + "\n  ".join(urls)] if urls else []
    config.unlink(missing_ok=True)
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")
    return {**left, "PIP_CONFIG_FILE": str(config)}


def named(archive: Path) -> list[str]:
    """What the requirements file of an archive, or of a directory in place of one, asks for; nothing where there is none."""
    import zipfile  # 2 MiB, with pip alone

    with contextlib.suppress(OSError, KeyError, ValueError, zipfile.BadZipFile):
        def read(name: str) -> str:
            if archive.is_dir():
                return (archive / name).read_text(encoding="utf-8")
            with zipfile.ZipFile(archive) as opened:
                return opened.read(name).decode()

        file = json.loads(read("MAR-INF/MANIFEST.json"))["model"].get("requirementsFile")
        lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in read(file).splitlines()] if file else []
        # Options, and logins in URLs, are not for a log.
        packages = [re.sub(r"//[^/@\s]*@", "//", line) for line in lines if line and not line.startswith("-")]
        return packages or (["what it names by options"] if any(lines) else [])
    return []


def indexes() -> str:
    """Where pip looks, for a sentence."""
    return " or ".join([os.environ.get("PIP_INDEX_URL") or "PyPI", *os.environ.get("PIP_EXTRA_INDEX_URL", "").split()])


def refused(said: str, model: str) -> str:
    """What pip said when it could not install this model's packages, out of TorchServe's log; nothing where it could."""
    head = rf"Custom pip package installation failed for model {re.escape(model)}:\r?\n"
    found = re.search(head + r"(.*?)(?=^\d{4}-\d\d-\d\dT|\Z)", said, re.DOTALL | re.MULTILINE)
    return (found.group(1).strip() or "pip said nothing") if found else ""


def why(said: str, wanted: list[str]) -> str:
    """A cause and its remedy, of what pip said."""
    broken = re.search(r"connection broken by (.*)", said)
    missing = re.search(r"No matching distribution found for ([^\n(]*\S)|satisfies the requirement (\S+)", said)
    requirement = (missing.group(1) or missing.group(2)) if missing else ", ".join(wanted[:5])
    could_not = f"pip could not install {requirement}: "
    if "No module named pip" in said:
        return f"its requirements ({requirement}) can't be installed, because the image has no pip; {IMAGE}"
    if broken:
        errno = re.search(r"\[Errno -?\d+\] ([^'\")]*)|(CERTIFICATE_VERIFY_FAILED[^'\"(]*)|([Tt]imed out)", broken.group(1))
        detail = next(filter(None, errno.groups())).strip() if errno else broken.group(1)[:200]
        return f"{could_not}{indexes()} does not answer ({detail}); set pip.indexUrl to an index that the pod reaches, or {IMAGE}"
    if "Credentials not correct" in said:
        return f"{could_not}{indexes()} refuses the login; correct the Secret of pip.credentials.secretName"
    if missing:
        return (f"{could_not}{indexes()} has no version of it that fits; put one there, set pip.indexUrl or pip.extraIndexUrl to "
                f"an index that has it, or {IMAGE}")
    errors = [line.partition("ERROR: ")[2] for line in said.splitlines() if "ERROR: " in line]
    return f"{could_not}{(errors or said.splitlines())[-1].strip()[:300]}; correct them, or {IMAGE}"
