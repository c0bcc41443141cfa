"""Kubernetes objects as YAML text, read and written by libyaml: CRDs are long, and Python alone takes seconds for them."""

from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def read(text: str) -> list[dict[str, Any]]:
    """The objects of a text; empty documents are left out."""
    return [item for item in yaml.load_all(text, _Loader) if item]


def write(objects: list[dict[str, Any]]) -> str:
    """One text with all objects."""
    return yaml.dump_all(objects, Dumper=_Dumper)
