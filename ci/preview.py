"""One predict call without a cluster: the rendered release on docker alone."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from ci import fileserver, helm, preview_container
from ci.cluster import engine, examples, runtime, shell
from ci.cluster.errors import Problem
from ci.cluster.paths import CHART, EXAMPLES, prefix
from ci.cluster.report import say, timings
from ci.cluster.waiting import wait_for

RELEASE, NAMESPACE = "preview", "default"
PREDICT_SECONDS = 60
LABEL = "torchserve-kserve=preview"
SHOWN = 300


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mar", action="append", default=[], metavar="NAME=FILE", help="serve this model archive as model NAME")
    parser.add_argument("--values", action="append", default=[], metavar="FILE", type=Path, help="values of the chart")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a value of the chart, as for helm")
    parser.add_argument("--request", type=Path, help="file with the request's JSON; default: the model's example")


def run(options: argparse.Namespace) -> None:
    """Previews the given values, or the example `bert` where none are given."""
    values, archives = given_values(options.values), given_archives(options.mar)
    request = given_request(options.request) if options.request else None
    with timings.stage("docker"):
        engine.ensure(install=not options.no_install)
    image = runtime.ensure(install=not options.no_install)
    if not (values or archives or options.set):
        archives = {"bert": examples.archive("bert", image)}
        values = yaml.safe_load((EXAMPLES / "bert" / "values.yaml").read_text())
    with ExitStack() as stack:
        urls = stack.enter_context(fileserver.served(archives))
        layers = [values, {"models": {name: {"uri": url} for name, url in urls.items()}}]
        if "image" not in values.get("runtime", {}):
            layers.insert(0, helm.image_values(image))
        settings = [part for pair in options.set for part in ("--set", pair)]
        objects = helm.render(RELEASE, NAMESPACE, helm.merged(*layers), settings)
        with timings.stage("preview"):
            answer(Rendered(objects), request)


def answer(rendered: "Rendered", request: dict[str, Any] | None = None) -> dict[str, Any]:
    """Seeds a folder as the claim, runs the server on it, predicts, prints request and answer; returns the answer."""
    model, body = rendered.request(request)
    with tempfile.TemporaryDirectory(prefix=f"{prefix()}-preview-") as folder:
        work = Path(folder)
        claim = preview_container.readable_folder(work / "claim")
        seed(rendered.plan(), work, claim)
        with _server(rendered, work, claim) as (name, port):
            try:
                return predict(f"http://127.0.0.1:{port}", model, body, protocol=rendered.protocol)
            except Problem as problem:
                raise Problem(f"{problem}\nThe server's last lines:\n{_last_lines(name)}") from problem


class Rendered:
    """A rendered release, with what a preview needs to know of it."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self._objects = objects
        self.config_maps = {item["metadata"]["name"]: item["data"] for item in self.of_kind("ConfigMap")}
        if not (runtimes := self.of_kind("ServingRuntime")):
            raise Problem("A preview runs the chart's own runtime, and this release names another: add --set runtime.create=true,"
                          "runtime.name=.")
        self.spec = runtimes[0]["spec"]
        self.container = self.spec["containers"][0]
        self.protocol = self.spec["protocolVersions"][0]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [item for item in self._objects if item["kind"] == kind]

    def plan(self) -> dict[str, str]:
        """The seed's ConfigMap (`plan.json`, `seed.py` and what it imports). Raises Problem for sources that need a cluster."""
        data = next((data for data in self.config_maps.values() if "plan.json" in data), None)
        if data is None:
            raise Problem("A preview has no existing claim to read: give the model as a file (--mar NAME=FILE) or by an http(s) "
                          "uri.")
        for artifact in json.loads(data["plan.json"])["artifacts"]:
            uri = artifact.get("uri", "")
            if urlsplit(uri).scheme not in ("http", "https") or artifact.get("storage") or artifact.get("credentials"):
                raise Problem("A preview takes files (--mar NAME=FILE) and http(s) sources without a Secret, and models."
                              f"{artifact['model']}{f'.uri is {uri}, which' if uri else ' is made of what'} needs a cluster: "
                              "give the file instead.")
        return data

    def request(self, given: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
        """The first model's name and a request for it: the given one, else the values' example."""
        if not (tests := self.of_kind("Pod")):
            raise Problem("A preview sends what `helm test` would, and this release has none: add --set deploymentMode=Standard.")
        arguments = tests[0]["spec"]["containers"][0]["args"]
        call = json.loads(arguments[arguments.index("--requests") + 1].replace("$$(", "$("))[0]
        body = given if given is not None else call["request"]
        if body is None:
            raise Problem(f"There is no request to send: set models.{call['model']}.example, or give --request FILE.")
        return call["model"], body


def given_archives(pairs: list[str]) -> dict[str, Path]:
    """Model names and files of `--mar NAME=FILE`. Raises Problem for a file that is not there."""
    archives = {}
    for pair in pairs:
        name, equals, file = pair.partition("=")
        if not (name and equals and Path(file).is_file()):
            raise Problem(f"--mar {pair}: write NAME=FILE, with FILE a model archive that is there.")
        archives[name] = Path(file).absolute()
    return archives


def given_values(files: list[Path]) -> dict[str, Any]:
    """The values of all files, merged. Raises Problem for a file that can't be read or holds no values of the chart."""
    values: dict[str, Any] = {}
    sections = [name for name, default in yaml.safe_load((CHART / "values.yaml").read_text()).items()
                if default and isinstance(default, Mapping)]
    for file in files:
        try:
            found = yaml.safe_load(_content(f"--values {file}", file))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}: " if mark else ""
            why = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read"
            raise Problem(f"--values {file} is not YAML ({where}{why}): correct it.") from error
        if not isinstance(found, Mapping | None):
            raise Problem(f"--values {file} is no map of values: write KEY: VALUE lines, as in the chart's values.yaml.")
        for name in sections:
            if found and name in found and not isinstance(found[name], Mapping):
                raise Problem(f"--values {file}: {name} is {json.dumps(found[name], default=str)} where the chart needs a map: "
                              f"write its keys below it, or remove {name}.")
        values = helm.merged(values, found or {})
    return values


def given_request(file: Path) -> dict[str, Any]:
    """The body in a request file. Raises Problem for a file that can't be read or is no JSON object."""
    try:
        body = json.loads(_content(f"--request {file}", file))
    except ValueError as error:
        raise Problem(f"--request {file} is not JSON ({error}): correct it.") from error
    if not isinstance(body, dict):
        raise Problem(f'--request {file} is no JSON object: write a predict call\'s body, for example {{"instances": […]}}.')
    return body


def _content(option: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Problem(f"{option} can't be read ({error.strerror}): give a file that is there.") from error


def seed(plan: Mapping[str, str], work: Path, claim: Path) -> None:
    """Runs the rendered seed program with the rendered plan, as the Job would, on a folder."""
    for key, text in plan.items():
        (work / key).write_text(text)
    done = subprocess.run([sys.executable, str(work / "seed.py"), "--plan", str(work / "plan.json"), "--destination", str(claim)],
                          check=False)
    if done.returncode != 0:
        raise Problem("The seed failed, as its line above says.")


def predict(address: str, model: str, body: dict[str, Any], seconds: float = PREDICT_SECONDS,
            protocol: str = "v1") -> dict[str, Any]:
    """Sends a predict call, prints it and its answer; returns the answer. Raises Problem where it is not one."""
    path, wanted = (f"v1/models/{model}:predict", "predictions") if protocol == "v1" else (f"v2/models/{model}/infer", "outputs")
    url = f"{address}/{path}"
    print(f"\n$ curl {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: it is this machine
            response = session.post(url, json=body, timeout=seconds)
    except requests.Timeout as error:
        raise Problem(f"The model {model} gave no answer in {seconds:g} s to the request above: see its handler.") from error
    except requests.RequestException as error:
        raise Problem(f"The server closed the connection ({type(error).__name__}) on the request above: see the handler of the "
                      f"model {model}.") from error
    print(response.text, flush=True)
    if response.status_code != 200:
        raise Problem(f"The model {model} answered {response.status_code} to the request above: see its handler.")
    try:
        found = response.json()
    except requests.JSONDecodeError as error:
        raise Problem(f"The model {model} answered 200 without JSON ({response.text[:SHOWN]!r}): see its handler.") from error
    if not isinstance(found, dict) or wanted not in found:
        raise Problem(f"The model {model} answered 200 without {wanted}: see its handler.")
    return found


@contextmanager
def _server(rendered: Rendered, work: Path, claim: Path) -> Iterator[tuple[str, int]]:
    """The runtime's container as rendered, with the one mount that KServe would add; yields its name and its port on loopback."""
    name = f"{prefix()}-preview-{os.getpid()}"
    cpus = int(shell.output(["docker", "info", "--format", "{{.NCPU}}"]))
    arguments = preview_container.arguments(rendered.spec, rendered.config_maps, work, claim, cpus)
    with _container(name, arguments):
        probe = rendered.container["readinessProbe"]["exec"]["command"]
        wait_for("the model to be ready", lambda: shell.succeeds(["docker", "exec", name, *probe]),
                 seconds=rendered.container["startupProbe"]["failureThreshold"], give_up=lambda: _why_ended(name))
        port = shell.output(["docker", "port", name, f"{preview_container.PORT}/tcp"]).split()[0].rsplit(":", 1)[1]
        yield name, int(port)
        with timings.stage("stop"):
            shell.output(["docker", "stop", name])


@contextmanager
def _container(name: str, arguments: list[str]) -> Iterator[None]:
    """Starts a container; it is gone when the block ends, also when `docker run` itself fails or is interrupted."""
    try:
        shell.output(["docker", "run", "--detach", "--name", name, "--label", LABEL, *arguments])
        yield
    finally:
        # It may not have come to be: no complaint here may hide the first one.
        shell.succeeds(["docker", "rm", "--force", "--volumes", name])


def _why_ended(name: str) -> str | None:
    """The last lines of a container that has ended; None while it runs."""
    if shell.output(["docker", "inspect", "--format", "{{.State.Running}}", name]).strip() == "true":
        return None
    say("the server ended")
    return f"the server ended; its last lines:\n{_last_lines(name)}"


def _last_lines(name: str) -> str:
    """The end of a container's log."""
    done = subprocess.run(["docker", "logs", "--tail", "15", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.stdout
