"""The page about migration is what the chart of this tree says."""

from ci import helm, migration


def test_the_page_about_migration_says_what_the_chart_says() -> None:
    assert migration.PAGE.read_text() == migration.page(), "make it anew: ci/nox -s docs"


def test_the_nearest_form_of_the_write_up_renders() -> None:
    assert helm.render(migration.RELEASE, migration.NAMESPACE, migration.values())


def test_what_is_installed_has_the_host_and_no_mesh() -> None:
    found = migration.values()
    assert found["domainMapping"] == {"hosts": ["torchserve.kubeflow-user-example-com.example.com"]}
    assert "kubeflow" not in found


def test_a_setting_without_a_value_of_the_chart_says_so() -> None:
    answers = [migration.answer(setting) for setting in migration.SETTINGS if setting.tried is None]
    assert answers == ["none: the chart has no value for it"]


def test_an_answer_of_the_schema_does_not_depend_on_helms_version() -> None:
    assert migration.answer(migration.SETTINGS[0]) == "refused by the schema: Standard or Knative"


def test_the_answer_about_the_host_is_in_the_notes_of_a_release_without_it() -> None:
    answer = migration.answer(migration.SETTINGS[-1])
    assert "torchserve-predictor.kubeflow-user-example-com.<domain>; set domainMapping.hosts for another." in answer
