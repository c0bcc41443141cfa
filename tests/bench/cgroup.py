"""Counters of a container, as the kernel keeps them: version 1 of cgroups or version 2, whichever this machine has."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


class Counters:
    """What the processes of a container have used so far. `pid` is any process of it, as this machine numbers them."""

    def __init__(self, pid: int) -> None:
        self._folders: dict[str, Path] = {}
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                folder = ROOT / controller / path.lstrip("/")
                if folder.is_dir():
                    self._folders[controller] = folder

    def cpu_seconds(self) -> float:
        """Processor time, also of processes that have ended."""
        if "cpuacct" in self._folders:
            return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        return self._cpu_stat()["usage_usec"] / 1e6

    def throttled(self) -> tuple[int, int]:
        """In how many periods the CPU limit held it back, and in how many of them it ran at all."""
        found = self._cpu_stat()
        return found["nr_throttled"], found["nr_periods"]

    def processes(self) -> list[int]:
        """Its processes now."""
        folder = self._folders.get("cpuacct") or self._folders[""]
        return [int(pid) for file in folder.rglob("cgroup.procs") for pid in file.read_text().split()]

    def by_process(self) -> dict[str, int]:
        """What each process has of the memory in bytes (Pss: of pages that are shared its share), by its program's name."""
        found: dict[str, int] = {}
        for pid in self.processes():
            name = _program(pid)
            found[name] = found.get(name, 0) + 1024 * int(_named(f"/proc/{pid}/smaps_rollup")["Pss"].split()[0])
        return found

    def disk(self) -> tuple[int, int]:
        """Bytes that its living processes had read from a disk, and those that they wrote to files on one. (Counters of cgroups
        don't know who wrote what the kernel writes back later; these count where the page gets dirty.)"""
        found = [_named(f"/proc/{pid}/io") for pid in self.processes()]
        return sum(int(one["read_bytes"]) for one in found), sum(int(one["write_bytes"]) for one in found)

    def _cpu_stat(self) -> dict[str, int]:
        folder = self._folders.get("cpu") or self._folders[""]
        return {name: int(value) for name, value in map(str.split, (folder / "cpu.stat").read_text().splitlines())}


def _named(file: str) -> dict[str, str]:
    """The lines `Name: value` of a file."""
    return dict(line.split(":", 1) for line in Path(file).read_text().splitlines() if ": " in line)


def _program(pid: int) -> str:
    """What a process is, in a word: `java`, the Python program's name, or its own."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    scripts = [Path(word) for word in words[1:] if word.endswith(".py")]
    if scripts:
        return scripts[0].parent.name if scripts[0].stem == "__main__" else scripts[0].stem
    return Path(words[0]).name
