"""What the unit tests share: failures inside the shared tests of rules are told as fully as elsewhere."""

import pytest

pytest.register_assert_rewrite("tests.unit.rules")
