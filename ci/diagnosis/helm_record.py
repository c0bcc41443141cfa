"""What helm has recorded of a release: status, chart, values, out of the Secret where it keeps that (Helm 3 and 4 alike)."""

import base64
import gzip
import json
from typing import Any

from ci.diagnosis.secrecy import without_secrets


def decode(data: str) -> dict[str, Any]:
    """A release out of the key `release` of its Secret, as the API has it. Raises ValueError or OSError if it is none."""
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))


def summary(record: dict[str, Any]) -> dict[str, Any]:
    """What a diagnosis needs of it; values that look like secrets are hidden."""
    info, chart = record.get("info", {}), record.get("chart", {}).get("metadata", {})
    return without_secrets({"release": record.get("name"), "revision": record.get("version"), "status": info.get("status"),
            "description": info.get("description"), "chart": f"{chart.get('name')}-{chart.get('version')}",
            "deployed": info.get("last_deployed"), "values": record.get("config") or {}})
