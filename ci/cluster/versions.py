"""Reads `ci/versions.yaml`, the one table of versions."""

from functools import cache
from typing import Any

import yaml

from ci.cluster.paths import CI


@cache
def versions() -> dict[str, Any]:
    """The whole table; its sections are described in the file itself."""
    return yaml.safe_load((CI / "versions.yaml").read_text())
