"""The page about migration is what the chart of this tree says."""

import json
import re

from ci import helm, migration
from ci.cluster.paths import CHART


def test_the_page_about_migration_says_what_the_chart_says() -> None:
    assert migration.PAGE.read_text() == migration.page(), "make it anew: ci/nox -s docs"


def test_the_nearest_form_of_the_write_up_renders() -> None:
    assert helm.render(migration.RELEASE, migration.NAMESPACE, migration.values())


def test_what_is_installed_has_the_host_and_no_mesh() -> None:
    found = migration.values()
    assert found["domainMapping"] == {"hosts": ["torchserve.kubeflow-user-example-com.example.com"]}
    assert "kubeflow" not in found


def test_predictor_pytorch_is_refused_by_a_sentence_that_names_what_to_write() -> None:
    (setting,) = [setting for setting in migration.SETTINGS if setting.written == "predictor.pytorch"]
    answer = migration.answer(setting)
    assert answer.startswith("predictor.pytorch") and "predictor.model" in answer


def test_every_step_of_the_write_up_has_a_value_or_a_command_that_exists() -> None:
    keys = json.loads((CHART / "values.schema.json").read_text())["properties"].keys()
    values = re.compile(r"`(\w+)(?:\.[\w.]+)?(?:: [^`]*)?`")
    for step in migration.STEPS:
        named = {key for key in values.findall(step.instead) if key not in ("uri", "storageClass", "accessModes")}
        assert named <= keys | {"CHART"}, step
        assert named or re.search(r"`(helm|kubectl) |curl|same request|\]\(", step.instead), step
    done = " ".join(step.done for step in migration.STEPS)
    words = ("claim", "notebook", ".mar", "storageUri: pvc://", "k9s", "storage-initializer", "kserve-container", "queue-proxy",
             "istio-proxy", "Host", "cookie", "over HTTP", "over HTTPS")
    assert [word for word in words if word not in done] == []


def test_an_answer_of_the_schema_does_not_depend_on_helms_version() -> None:
    assert migration.answer(migration.SETTINGS[0]) == "refused by the schema: Standard or Knative"


def test_the_answer_about_the_host_is_in_the_notes_of_a_release_without_it() -> None:
    answer = migration.answer(migration.SETTINGS[-1])
    assert "torchserve-predictor.kubeflow-user-example-com.<domain>; set domainMapping.hosts for another." in answer
