"""An OCI runtime for docker: runc, without the capabilities that this machine withholds.

Where root's bounding set lacks a capability (in some sandboxes and nested containers), runc refuses any container
that asks for it, so every `docker run --privileged` fails. This program takes exactly the missing ones out of the
container's specification and calls runc. `engine.py` gives it to the docker daemon only on such machines.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

# linux/capability.h, in the order of their bits.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)


def missing_capabilities(status: Path = Path("/proc/self/status")) -> list[str]:
    """Names (`CAP_…`) that root's bounding set lacks on this machine, of those the kernel knows."""
    fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
    bounding = int(fields["CapBnd"], 16)
    last = Path("/proc/sys/kernel/cap_last_cap")
    known = int(last.read_text()) + 1 if last.exists() else len(CAPABILITIES)
    return [f"CAP_{name}" for bit, name in enumerate(CAPABILITIES[:known]) if not bounding >> bit & 1]


def without(process: dict[str, Any], missing: list[str]) -> None:
    """Takes the missing capabilities out of an OCI `process` object, in place."""
    sets = process.get("capabilities") or {}
    for kind, names in sets.items():
        sets[kind] = [name for name in names or [] if name not in missing]


def rewrite(path: Path, missing: list[str], *, whole_spec: bool) -> None:
    """Rewrites a bundle's config.json (`whole_spec`) or the process file of an exec."""
    spec = json.loads(path.read_text())
    without(spec["process"] if whole_spec else spec, missing)
    path.write_text(json.dumps(spec))


def option(arguments: list[str], *names: str) -> str | None:
    """The value of a runc option, given as `--name value` or `--name=value`."""
    for index, argument in enumerate(arguments):
        for name in names:
            if argument == name and index + 1 < len(arguments):
                return arguments[index + 1]
            if argument.startswith(name + "="):
                return argument.split("=", 1)[1]
    return None


def main(arguments: list[str]) -> None:
    missing = missing_capabilities()
    if "create" in arguments or "run" in arguments:
        bundle = option(arguments, "--bundle", "-b") or "."
        rewrite(Path(bundle) / "config.json", missing, whole_spec=True)
    elif "exec" in arguments and (process := option(arguments, "--process", "-p")):
        rewrite(Path(process), missing, whole_spec=False)
    os.execvp("runc", ["runc", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
