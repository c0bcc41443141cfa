"""`torchserve-conformance --namespace N --release R …`: the suite, where it is installed as a package."""

import sys
from pathlib import Path

import pytest


def main() -> int:
    return pytest.main(["-p", "no:cacheprovider", str(Path(__file__).parent), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
