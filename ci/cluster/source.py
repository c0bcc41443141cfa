"""Compiles the Go programs of a cluster, each set with one `go build`, so that what they share is compiled once."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import yaml

from ci.cluster import shell, store, toolchain
from ci.cluster.errors import Problem
from ci.cluster.paths import CI, cache
from ci.cluster.report import say
from ci.cluster.versions import versions

SOURCE = CI / "source"
REPORT_SECONDS = 20
DOWNLOAD_SECONDS = 1800
NICENESS = 15
# The linker's `-s -w` drops what debuggers need; not to make it saves a tenth of the compilers' time.
NO_DEBUG_DATA = "-gcflags=all=-dwarf=false"


def programs(name: str) -> dict[str, Any]:
    """The table `programs.yaml` of a set: which packages make which programs, their version stamps, and build tags."""
    return yaml.safe_load((SOURCE / name / "programs.yaml").read_text())


def binaries(name: str) -> Path:
    """The folder with the built programs of a set (a folder below `ci/source`), compiled if its inputs are new."""
    table = programs(name)
    version = shell.output([str(toolchain.go()), "env", "GOVERSION"]).strip()
    return store.built("bin", store.key(SOURCE / name, versions()["kubernetes"], version),
                       lambda work: _compile(name, table, work))


def _compile(name: str, table: dict[str, Any], work: Path) -> None:
    root = SOURCE / name
    log = cache() / "logs" / f"compile-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = toolchain.go_environment()
    tags = ["-tags", ",".join(table.get("tags", []))]
    began, cpu_seconds = time.monotonic(), 0.0
    for batch in table["builds"]:
        packages = list(batch["packages"].values())
        say(f"compiling {', '.join(batch['packages'])} (log: {log}); first their modules are downloaded …")
        needed = len(shell.output([str(toolchain.go()), "list", "-deps", *tags, *packages], cwd=root, env=env,
                                  timeout=DOWNLOAD_SECONDS).splitlines())
        flags = "-s -w " + " ".join(f"-X {stamp}" for stamp in table.get("stamps", []))
        command = ["nice", "-n", str(NICENESS), str(toolchain.go()), "build", "-v", "-trimpath", NO_DEBUG_DATA, *tags,
                   "-ldflags", flags.format(**_stamp_values()), "-o", f"{work}/", *packages]
        cpu_seconds += _build(command, root, env, needed, log)
        _rename_to_program_names(work, batch["packages"])
    say(f"compiled {name} in {time.monotonic() - began:.0f} s, {cpu_seconds:.0f} CPU-seconds")


def _build(command: list[str], root: Path, env: dict[str, str], needed: int, log: Path) -> float:
    """Runs `go build -v`, which prints each package it has compiled, and says how far it is; returns its CPU-seconds."""
    began, done, finished = time.monotonic(), 0, threading.Event()

    def tell() -> None:
        while not finished.wait(REPORT_SECONDS):
            say(f"compiling: {done} of {needed} packages (less those in Go's cache), {time.monotonic() - began:.0f} s")

    reporter = threading.Thread(target=tell, daemon=True)
    reporter.start()
    last: list[str] = []
    with log.open("a") as stream, shell.child(command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                              text=True) as build:
        try:
            for line in build.stdout or ():
                stream.write(line)
                last = [*last[-shell.TAIL_LINES:], line]
                done += not line.startswith("go: ")
            _, ended, usage = os.wait4(build.pid, 0)  # with the CPU time of the compilers it ran
            status = build.returncode = os.waitstatus_to_exitcode(ended)
        finally:
            finished.set()
    if status != 0:
        raise Problem(f"`go build` failed ({status}); the end of {log}:\n{''.join(last)}")
    return usage.ru_utime + usage.ru_stime


def _rename_to_program_names(work: Path, packages: dict[str, str]) -> None:
    """`go build` names a program after its package's last part (`manager`, `server`); we name it after the program."""
    for program, package in packages.items():
        parts = package.split("/")
        made = parts[-2] if parts[-1].startswith("v") and parts[-1][1:].isdigit() else parts[-1]
        (work / made).rename(work / program)


def _stamp_values() -> dict[str, str]:
    version = versions()["kubernetes"]
    major, minor, _ = version.removeprefix("v").split(".")
    return {"kubernetes": version, "major": major, "minor": minor}
