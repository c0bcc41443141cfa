"""What is left of the releases that the modules before this one have uninstalled: nothing but the pods of `helm test`.

Helm leaves those, so that their logs can be read; the release's next test replaces them."""

from collections.abc import Callable

import kubernetes

from ci.cluster.waiting import wait_for

GONE_SECONDS = 300  # that a pod ends by itself, before its grace period is over, is for test_lifecycle


def test_nothing_is_left_of_uninstalled_releases(
        uninstalled: list[str], claims: Callable[[], list[str]], api: kubernetes.client.ApiClient, namespace: str) -> None:
    assert uninstalled, "no module before this one has uninstalled a release: run the suite as a whole"
    core, custom = kubernetes.client.CoreV1Api(api), kubernetes.client.CustomObjectsApi(api)
    theirs = f"app.kubernetes.io/instance in ({','.join(uninstalled)}),app.kubernetes.io/component!=test"

    def left() -> list[str]:
        found = [*core.list_namespaced_pod(namespace, label_selector=theirs).items,
                 *core.list_namespaced_config_map(namespace, label_selector=theirs).items]
        runtimes = custom.list_namespaced_custom_object(
            "serving.kserve.io", "v1alpha1", namespace, "servingruntimes", label_selector=theirs)["items"]
        return [*(item.metadata.name for item in found), *(item["metadata"]["name"] for item in runtimes)]

    wait_for("nothing to be left of them", lambda: not left(), seconds=GONE_SECONDS)
    assert {f"{name}-model-store" for name in uninstalled}.isdisjoint(claims())
