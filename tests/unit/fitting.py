"""What of a value doesn't fit a JSON schema."""

from __future__ import annotations

import jsonschema_rs


def validator(schema: dict) -> jsonschema_rs.Draft7Validator:
    """Of draft 7, the one that helm knows; ValueError where it is no schema. A format is a note, as it is for helm."""
    return jsonschema_rs.Draft7Validator(schema, validate_formats=False)


def misfits(judge: jsonschema_rs.Draft7Validator, value: object) -> list[str]:
    """Path and error of each place that doesn't fit."""
    return [f"{_path(error.instance_path)}: {error.message}" for error in judge.iter_errors(value)]


def _path(keys: list[str | int]) -> str:
    return "$" + "".join(f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" for key in keys)
