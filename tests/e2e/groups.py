"""Which tests of the suite are run where, in which mode, and in which order: facts about its modules."""

import pytest

MODES = ("Standard", "Knative")
# Modules that need our image, which is not built where a registry answers; and those that need a cluster of ours.
OF_OUR_IMAGE = ("test_protocols",)
OURS = ("test_gaps", "test_gateway", "test_great_changes", "test_notes", "test_other_runtime", "test_sources", "test_write_up",
        *OF_OUR_IMAGE)
# Modules with many releases or long waits: a process takes one of them by itself.
APART = ("test_agent", "test_changes", "test_conformance_defects", "test_diagnosis", "test_great_changes", "test_options",
         "test_other_runtime", "test_packaged", "test_protocols", "test_scaling", "test_sources", "test_upgraded")
# The order in which processes that are free take groups: the longest first, so that all end at about the same time.
ORDER = ("Standard", "Standard test_sources", "Standard test_upgraded", "Standard test_packaged", "Knative test_changes",
         "Standard test_changes", "Standard test_great_changes", "Knative test_scaling", "Standard test_protocols",
         "Standard test_other_runtime", "Standard test_agent", "Standard test_options", "Knative")
# What `nox -s tests` leaves to `nox -s e2e` in Knative mode. These modules: they hardly depend on the mode. And tests with these
# words in their names: the second example, helm's own test, changes of which the canary brings the like, and what Knative does
# with pods of a release that neither sleeps nor changes.
THOROUGH_TESTS = ("digits", "helm_test", "server_setting", "starts_again", "scaling_up_and_down")
THOROUGH = ("test_conformance", "test_great_changes", "test_lifecycle", "test_mistakes", "test_protocols", "test_storage_uri",
            "test_uninstalled")
# And in both modes: what is broken on purpose, and what can't be done without a gap.
THOROUGH_ANYWAY = ("test_by_hand", "test_conformance_defects", "test_diagnosis", "test_gaps")


def group(item: pytest.Item) -> str:
    """What one process runs: a mode, or in it a module that stands apart."""
    return f"{mode(item)} {item.path.stem}" if item.path.stem in APART else mode(item)


def turn(item: pytest.Item) -> int:
    """When a process that is free takes the group of a test."""
    found = group(item)
    return ORDER.index(found) if found in ORDER else len(ORDER)


def thorough(item: pytest.Item) -> bool:
    """Whether a test is left to `nox -s e2e`."""
    if item.path.stem in THOROUGH_ANYWAY:
        return True
    return mode(item) == "Knative" and (item.path.stem in THOROUGH or any(word in item.name for word in THOROUGH_TESTS))


def only(item: pytest.Item) -> tuple[str, ...]:
    """The modes that a test is for."""
    mark = item.get_closest_marker("only")
    return mark.args if mark else MODES


def mode(item: pytest.Item) -> str:
    """The deployment mode that a test is run in."""
    call = getattr(item, "callspec", None)
    return call.params.get("mode", MODES[0]) if call else MODES[0]
