"""What this machine is and has: root, Debian, free disk, packages of the distribution."""

import os
import shutil
import threading
from pathlib import Path

from ci.cluster import shell
from ci.cluster.errors import Problem
from ci.cluster.paths import cache
from ci.cluster.report import say

LOCK_SECONDS = 120  # another apt may be at work
_apt = threading.Lock()


def is_root() -> bool:
    return os.geteuid() == 0


def is_debian(os_release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is Debian, Ubuntu or a relative, where apt-get installs packages."""
    if not os_release.exists() or not shutil.which("apt-get"):
        return False
    fields = dict(line.split("=", 1) for line in os_release.read_text().splitlines() if "=" in line)
    families = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
    return bool({"debian", "ubuntu"} & set(families))


def ensure_programs(programs: dict[str, str], *, install: bool, why: str) -> None:
    """Makes sure that programs are on PATH: `programs` maps each to the distribution's package that has it.

    Where they are missing, and we may and can, the packages are installed, and it says so; else a Problem says what to do.
    """
    packages = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if not packages:
        return
    wanted = " ".join(packages)
    if not (install and is_root() and is_debian()):
        how = f"`apt-get install {wanted}`" if is_debian() else f"the packages that hold {', '.join(programs)}"
        reason = "--no-install was given" if not install else "this command installs only as root on Debian or Ubuntu"
        raise Problem(f"{why} needs {wanted}, which is missing here, and {reason}: install {how} and try again.")
    say(f"{why} needs {wanted}: installing the distribution's package …")
    log = cache() / "logs" / "apt.log"
    with _apt:
        shell.run(["apt-get", "update"], log)
        shell.run(["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "install", "--yes", "--no-install-recommends",
                   *packages], log, env={"DEBIAN_FRONTEND": "noninteractive"})


def same_disk(one: Path, other: Path) -> bool:
    """Whether two folders, or the nearest of their parents that are there, are on one file system."""
    def device(folder: Path) -> int:
        return next(parent for parent in (folder, *folder.parents) if parent.exists()).stat().st_dev
    return device(one) == device(other)


def ensure_disk(folder: Path, need_gib: float, what: str) -> None:
    """Says how much disk is needed, and raises Problem with need and have where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    have_gib = shutil.disk_usage(folder).free / 2**30
    say(f"disk: {what} needs up to {need_gib:.0f} GiB, {have_gib:.0f} GiB are free under {folder}")
    if have_gib < need_gib:
        raise Problem(f"Too little disk for {what}: it needs {need_gib:.0f} GiB under {folder}, {have_gib:.1f} GiB are free; "
                      "free some, or set TORCHSERVE_KSERVE_CACHE to a folder on a larger disk.")
