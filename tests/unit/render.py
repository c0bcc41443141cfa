"""What the chart makes of values: objects, sentences of its rules, notes. Each once, and in one run of helm what can be."""

from __future__ import annotations

import functools
import json
import pickle
import re
from pathlib import Path

import yaml

from tests.unit import batch
from tests.unit.batch import CHART, LOADER, NOTES, OBJECTS, RULES, Answer, Case

NAMESPACE = "models"
RELEASE = "demo"

# What is known already; tests/unit/rehearsal.py fills it ahead of the tests.
KNOWN: dict[Case, Answer] = {}
NOTHING = pickle.dumps(None)  # what `parsed` makes of a document that is empty


class RenderError(Exception):
    """Helm refused; the text is its standard error, or what the rules or the schema say."""


class Unknown(BaseException):
    """In a rehearsal: this has not been rendered yet. No `except Exception` of a test takes it for its own."""


class Rehearsal:
    """While one is on, what is not known is noted instead of rendered."""

    on = False
    asked: dict[Case, None] = {}  # noqa: RUF012  # in the order in which they came


def answers(cases: list[Case]) -> list[Answer]:
    """What the chart makes of each case. Unknown in a rehearsal."""
    missing = [case for case in cases if case not in KNOWN]
    if missing and Rehearsal.on:
        Rehearsal.asked |= dict.fromkeys(missing)
        raise Unknown
    if missing:
        KNOWN.update(batch.answers(missing))
    return [KNOWN[case] for case in cases]


def case_of(values: dict, wanted: str, release: str = RELEASE, namespace: str = NAMESPACE) -> Case:
    return Case(json.dumps(values, sort_keys=True), release, namespace, wanted)


def answer(values: dict, wanted: str, release: str = RELEASE, namespace: str = NAMESPACE) -> Answer:
    (found,) = answers([case_of(values, wanted, release, namespace)])
    return found


def helm_template(values: str, release: str = RELEASE, chart: Path = CHART, namespace: str = NAMESPACE) -> str:
    """Standard output of `helm template` itself; values is JSON. RenderError where helm refuses."""
    if Rehearsal.on:
        raise Unknown
    done = batch.helm_template(chart, values, release, namespace)
    if done.returncode:
        raise RenderError(done.stderr)
    return done.stdout


@functools.cache
def parsed(document: str) -> bytes:
    """An object of a manifest, or None, pickled: that is the quickest copy."""
    return pickle.dumps(yaml.load(document, LOADER))


def pieces(values: dict, release: str = RELEASE, wanted: str = OBJECTS) -> tuple[str, ...]:
    """What helm prints, document for document. RenderError where the chart refuses the values."""
    found = answer(values, wanted, release)
    if found.unfit or found.said or found.failed:
        raise RenderError(found.unfit or found.said or found.failed)
    return found.pieces


def rendered(values: dict, release: str = RELEASE) -> str:
    """What `helm template` prints."""
    return "".join(pieces(values, release))


@functools.cache
def misfits(document: str) -> list[str]:
    """What an API server would refuse or drop in an object of a manifest; nothing of a kind that `extraObjects` alone has."""
    from tests.unit import schemas  # here: it asks this module whether a rehearsal is on

    item = pickle.loads(parsed(document))
    return [f"{item['kind']} {item['metadata']['name']} {fault}" for fault in schemas.faults(item)] if schemas.known(item) else []


def render_chart(values: dict, release: str = RELEASE, chart: Path = CHART, fits: bool = True) -> list[dict]:
    """Every object that the chart renders with these values, hooks included; each is what an API server takes, unless `fits` is
    False: a test says so where the user's own wrong field is its subject."""
    if chart == CHART:
        found = pieces(values, release)
    else:
        found = re.split(r"(?m)^---\n", helm_template(json.dumps(values), release, chart))
    documents = [document for document in found if parsed(document) != NOTHING]
    if fits and not Rehearsal.on:
        wrong = [misfit for document in documents for misfit in misfits(document)]
        assert not wrong, "the chart renders what the API server refuses or drops: " + "; ".join(wrong)
    return [pickle.loads(parsed(document)) for document in documents]


def render_charts(cases: list[dict]) -> list[list[dict]]:
    """The same of several values, all of which are asked for at once."""
    answers([case_of(values, OBJECTS) for values in cases])
    return [render_chart(values) for values in cases]


def complaints(values: dict, release: str = RELEASE, namespace: str = NAMESPACE) -> list[str]:
    """The sentences with which validate.yaml refuses the values, an empty list where it does not and all objects render."""
    found = answer(values, OBJECTS, release, namespace)
    assert not found.unfit + found.failed, f"refused, but not by validate.yaml: {found.unfit}{found.failed}"
    return found.said.splitlines()


def complaints_of(cases: list[dict]) -> list[list[str]]:
    """The sentences with which validate.yaml refuses each of the values; none where it doesn't. All must fit the schema."""
    found = answers([case_of(values, RULES) for values in cases])
    assert [one.unfit + one.failed for one in found if one.unfit or one.failed] == []
    return [one.said.splitlines() for one in found]


def schema_error(values: dict) -> str:
    """Where the values don't fit the schema, a line for each place; an empty string where they do."""
    return batch.unfit(batch.coalesced(values, batch.defaults()))


def of_kind(objects: list[dict], kind: str) -> list[dict]:
    return [item for item in objects if item["kind"] == kind]


def only(objects: list[dict], kind: str, name_contains: str = "") -> dict:
    """The one object of that kind whose name contains the text."""
    found = [item for item in of_kind(objects, kind) if name_contains in item["metadata"]["name"]]
    assert len(found) == 1, f"{len(found)} objects of kind {kind} with {name_contains!r} in the name"
    return found[0]


def mounted(objects: list[dict]) -> dict[str, str]:
    """What the server finds in its volumes, path -> text: out of ConfigMaps, or of the pod's annotations as Kubernetes projects
    them. Those are the runtime's, which KServe copies to the pod."""
    spec = only(objects, "ServingRuntime")["spec"]
    found = {}
    for mount in spec["containers"][0]["volumeMounts"]:
        (volume,) = [volume for volume in spec["volumes"] if volume["name"] == mount["name"]]
        if "items" in volume.get("configMap", {}):
            continue  # the user's own
        if "configMap" in volume:
            files = only(objects, "ConfigMap", volume["configMap"]["name"])["data"]
        else:
            sources = volume.get("projected", {}).get("sources", [])
            items = [item for source in sources for item in source["downwardAPI"]["items"]]
            keys = {item["path"]: item["fieldRef"]["fieldPath"] for item in items}
            files = {path: spec["annotations"][key.split("'")[1]] for path, key in keys.items()}
        found |= {f"{mount['mountPath']}/{name}": text for name, text in files.items()}
    return found


def notes(values: dict) -> str:
    """NOTES.txt as an install prints it."""
    return "".join(pieces(values, wanted=NOTES))
