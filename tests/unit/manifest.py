"""Puts rendered files together as `helm template` prints them: objects in the order of their kinds, hooks last."""

from __future__ import annotations

import re

# Helm's order of installation, of the kinds that the chart has or may have in extraObjects; others follow, by their names.
ORDER = ["NetworkPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "PersistentVolume",
         "PersistentVolumeClaim", "Role", "RoleBinding", "Service", "Pod", "Deployment", "Job", "CronJob"]  # fmt: skip
PLACE = {kind: place for place, kind in enumerate(ORDER)}
SEPARATOR = re.compile(r"(?:^|\s*\n)---\s*")
KIND = re.compile(r"(?m)^kind:[ ]*[\"']?(\w+)")
HOOK = re.compile(r"(?m)^ +[\"']?helm\.sh/hook[\"']?:")


def manifest(chart: str, files: dict[str, str]) -> str:
    """Standard output of `helm template` for rendered files, path in the chart -> text; empty where there are none."""
    plain, hooks = [], []
    for name in sorted(files):
        for text in filter(None, SEPARATOR.split(files[name].strip())):
            kind = found.group(1) if (found := KIND.search(text)) else ""
            (hooks if HOOK.search(text) else plain).append((kind, f"---\n# Source: {chart}/{name}\n{text.strip()}\n"))
    plain.sort(key=lambda item: (PLACE.get(item[0], len(PLACE)), item[0] if item[0] not in PLACE else ""))
    return "".join(text for _, text in plain + hooks)
