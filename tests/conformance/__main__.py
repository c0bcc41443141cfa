"""`torchserve-conformance --namespace N --release R …`: the suite, where it is installed as a package."""

import sys

import pytest


def main() -> int:
    return pytest.main(["--pyargs", __package__ or "torchserve_conformance", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
