"""Put the model archives that a plan names on a volume, verified and whole, then say so with a marker.

    seed.py --plan PLAN.json --destination DIR [--mounts DIR] [--secrets DIR] [--owner NAME [--keep-old N] [--keep PATH]…] …
    seed.py --receive MODEL --plan PLAN.json --destination DIR < FILE

Plan: {"artifacts": [{"model": "bert", "version": "1.0", "sha256": "<64 hex>", "path": "model-store/bert-<hash>.mar", SOURCE}]};
`version` and `sha256` may be absent or null, `path` is relative to the destination. SOURCE is one of
  "uri": URI
  "uriFrom": {"secret": NAME, "key": KEY}   the URI, http(s), is in the file NAME/KEY of --secrets; it is never printed
  "build": {"format": "default" or "no-archive", "handler": PART or the name of a built-in handler, "modelFile": PART,
            "serializedFile": PART, "extraFiles": [PART, …], "requirementsFile": PART, "configFile": PART}
            (torch-model-archiver's options; only the handler must be there); PART: {"uri" or "uriFrom", "sha256", "credentials"}
and beside it may be "credentials": NAME, and "storage": true (KServe's storage library fetches this https URI: Azure, git).
URI: http(s)://HOST/PATH (userinfo: basic authentication); configMap://NAME/KEY, pvc://CLAIM/PATH, oci://IMAGE#/PATH (files in
  --mounts: configMap/NAME/KEY, pvc/CLAIM/PATH, oci/<first 10 hex of IMAGE's sha256>/PATH); upload://NAME (waits for --receive);
  s3:// gs:// hf:// hdfs:// webhdfs:// (KServe's storage library, with credentials from the environment; where the URI leads to
  several files, URI#PATH names one).
Credentials: a directory NAME of --secrets, for http(s): `username` and `password` (Basic), `token` (Bearer), any other file a
  header of that name; sent to the URI's own scheme, host and port alone. No redirect leads from https to http.
An artefact may also be {"path": "config/config.properties", "text": "…"}, THE ONE KIND OF FILE THAT MAY BE REPLACED: where the
  claim has another text under this name it is, last of all and in one step, so of two plans that name it the latest run wins.
TORCHSERVE_KSERVE_CA: a file of certificates to trust besides the default ones. Proxies: http_proxy, https_proxy, no_proxy.

On the volume, with <plan> = the first 10 hex digits of the sha256 of the plan file's bytes:
  <path>               a whole archive (or directory), checked before it gets this name, readable by everyone
  .seed/<plan>.json    marker, written last: {"plan", "owners", "artifacts": [{"model", "version", "path", "bytes", "sha256"}]}
                       (of a text "model" is the file's name, and there is "text": true). Owners are all who have run the plan,
                       "" one without --owner; older markers have one "owner", or none. Its time: when the plan was last used.
  .seed/<plan>-partial.json  the same of a plan that is not complete, or no more: what is there of it
  .seed/<plan>-old-<owner>.json  what an owner still has of a plan that it let go of
  .seed/<plan>.error   the sentence with which the latest run failed; the next run removes it first of all
  .seed/upload/        what --receive has taken, until the run takes it from there
  .seed/lock, .seed/tmp/  one run at a time, but for those that wait for an upload; transfers that a later run of this plan goes
                       on with, other leftovers are removed
A run with a true marker transfers nothing and only reads, but for the marker's time, and its owner where that is new; a file for
which any marker vouches is kept as it is. With --keep-old N an owner whose plan is complete lets go of all that its other plans
name, but for the N that were used last, for texts, and for each --keep PATH (relative to the destination). A file goes when
nobody has it any more.

Exit codes: 0 done; 1 an error of this program; 2 plan or usage; 3 source not found; 4 source refused; 5 source unreachable or
unreliable; 6 wrong sha256; 7 not a usable archive; 8 no space; 9 destination not writable; 10 certificate not trusted; 11 the
image lacks what the source needs; 130, 143 stopped.
A failure is one line, `seed: MODEL: URI without secrets: CAUSE; REMEDY`, on stderr, in error file and termination log.
With --json, stdout has one object a line: {"event", "text", …}, event being message, progress, fetched, kept, removed, complete
or failed.
"""
from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import seed_archive
import seed_errors
import seed_markers
import seed_options
import seed_plan
import seed_progress
import seed_report
import seed_volume
from seed_errors import CHECKSUM, Failure, say

# Scheme -> module. Each has obtain(item, temp, context) -> (bytes, sha256); `needs(item, temp, context)`, where it has one, says
# before anything is fetched how many bytes are to come (None: unknown), or fails; `meanwhile`, asked after that, how many more it
# takes until the artefact is in its place.
SOURCES = {
    **dict.fromkeys(("http", "https"), "seed_http"),
    **dict.fromkeys(("configmap", "pvc", "oci"), "seed_mounts"),
    **dict.fromkeys(("s3", "gs", "hf", "hdfs", "webhdfs", "storage"), "seed_cloud"),
    "upload": "seed_upload",
    "build": "seed_build",
    "text": "seed_text",
}


def source(item: dict):
    """The module that fetches this item (or part of a build)."""
    kind = next((kind for kind in ("text", "build", "storage") if item.get(kind)), "")
    kind = kind or item["uri"].partition(":")[0].lower()
    return importlib.import_module(SOURCES[kind])


@contextlib.contextmanager
def about(item: dict, place: Path) -> Iterator[None]:
    """Whatever fails meanwhile is about this item (or part)."""
    try:
        yield
    except OSError as error:
        failure = seed_errors.from_os(error, place)
        failure.where = seed_plan.title(item)
        raise failure from None
    except Failure as failure:
        failure.where = failure.where or seed_plan.title(item)
        raise


class Run:
    """One run over one plan."""

    def __init__(self, options: argparse.Namespace, plan: str) -> None:
        self.options, self.plan = options, plan
        self.destination: Path = options.destination
        self.root = self.destination / ".seed"
        self.marker, self.partial = self.root / f"{plan}.json", self.root / f"{plan}-partial.json"
        self.report = seed_report.Report(options, self.root, plan)
        self.turn = seed_volume.Turn(self.root)

    def seed(self, artifacts: list[dict]) -> None:
        """All of the plan on the volume. What is complete already is only read, but for a note that it is in use: the volume may
        be read-only."""
        self.report.clear()
        done = seed_markers.complete(artifacts, self.destination, self.marker)
        if done is not None and self.settled(artifacts):
            for item, found in zip(artifacts, done):
                seed_progress.summary(item, "kept", found[0], 0.0, found[1])
            self.report.forget()  # a run that was killed when all was done
            with contextlib.suppress(OSError):
                self.tidy_uploads(artifacts)
        else:
            self.work(artifacts)
        say(f"plan {self.plan} is complete in {self.destination}", "complete", plan=self.plan)

    def settled(self, artifacts: list[dict]) -> bool:
        """Whether of a complete plan there is nothing to record and nothing to remove, or no way to."""
        if not seed_volume.may_write(self.root):
            return True
        used = not artifacts or seed_markers.used_by(self.options.owner, self.marker)
        return used and not (self.outdated(artifacts) or seed_volume.half_removed(self.root))

    def work(self, artifacts: list[dict]) -> None:
        self.turn.take()
        temp, owner = self.turn.temp, self.options.owner
        seed_volume.tidy(self.root, temp, artifacts)
        self.report.clear()  # again: another run of this plan may have failed meanwhile
        self.report.reserve()
        self.tidy_uploads(artifacts)
        seed_plan.resolve(artifacts, self.options.secrets)
        entries = self.fill(artifacts, self.context(temp))
        if artifacts:
            seed_markers.record(self.marker, temp, owner, entries, self.partial)
        seed_markers.prune(self.root, temp, owner, self.outdated(artifacts))
        self.tidy_uploads(artifacts)
        self.report.forget()
        self.turn.end()

    def context(self, temp: Path) -> seed_plan.Context:
        options, progress = self.options, seed_progress.Progress(self.options.progress_seconds)

        def needs(part: dict, file: Path) -> int:
            with about(part, self.destination):
                return getattr(source(part), "needs", lambda *_: None)(part, file, context) or 0

        def fetch(part: dict, file: Path) -> tuple[int, str]:
            with about(part, self.destination):
                size, sha256 = source(part).obtain({**part, "path": file.name}, file, context)
                if part.get("sha256") and part["sha256"].lower() != sha256:
                    raise Failure(CHECKSUM, f"its sha256 is {sha256}, declared is {part['sha256']}")
                return size, sha256

        context = seed_plan.Context(self.destination, temp, progress, needs, fetch, options.mounts, options.secrets,
                                    options.timeout, options.attempts, options.backoff, options.connections)
        return context

    def fill(self, artifacts: list[dict], context: seed_plan.Context) -> list[dict]:
        """Every artefact in its place; what the marker says of each."""
        found: dict[str, tuple[int, str]] = {}
        if missing := self.look(artifacts, found):
            if self.marker.exists():
                self.set_aside(artifacts, found)
            self.check_before(missing, context)
        while missing:
            item = missing.pop(0)
            with about(item, self.destination):
                if self.waited(item, artifacts, found):
                    missing = self.look(artifacts, found)
                else:
                    found[item["path"]] = self.fetch(item, context)
        return [seed_markers.entry(item, *found[item["path"]]) for item in artifacts]

    def look(self, artifacts: list[dict], found: dict) -> list[dict]:
        """What is missing, in the order in which it is fetched; of what is in its place, and of nothing else, `found` knows."""
        for item in artifacts:
            started, final, before = time.monotonic(), self.destination / item["path"], found.pop(item["path"], None)
            with about(item, self.destination):
                if before and "text" not in item and seed_volume.size_of(final) == before[0]:
                    found[item["path"]] = before
                elif there := seed_markers.in_place(item, final, self.root):
                    found[item["path"]] = there
                    if there != before:
                        seed_progress.summary(item, "kept", there[0], time.monotonic() - started, there[1])
        # An upload comes when someone sends it: the others needn't wait for that. A text may name all of them.
        missing = [item for item in artifacts if item["path"] not in found]
        return sorted(missing, key=lambda item: ("text" in item, seed_plan.is_upload(item)))

    def set_aside(self, artifacts: list[dict], found: dict) -> None:
        """Say what is there of the plan, and that this is not all: other runs leave that alone, and know whose it is."""
        entries = [seed_markers.entry(item, *found[item["path"]]) for item in artifacts if item["path"] in found]
        seed_markers.record(self.partial, self.turn.temp, self.options.owner, entries, self.marker)

    def waited(self, item: dict, artifacts: list[dict], found: dict) -> bool:
        """Whether it is an upload that had to be waited for. Others have worked meanwhile, so all is to be looked at again."""
        if not seed_plan.is_upload(item):
            return False
        upload = importlib.import_module("seed_upload")
        if upload.taken(item, self.turn.temp / seed_volume.key(item), self.root):
            return False
        self.set_aside(artifacts, found)
        self.turn.give()
        upload.wait(item, self.root, self.options)
        self.turn.take()
        self.report.clear()
        self.report.reserve()
        return True

    def check_before(self, missing: list[dict], context: seed_plan.Context) -> None:
        """What can be known before anything is fetched: every source is there, all has room and a place."""
        sizes = []
        for item in missing:
            with about(item, self.destination):
                seed_volume.check_writable(item, self.destination)
                temp = context.temp / seed_volume.key(item)
                stays, meanwhile = context.needs(item, temp), getattr(source(item), "meanwhile", lambda *_: 0)
                sizes.append((seed_plan.title(item), stays, meanwhile(item, temp, context)))
        seed_volume.check_room(sizes, self.destination)

    def fetch(self, item: dict, context: seed_plan.Context) -> tuple[int, str]:
        say(f"{seed_plan.title(item)}: fetching")
        started, temp = time.monotonic(), context.temp / seed_volume.key(item)
        try:
            size, sha256 = source(item).obtain(item, temp, context)
            if "text" not in item:
                seed_archive.check(item, temp, sha256)
            seed_volume.publish(temp, self.destination / item["path"])
        except (Failure, OSError) as error:
            if not (isinstance(error, Failure) and error.args[0] in seed_errors.MAY_RESUME):
                seed_volume.discard(context.temp, item)
            raise
        seed_volume.discard(context.temp, item)
        seed_progress.summary(item, "fetched", size, time.monotonic() - started, sha256)
        return size, sha256

    def outdated(self, artifacts: list[dict]) -> list[str]:
        if self.options.keep_old is None or not self.options.owner:
            return []
        wanted = [*(item["path"] for item in artifacts), *self.options.keep]
        return seed_markers.outdated(self.root, wanted, self.options.owner, self.options.keep_old)

    def tidy_uploads(self, artifacts: list[dict]) -> None:
        if (self.root / "upload").exists():
            importlib.import_module("seed_upload").tidy(self.root, artifacts)


def main(argv: list[str] | None = None) -> int:
    options = seed_options.arguments(argv)
    seed_errors.machine_readable = options.json
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a background shell hands it down ignored
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    os.umask(0o022)
    run = Run(options, "")
    try:
        plan, raw = seed_plan.load(options.plan)
        run = Run(options, plan)
        artifacts = seed_plan.parse(raw, options.plan)
        if options.receive:
            return importlib.import_module("seed_upload").receive(options.receive, artifacts, options)
        run.seed(artifacts)
        return 0
    except Failure as failure:
        return run.report.failed(failure)
    except OSError as error:
        return run.report.failed(seed_errors.from_os(error, options.destination))
    except Exception as error:  # its text and traceback would show what nobody has looked through for secrets
        where = traceback.extract_tb(error.__traceback__)[-1]
        cause = f"{type(error).__name__} in {Path(where.filename).name}, line {where.lineno}"
        return run.report.failed(Failure(seed_errors.BUG, cause))
    except SystemExit as stop:
        print("seed: interrupted; no unfinished file has its final name, run it again", file=sys.stderr, flush=True)
        return int(stop.code or 0)


if __name__ == "__main__":
    sys.exit(main())
