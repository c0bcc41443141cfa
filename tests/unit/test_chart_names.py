"""Names that carry a hash: equal for equal contents, different for different ones, blind to the chart's version."""

from __future__ import annotations

import hashlib
import json
import shutil
from itertools import pairwise

import pytest
import yaml

from tests.unit.cases import CASES, EXISTING, SMALLEST, URI, changed
from tests.unit.render import CHART, of_kind, only, render_chart, render_charts
from tests.unit.schemas import faults

# Kinds whose contents can't change under one name: immutable ConfigMaps, a Job's spec, a runtime whose change would
# roll the predictor twice.
CONTENTS = {"ConfigMap": "data", "Job": "spec", "ServingRuntime": "spec"}

VARIANTS = [
    SMALLEST,
    EXISTING,
    *CASES.values(),
    changed(SMALLEST, models__bert__sha256="a" * 64),
    changed(SMALLEST, models__bert__minWorkers=2),
    changed(SMALLEST, models__bert__version="2.0"),
    changed(SMALLEST, models__bert__startupTimeout=300),
    changed(SMALLEST, seed__timeoutSeconds=900),
    changed(SMALLEST, seed__resources__limits__memory="2Gi"),
    changed(SMALLEST, seed__revision="2"),
    changed(SMALLEST, seed__connections=2),
    changed(SMALLEST, seed__keepOld=1),
    changed(SMALLEST, models__bert__credentials={"secretName": "login"}),
    changed(SMALLEST, models__bert={"build": {"handler": "image_classifier"}}),
    changed(SMALLEST, runtime__image__tag="0.12.0-gpu"),
    changed(SMALLEST, runtime__resources__limits__cpu=4),
    changed(SMALLEST, persistence__accessModes=["ReadWriteMany"]),
    changed(SMALLEST, persistence__subPath="a"),
    changed(SMALLEST, properties__job_queue_size=7),
    changed(SMALLEST, imagePullSecrets=[{"name": "x"}]),
    changed(SMALLEST, securityContext__runAsUser=1001),
    changed(SMALLEST, protocol="v2"),
    changed(SMALLEST, deploymentMode="Knative"),
    changed(SMALLEST, deploymentMode="Knative", properties__job_queue_size=7),
    changed(SMALLEST, runtime={"flavor": "wrapper", "image": {"repository": "torchserve-kserve/torchserve"}}),
]


def hashed(objects: list[dict]) -> dict[tuple[str, str], str]:
    """(kind, name) -> contents, of the objects whose name is a hash."""
    return {
        (item["kind"], item["metadata"]["name"]): json.dumps(item[CONTENTS[item["kind"]]], sort_keys=True)
        for item in objects
        if item["kind"] in CONTENTS
    }


def copy_of_chart(scratch, edits: dict[str, str]):
    """A copy of the chart with a text appended to some of its files."""
    chart = scratch / CHART.name
    shutil.copytree(CHART, chart)
    for name, text in edits.items():
        with (chart / name).open("a") as file:
            file.write(text)
    return chart


def test_contents_never_differ_under_one_name():
    known: dict[tuple[str, str], str] = {}
    for objects in render_charts(VARIANTS):
        for identity, contents in hashed(objects).items():
            assert known.setdefault(identity, contents) == contents, identity


@pytest.mark.parametrize("kind", CONTENTS)
def test_one_content_never_has_two_names(kind):
    known: dict[str, str] = {}
    for objects in render_charts(VARIANTS):
        for (found, name), contents in hashed(objects).items():
            assert found != kind or known.setdefault(contents, name) == name


def test_a_new_chart_version_renames_nothing_and_changes_only_labels(tmp_path):
    chart = copy_of_chart(tmp_path, {})
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(metadata | {"version": "9.9.9", "appVersion": "9.9.9"}))
    before, after = render_chart(SMALLEST), render_chart(SMALLEST, chart=chart)
    assert hashed(before) == hashed(after)
    assert only(before, "InferenceService") == only(after, "InferenceService")
    assert before != after, "the version has to show somewhere"
    for item in [*before, *after]:
        del item["metadata"]["labels"]
    assert before == after


@pytest.mark.parametrize(
    ("file", "renamed"),
    [
        ("files/seed.py", {"demo-seed"}),
        ("files/seed_volume.py", {"demo-seed"}),
        ("files/start.py", {"demo-start", "demo"}),
        ("files/ready.sh", {"demo-start", "demo"}),
        ("files/log4j2.xml", {"demo-config", "demo"}),
        ("files/inflight.py", {"demo-start", "demo"}),
        ("files/alive.sh", set()),  # the wrapper's alone
        ("files/predict.py", set()),
    ],
)
def test_a_changed_program_renames_what_holds_it_and_what_mounts_it(tmp_path, file, renamed):
    before = hashed(render_chart(SMALLEST))
    after = hashed(render_chart(SMALLEST, chart=copy_of_chart(tmp_path, {file: "\n# changed\n"})))
    assert {name.rpartition("-")[0] for _, name in before.keys() - after.keys()} == renamed


def test_in_knative_mode_a_changed_program_renames_the_runtime_that_holds_it(tmp_path):
    values = changed(SMALLEST, deploymentMode="Knative")
    before = hashed(render_chart(values))
    after = hashed(render_chart(values, chart=copy_of_chart(tmp_path, {"files/start.py": "\n# changed\n"})))
    assert {name.rpartition("-")[0] for _, name in before.keys() - after.keys()} == {"demo"}


def test_a_changed_seed_program_keeps_the_plan_and_so_the_server(tmp_path):
    after = render_chart(SMALLEST, chart=copy_of_chart(tmp_path, {"files/seed.py": "\n# changed\n"}))
    assert only(after, "ServingRuntime") == only(render_chart(SMALLEST), "ServingRuntime")


def test_a_new_image_keeps_the_marker():
    args = [
        only(render_chart(values), "ServingRuntime")["spec"]["containers"][0]["args"]
        for values in (SMALLEST, changed(SMALLEST, runtime__image__tag="other"))
    ]
    assert args[0] == args[1]


def test_the_hash_of_the_plan_is_the_one_of_its_bytes():
    objects = render_chart(SMALLEST)
    plan = only(objects, "ConfigMap", "seed")["data"]["plan.json"]
    args = only(objects, "ServingRuntime")["spec"]["containers"][0]["args"]
    marker = args[args.index("--marker") + 1]
    assert marker == f".seed/{hashlib.sha256(plan.encode()).hexdigest()[:10]}.json"


def test_the_hash_of_the_smallest_plan_never_changes():
    """A new chart version that hashed plans differently would make every release seed again."""
    args = only(render_chart(SMALLEST), "ServingRuntime")["spec"]["containers"][0]["args"]
    assert ".seed/e964ce3087.json" in args


def test_an_artefact_that_changes_gets_a_new_file_and_the_old_name_is_not_used_again():
    changes = [SMALLEST, changed(SMALLEST, models__bert__sha256="a" * 64), changed(SMALLEST, models__bert__uri=URI + "?v=2")]
    changes.append(changed(SMALLEST, seed__revision="2"))
    files = [json.loads(only(render_chart(v), "ConfigMap", "seed")["data"]["plan.json"])["artifacts"][0]["path"] for v in changes]
    assert len(set(files)) == 4
    assert all(file.startswith("model-store/bert-model-") and file.count(".") == 1 for file in files)


@pytest.mark.parametrize("case", CASES)
def test_every_reference_between_objects_resolves(case):
    """Between the chart's own; what extraObjects are for is their user's business."""
    objects = render_chart({key: value for key, value in CASES[case].items() if key != "extraObjects"})
    names = {item["metadata"]["name"] for item in of_kind(objects, "ConfigMap")}
    runtimes = of_kind(objects, "ServingRuntime")
    given = CASES[case].get("runtime", {}).get("name")
    named = only(objects, "InferenceService")["spec"]["predictor"]["model"]["runtime"]
    assert [named] == ([given] if given else [runtime["metadata"]["name"] for runtime in runtimes])
    used = [volume for runtime in runtimes for volume in runtime["spec"]["volumes"]]
    for job in of_kind(objects, "Job"):
        used += job["spec"]["template"]["spec"]["volumes"]
    config_maps = [volume["configMap"] for volume in used if "configMap" in volume]
    found = {item["name"] for item in config_maps if not {"optional", "items"} & set(item)}  # with these it is the user's
    assert found == names - {"demo-dashboard"}, "which is Grafana's"


def test_all_names_fit_where_the_release_name_is_longest():
    for item in render_chart(SMALLEST, release="a" * 40):
        assert len(item["metadata"]["name"]) <= 63


def test_variants_really_differ():
    names = [sorted(hashed(render_chart(values))) for values in VARIANTS[2:]]
    assert all(one != other for one, other in pairwise(names))


def under(node: object, keys: set[str], path: str = "") -> list[tuple[str, object]]:
    """(path, value) of everything that stands under one of the keys, anywhere in an object."""
    found = []
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        values = child.items() if isinstance(child, dict) else [("", child)]
        found += [(f"{path}/{key}/{name}", value) for name, value in values if key in keys]
        found += under(child, keys, f"{path}/{key}")
    return found


@pytest.mark.parametrize("release", ["true", "null", "off"])
def test_a_name_that_yaml_reads_as_something_else_stays_a_name(release):
    """Sources and claim are named so, too: `1e3` and `123` are names that Kubernetes takes."""
    claim = {"create": False, "existingClaim": "123"}
    values = changed(SMALLEST, models__on={"uri": "configMap://1e3/0x1"}, persistence=claim)
    login = {"uri": f"{URI}?no", "credentials": {"secretName": "1e5"}}
    values = changed(values, models__off={"uri": "pvc://1e4/a.mar"}, models__no=login, models__yes={"uri": "oci://123#/456"})
    values = changed(values, seed={"ca": {"secretName": "1e6"}, "serviceAccountName": "1e7"})
    objects = render_chart(values, release=release) + render_chart(SMALLEST, release=release)
    keys = {"name", "labels", "matchLabels", "annotations", "claimName", "secretName", "serviceAccountName", "image"}
    named = [found for item in objects for found in under(item, keys)]
    assert {type(value) for _, value in named} == {str}, [path for path, value in named if not isinstance(value, str)]
    assert [fault for item in objects for fault in faults(item)] == []
    labels = [item["metadata"]["labels"]["app.kubernetes.io/instance"] for item in objects]
    assert set(labels) == {release}
    assert all(item["metadata"]["name"].startswith(release) for item in objects)
