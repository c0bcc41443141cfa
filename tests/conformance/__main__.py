"""`torchserve-conformance --namespace N --release R …`: the suite, where it is installed as a package."""

import os
import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)


def main() -> int:
    """By its folder, so that pytest knows the options; without settings of the repository that it is installed in."""
    return pytest.main(["-c", os.devnull, "--rootdir", HERE, "-p", "no:cacheprovider", HERE, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
