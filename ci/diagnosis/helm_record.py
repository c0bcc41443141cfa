"""What helm has recorded of a release: status, chart, values, out of the Secret where it keeps that (Helm 3 and 4 alike)."""

import base64
import gzip
import json
import re
from typing import Any

SECRET = re.compile(r"password|passwd|token|secret|credential|api_?key|private_?key|access_?key", re.IGNORECASE)
NO_SECRET = re.compile(r"name$|names$|file$|files$|ref$|token_?auth", re.IGNORECASE)
HIDDEN = "***"


def decode(data: str) -> dict[str, Any]:
    """A release out of the key `release` of its Secret, as the API has it. Raises ValueError or OSError if it is none."""
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))


def summary(record: dict[str, Any]) -> dict[str, Any]:
    """What a diagnosis needs of it; values that look like secrets are hidden."""
    info, chart = record.get("info", {}), record.get("chart", {}).get("metadata", {})
    return {"release": record.get("name"), "revision": record.get("version"), "status": info.get("status"),
            "description": info.get("description"), "chart": f"{chart.get('name')}-{chart.get('version')}",
            "deployed": info.get("last_deployed"), "values": without_secrets(record.get("config") or {})}


def without_secrets(value: Any) -> Any:
    """The same without strings whose names say that they are secret: fields, and values of environment variables."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = {key: HIDDEN if isinstance(item, str) and item and _secret(key) else without_secrets(item)
              for key, item in value.items()}
    if isinstance(value.get("value"), str) and _secret(str(value.get("name", ""))):
        hidden["value"] = HIDDEN
    return hidden


def _secret(key: str) -> bool:
    return bool(SECRET.search(key)) and not NO_SECRET.search(key)
