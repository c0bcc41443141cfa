"""What seed.py is told on its command line."""
from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Put the model archives of a plan on a volume.", allow_abbrev=False)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--destination", type=Path, required=True, help="the claim's directory")
    parser.add_argument("--mounts", type=Path, help="has configMap/, pvc/ and oci/ with the files of these sources")
    parser.add_argument("--secrets", type=Path, help="has a directory of keys per Secret")
    parser.add_argument("--receive", metavar="MODEL", help="take the upload:// file of this model from standard input")
    parser.add_argument("--connections", type=at_least(1), default=8, help="at once, to a server that honours ranges")
    parser.add_argument("--attempts", type=at_least(1), default=5, help="tries in a row without progress, per connection")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before the second try, then doubled")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds without a byte that end a try")
    parser.add_argument("--progress-seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true", help="machine-readable lines on stdout")
    parser.add_argument("--owner", default="", help="whose plan it is, for --keep-old")
    parser.add_argument("--keep-old", type=at_least(0), help="how many old artefacts of the owner stay; default: all")
    parser.add_argument("--keep", metavar="PATH", action="append", default=[],
                        help="relative to the destination: never pruned, whatever the plan names")
    parser.add_argument("--termination-log", type=Path, default=Path("/dev/termination-log"), help="used if it exists")
    return parser.parse_args(argv)


def at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if int(text) < least:
            raise ValueError
        return int(text)

    return number
