"""Debian root file systems, made by mmdebstrap from the package sources this machine already uses."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.cluster import shell, system
from ci.cluster.errors import Problem
from ci.cluster.versions import versions

# What no container of ours reads. Licences stay.
UNREAD = ("path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "path-exclude=/usr/share/man/*",
          "path-exclude=/usr/share/info/*", "path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/lintian/*")


def build(target: Path, packages: Sequence[str], log: Path, *, niceness: int = 10,
          variant: str = "minbase", excludes: Sequence[str] = (),
          options: Sequence[str] = (), env: Mapping[str, str] | None = None) -> None:
    """Writes the root file system of the pinned Debian release with `packages` to `target` (a tar file).

    Args:
        target: the tar file to write.
        packages: names of Debian packages, beside those of the variant.
        log: where mmdebstrap's output goes.
        niceness: how far it gives way to other programs.
        variant: mmdebstrap's variant.
        excludes: dpkg options (`path-exclude=…`), beside UNREAD.
        options: more options for mmdebstrap.
        env: environment for its hooks.
    """
    if not system.is_root():
        raise Problem("Building images from source needs root (mmdebstrap makes device files and owners): "
                      "run this as root, or where an image registry can be reached.")
    suite = versions()["debian"]
    sources = apt_sources(suite)
    shell.run(["nice", "-n", str(niceness), "mmdebstrap", f"--variant={variant}", f"--include={','.join(packages)}",
               *[f"--dpkgopt={option}" for option in (*UNREAD, *excludes)], "--aptopt=Acquire::Languages none",
               *options, suite, str(target), *map(str, sources)], log, env=env)


def apt_sources(suite: str, etc_apt: Path = Path("/etc/apt")) -> list[Path]:
    """This machine's apt source files that speak of `suite`. Raises Problem where there are none."""
    folder = etc_apt / "sources.list.d"
    files = [etc_apt / "sources.list", *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    found = [file for file in files if file.is_file() and suite in file.read_text(errors="replace")]
    if not found:
        raise Problem(f"Images are made of Debian {suite} packages and {etc_apt} names no source for them: "
                      "add one, or work where an image registry can be reached.")
    return found


def names(file: Path) -> list[str]:
    """The lines of a list file, without comments and empty ones."""
    texts = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return [text for text in texts if text]
