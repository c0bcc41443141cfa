"""Each check of checks/ on the release that the options name."""

import pytest

from .checks import CHECKS
from .target import NotApplicable, Target


@pytest.mark.parametrize("check", CHECKS)
def test_check(check: str, target: Target) -> None:
    try:
        CHECKS[check](target)
    except NotApplicable as reason:
        pytest.skip(str(reason))
