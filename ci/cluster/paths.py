"""Where things are: the repository, and the cache that outlives it.

The cache is shared by all checkouts of one user, so a fresh clone finds what another one built. Every entry in it is
named after the hash of what it was made from (see `store.py`).
"""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts" / "torchserve-kserve"
EXAMPLES = REPOSITORY / "examples"
CI = REPOSITORY / "ci"


def cache() -> Path:
    """The cache folder: $TORCHSERVE_KSERVE_CACHE, else a folder in the user's cache folder."""
    given = os.environ.get("TORCHSERVE_KSERVE_CACHE")
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "torchserve-kserve"


def prefix() -> str:
    """First part of the names of images, clusters and containers of ours: $TORCHSERVE_KSERVE_PREFIX, else the project's."""
    return os.environ.get("TORCHSERVE_KSERVE_PREFIX", "torchserve-kserve")
