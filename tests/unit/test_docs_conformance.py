"""docs/conformance.md: every check with what it looks at, and every option."""

import pytest

from ci.cluster.paths import REPOSITORY
from tests.conformance.checks import CHECKS
from tests.conformance.options import OPTIONS, SEVERAL

PAGE = (REPOSITORY / "docs" / "conformance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS)
def test_the_page_says_what_a_check_looks_at(check: str) -> None:
    group, name = check.split(".")
    assert f"| {group} | {name.replace('_', ' ')} | {' '.join((CHECKS[check].__doc__ or '').split())} |" in PAGE


@pytest.mark.parametrize("option", [*OPTIONS, *SEVERAL, "--burst"])
def test_the_page_has_the_option(option: str) -> None:
    assert f"`{option}" in PAGE
