"""What is wrong with a release: one folder with its events, objects and logs, helm's record, the nodes, and a guess at the cause.

    ci/nox -s diagnose -- --namespace NAMESPACE [--release RELEASE] [--kubeconfig FILE] [--output FOLDER]

Nothing on the cluster is changed. Secrets are not read, but for helm's own record; what looks like a secret in values and
environments is hidden. The suite calls it when a test on a cluster has failed.
"""

import argparse
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes
import yaml

from ci.cluster.paths import REPOSITORY
from ci.cluster.report import say
from ci.diagnosis import gather, guess
from ci.diagnosis.secrecy import scrubbed, without_secrets
from tests.conformance.owners import UNREADABLE, Object, short

ARTIFACTS = REPOSITORY / "artifacts"
CAUSE = "cause.txt"


def dump(api: kubernetes.client.ApiClient, namespace: str, folder: Path = ARTIFACTS, release: str = "") -> Path:
    """Writes the state of a namespace, or of one release in it, below `folder`; says where, and what is likely wrong.

    It is called because something else failed, which it must not hide: what can't be read is said, and left out.
    """
    target = folder / (f"{namespace}-{release}" if release else namespace)
    if (target / CAUSE).exists():  # an older account of ours: what it has and this one has not would mislead
        shutil.rmtree(target)
    target.mkdir(parents=True, exist_ok=True)
    state = gather.gather(api, namespace, release)
    write(state, target, release)
    say(f"the state of {'release ' + release + ' in ' if release else ''}namespace {namespace} is in {target}")
    for line in (target / CAUSE).read_text(encoding="utf-8").splitlines():
        say(line)
    return target


def write(state: gather.State, target: Path, release: str = "") -> None:
    """Everything that was read, as files. A piece that can't be written is told as a remark, and the others are."""
    kinds: dict[str, list[Object]] = defaultdict(list)
    for item in state.of(release) if release else state.items:
        group = item["apiVersion"].partition("/")[0] if item["kind"] == "Service" and "/" in item["apiVersion"] else ""
        kinds["-".join(filter(None, [f"{item['kind'].lower()}s", group]))].append(item)
    own = {id(item) for name in ([release] if release else state.releases) for item in state.of(name)}
    pieces: dict[str, Callable[[], str]] = {
        "events.txt": lambda: gather.event_lines(state.events), "nodes.yaml": lambda: gather.node_lines(state.nodes),
        "helm.yaml": lambda: _yaml(state.records)}
    for kind, items in kinds.items():
        pieces[f"{kind}.yaml"] = partial(_objects, items, own)
    for (pod, container, previous), text in state.logs.items():
        pieces[f"{pod}.{container}{'.previous' if previous else ''}.log"] = partial(str, text)
    pieces[CAUSE] = lambda: account(state, release)  # the last: it has the remarks on the others
    for file, piece in pieces.items():
        try:
            text = scrubbed(piece())
        except Exception as error:  # whatever it is, it must not hide what else was read
            state.remarks.append(f"{file} can't be written: {error!r}")
            text = scrubbed("\n".join(state.remarks)) + "\n" if file == CAUSE else ""
        (target / file).write_text(text, encoding="utf-8")


def _yaml(value: Any) -> str:
    return yaml.safe_dump(without_secrets(value), sort_keys=False, width=1 << 20)


def _objects(items: list[Object], own: set[int]) -> str:
    """Objects as YAML; of ConfigMaps that are none of a release no more than the keys and lengths."""
    return _yaml([_bare(item if item["kind"] != "ConfigMap" or id(item) in own else {**item, "data": {
        key: f"({len(text)} characters)" for key, text in (item.get("data") or {}).items()}}) for item in items])


def account(state: gather.State, release: str = "") -> str:
    """The guess for each release, one paragraph each, those that are not Ready first; then what must be known beside it."""
    names = [release] if release else sorted(state.releases, key=lambda name: (state.ready(name), name))
    said = []
    for name in names:
        if state.of(name):
            evidence = state.evidence(name)
            said.append(guess.paragraph(f"{state.namespace}/{name}", guess.causes(evidence), evidence, ready=state.ready(name)))
    return "\n".join([*said, *state.remarks]) + "\n"


def _bare(item: Object) -> Object:
    """An object without what nobody reads: who has set which field, and the content of binary files."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    binary = {name: f"({len(text)} characters of base64)" for name, text in (item.get("binaryData") or {}).items()}
    return {**item, "metadata": metadata, **({"binaryData": binary} if binary else {})}


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/nox -s diagnose --", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--release", default="", help="the release, or the InferenceService's name; without it, all of them")
    parser.add_argument("--kubeconfig", type=Path, help="else $KUBECONFIG, else ~/.kube/config")
    parser.add_argument("--output", type=Path, default=ARTIFACTS, help="folder, which gets one of that name in it")
    options = parser.parse_args()
    try:
        api = kubernetes.config.new_client_from_config(str(options.kubeconfig) if options.kubeconfig else None)
        gather.read(api, f"/api/v1/namespaces/{options.namespace}")
    except (kubernetes.config.ConfigException, OSError, *UNREADABLE) as error:
        print(f"The cluster, or its namespace {options.namespace}, can't be read: {short(error)} Give --kubeconfig FILE, or "
              "export KUBECONFIG.", file=sys.stderr)
        return 1
    dump(api, options.namespace, options.output, options.release)
    return 0


if __name__ == "__main__":
    sys.exit(main())
