"""A model archive or a no-archive folder, packed here by torch-model-archiver: handler, weights and what else the model needs.

The parts are fetched into a folder beside `temp`, each under the name that its uri gives it, and handed to the archiver. That
runs in a process of its own, which is this file as a program: it links the parts where the archiver would copy each, even twice.
"""
from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import seed_plan
import seed_volume
from seed_errors import ARCHIVE, NO_SPACE, PLAN, PROGRAM, Failure
from seed_plan import Context

OPTIONS = {"handler": "--handler", "modelFile": "--model-file", "serializedFile": "--serialized-file",
           "requirementsFile": "--requirements-file", "configFile": "--config-file", "extraFiles": "--extra-files"}
NAME = re.compile(r"[^\x00-\x1f/\\,*?\[\]]+")  # the archiver splits at commas, and knows wildcards
MIRRORED = re.compile(r"(s3|gs|hf|hdfs|webhdfs)://", re.I)  # these may lead to a folder
LOOK_SECONDS = 0.2
LONGEST_CAUSE = 300


def work_folder(temp: Path) -> Path:
    return temp.absolute().with_name(f"{temp.name}.build")


def needs(item: dict, temp: Path, context: Context) -> int:
    """Bytes of all parts that are to come; fails where one is not to be had, or nothing can be packed here."""
    built_in_handler(item["build"])
    files = [(part, work_folder(temp) / "parts" / name_of(part["uri"])) for part in seed_plan.parts(item)]
    to_come = {file: context.needs(part, file) for part, file in files}
    # Of a download that is gone on with some is there already.
    item["packs"] = sum(getattr(context.known.get(file), "size", None) or size for file, size in to_come.items())
    return sum(to_come.values())


def meanwhile(item: dict, _: Path, __: Context) -> int:
    """Bytes of the archive, at most, while the parts are still there; a folder is links to them."""
    return 0 if form_of(item) == "no-archive" else item["packs"]


def form_of(item: dict) -> str:
    return item["build"].get("format") or "default"


def obtain(item: dict, temp: Path, context: Context) -> tuple[int, str]:
    """Fetch the parts and pack them at `temp`: bytes and sha256 of the archive, or of the folder."""
    work, build = work_folder(temp), item["build"]
    for folder in ("out", "tmp", "parts"):
        if folder != "parts":  # those are what a killed run can be resumed from
            seed_volume.remove(work / folder)
        (work / folder).mkdir(parents=True, exist_ok=True)
    arguments = built_in_handler(build)
    names: dict[str, str] = {}
    for option, written in OPTIONS.items():
        given = build.get(option) or []
        files = [gather(item, option, part, names, work / "parts", context)
                 for part in (given if isinstance(given, list) else [given]) if isinstance(part, dict)]
        arguments += [written, ",".join(map(str, files))] if files else []
    pack(item, arguments, work, context)
    (packed,) = (work / "out").iterdir()
    packed.replace(temp)
    shutil.rmtree(work, ignore_errors=True)
    return seed_volume.digest(temp)


def built_in_handler(build: dict) -> list[str]:
    """The archiver's arguments for a handler that TorchServe brings."""
    name, known = build["handler"], archiver_handlers()
    if isinstance(name, str) and name not in known:
        raise Failure(PLAN, f"TorchServe has no handler {name!r} of its own, only {', '.join(sorted(known))}")
    return ["--handler", name] if isinstance(name, str) else []


def archiver_handlers() -> dict:
    """The handlers that the archiver knows; Failure where there is no archiver."""
    try:
        from model_archiver.model_packaging_utils import model_handlers
    except ImportError:
        raise Failure(PROGRAM, "this image has no torch-model-archiver, which packs models") from None
    return model_handlers


def gather(item: dict, option: str, part: dict, names: dict[str, str], folder: Path, context: Context) -> Path:
    """Fetch one part into the folder."""
    name, where = name_of(part["uri"]), f"{item['model']}: {part['shown']}"
    if not NAME.fullmatch(name) or name.startswith("."):
        raise Failure(PLAN, f"as {option} it has no file name that torch-model-archiver takes ({name!r})", where)
    if option == "handler" and not name.endswith(".py"):
        raise Failure(PLAN, "a handler is a .py file", where)
    if name in names:
        raise Failure(PLAN, f"{names[name]} has a file named {name}, too, and an archive has no folders", where)
    names[name] = option
    many = option == "extraFiles" and bool(part.get("storage") or MIRRORED.match(part["uri"]))
    context.fetch({**part, "part": True, "folder": many}, folder / name)
    return folder / name


def name_of(uri: str) -> str:
    """The last segment of the path in a repository or image (#PATH), else of the uri's own."""
    bare, _, path = uri.partition("#")
    return urllib.parse.unquote((path or bare.partition("?")[0]).rstrip("/").rpartition("/")[2])


def pack(item: dict, arguments: list[str], work: Path, context: Context) -> None:
    """Run the archiver: one file or folder in `work`/out; Failure with its words."""
    form, size = form_of(item), seed_volume.size_of(work / "parts") or 0
    if form != "no-archive" and size > (free := shutil.disk_usage(work).free):  # a folder is links to the parts
        raise Failure(NO_SPACE, f"its parts have {size:,} bytes, and to pack them the volume has {free:,} free")
    context.progress.start(item["model"], f"packing {Path(item['path']).name}", size)
    command = [sys.executable, __file__, "--model-name", item["model"], "--version", item.get("version") or "1.0",
               "--archive-format", form, "--export-path", str(work / "out"), *arguments]
    log = work / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=work,
                                 env={**os.environ, "TMPDIR": str(work / "tmp")})
        try:
            done = 0
            while child.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LOOK_SECONDS)
                now = seed_volume.size_of(work / "out") or 0
                context.progress.moved(now - done)
                done = now
        finally:
            child.kill()
            child.wait()
    if child.returncode:
        words = last_words(log.read_text(errors="replace"), work) or f"it ended with status {child.returncode}"
        full = "No space left" in words
        raise Failure(NO_SPACE if full else ARCHIVE, f"torch-model-archiver: {words}",
                      remedy="" if full else "correct the model's build")


def last_words(log: str, work: Path) -> str:
    """The error at the end of what the archiver printed, without our folders and its class."""
    text = log.replace(f"{work / 'parts'}/", "").replace(f"{work}/", "").strip()
    errors = list(re.finditer(r"^[A-Za-z_][\w.]*(?:Error|Exception): ", text, re.M))
    return " ".join((text[errors[-1].end():] if errors else text.rpartition("\n")[2]).split())[:LONGEST_CAUSE]


def main() -> None:
    """torch-model-archiver with these arguments, without its copies."""
    from model_archiver.model_packaging import generate_model_archive

    shutil.copy = shutil.copy2 = link  # the archiver is single-threaded and this process is all its
    generate_model_archive()


def link(source: str, target: str, **_: object) -> str:
    target = str(Path(target, Path(source).name) if Path(target).is_dir() else target)
    if os.path.lexists(target):
        raise FileExistsError(f"two parts have a file {Path(target).name}")
    try:
        os.link(source, target)
    except OSError:  # a volume without hard links
        shutil.copyfile(source, target)
    return target


if __name__ == "__main__":
    main()
