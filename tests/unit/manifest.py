"""Puts rendered files together as `helm template` prints them: objects in the order of their kinds, hooks last."""

from __future__ import annotations

import functools
import re

# Helm's order of installation, of the kinds that the chart has or may have in extraObjects; others follow, by their names.
ORDER = ["NetworkPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret", "ConfigMap", "PersistentVolume",
         "PersistentVolumeClaim", "Role", "RoleBinding", "Service", "Pod", "Deployment", "Job", "CronJob"]  # fmt: skip
PLACE = {kind: place for place, kind in enumerate(ORDER)}
SEPARATOR = re.compile(r"\n---\s*")
KIND = re.compile(r"(?m)^kind:[ ]*[\"']?(\w+)")
HOOK = re.compile(r"(?m)^ +[\"']?helm\.sh/hook[\"']?:")


def documents(chart: str, files: dict[str, str]) -> tuple[str, ...]:
    """Standard output of `helm template` for rendered files, path in the chart -> text; a document each."""
    found = [one for name in sorted(files) for one in _of_file(f"{chart}/{name}", files[name])]
    return tuple(text for _, text in sorted(found, key=lambda one: one[0]))


@functools.cache
def _of_file(source: str, text: str) -> list[tuple[tuple, str]]:
    """The documents of a rendered file, each with what it is sorted by. Most files are the same in many renders."""
    found = []
    for part in filter(None, map(str.strip, SEPARATOR.split(f"\n{text}"))):
        kind = said.group(1) if (said := KIND.search(part)) else ""
        place = (False, PLACE.get(kind, len(PLACE)), "" if kind in PLACE else kind)
        found.append(((True,) if HOOK.search(part) else place, f"---\n# Source: {source}\n{part}\n"))
    return found
