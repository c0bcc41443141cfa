"""Namespaces that killed runs of tests left on a cluster of ours."""

from collections.abc import Mapping

import kubernetes

from ci.release import delete


def remove_namespaces(core: kubernetes.client.CoreV1Api, labels: Mapping[str, str], *others: str) -> None:
    """Has the namespaces deleted that have these labels and fit these selectors, too; one that a run before is still deleting may
    be gone any moment."""
    selector = ",".join([*(f"{key}={value}" for key, value in labels.items()), *others])
    for leftover in core.list_namespace(label_selector=selector).items:
        delete(core.delete_namespace, leftover.metadata.name)
