"""A small value of any field, made from its JSON schema."""

from __future__ import annotations


def sample(schema: dict) -> object:
    """A value that fits: of an object the required properties, or else its first one."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("x-kubernetes-int-or-string"):
        return 1
    if schema.get("type") == "array":
        return [sample(schema["items"])]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if not properties:
            return {"a": sample(schema.get("additionalProperties", {"type": "string"}))}
        return {name: sample(properties[name]) for name in schema.get("required") or sorted(properties)[:1]}
    return {"boolean": True, "integer": 7}.get(schema.get("type"), "a")
