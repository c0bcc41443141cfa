"""The page about migration is what the chart of this tree says."""

from ci import helm, migration


def test_the_page_about_migration_says_what_the_chart_says() -> None:
    assert migration.PAGE.read_text() == migration.page(), "make it anew: ci/nox -s docs"


def test_the_nearest_form_of_the_write_up_renders() -> None:
    assert helm.render(migration.RELEASE, migration.NAMESPACE, migration.values())
