"""Which tests of the suite are run where, in which mode, and in which order: facts about its modules."""

import pytest

MODES = ("Standard", "Knative")
# Modules that need our image, which is not built where a registry answers; and those that need a cluster of ours.
OF_OUR_IMAGE = ("test_protocols",)
OURS = ("test_gateway", "test_other_runtime", "test_sources", "test_write_up", *OF_OUR_IMAGE)
# Modules with many releases or long waits: a process takes one of them by itself.
APART = ("test_changes", "test_other_runtime", "test_protocols", "test_scaling", "test_sources")
# The groups that processes take first: beside the main job, what waits longest.
EARLY = ("Standard", "Knative test_changes", "Knative test_scaling", "Knative")
# What hardly depends on the mode: `nox -s tests` runs it in Standard mode, `nox -s e2e` in Knative mode, too. These modules, and
# the second example, in a test's name.
SECOND_EXAMPLE = "digits"
THOROUGH = ("test_lifecycle", "test_mistakes", "test_protocols", "test_storage_uri", "test_uninstalled")


def group(item: pytest.Item) -> str:
    """What one process runs: a mode, or in it a module that stands apart."""
    return f"{mode(item)} {item.path.stem}" if item.path.stem in APART else mode(item)


def turn(item: pytest.Item) -> int:
    """When a process that is free takes the group of a test."""
    found = group(item)
    return EARLY.index(found) if found in EARLY else len(EARLY)


def thorough(item: pytest.Item) -> bool:
    """Whether a test is left to `nox -s e2e`."""
    return mode(item) == "Knative" and (item.path.stem in THOROUGH or SECOND_EXAMPLE in item.name)


def only(item: pytest.Item) -> tuple[str, ...]:
    """The modes that a test is for."""
    mark = item.get_closest_marker("only")
    return mark.args if mark else MODES


def mode(item: pytest.Item) -> str:
    """The deployment mode that a test is run in."""
    call = getattr(item, "callspec", None)
    return call.params.get("mode", MODES[0]) if call else MODES[0]
