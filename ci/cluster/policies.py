"""An enforcer of NetworkPolicies on our cluster: the firewall of kube-router, and nothing else of it, on the node's network."""

from typing import Any

from ci.cluster import images, probes, registry, source, store
from ci.cluster.kind import Kind
from ci.cluster.report import timings
from ci.cluster.versions import versions

NAMESPACE, NAME = "policies", "kube-router"
READY_SECONDS, END_SECONDS = 120, 240
HEALTH = 20244
FIREWALL = ["--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--run-loadbalancer=false",
            "--service-cluster-ip-range=10.96.0.0/16", f"--health-port={HEALTH}"]  # kind's range of Services
LABELS = {"app.kubernetes.io/part-of": "torchserve-kserve", "pod-security.kubernetes.io/enforce": "privileged"}
READS = {"": ["namespaces", "nodes", "pods", "services", "endpoints"], "discovery.k8s.io": ["endpointslices"],
         "networking.k8s.io": ["networkpolicies"]}
# Its own `--cleanup-config` ends before it has done anything (v2.1.0: no controller is made whose rules it would remove).
CLEAN_UP = """
for save in iptables-save ip6tables-save; do
  $save -t filter | grep -v -E 'KUBE-(ROUTER|POD-FW|NWPLCY)' | ${save%save}restore -T filter
done
ipset list -name | grep -E '^(inet6:)?KUBE-' | xargs -r -n 1 ipset destroy
"""


def image() -> str:
    """The image, which the engine has when this returns: upstream's where a registry answers, else ours."""
    if registry.answers():
        return registry.pull(versions()["pull"][NAME])
    recipe, program = images.IMAGES / NAME, source.binaries("policies") / NAME

    def make(name: str) -> None:
        root = images.root_tar(NAME)
        with images.context(recipe) as context:
            context.link(root, "root.tar")
            context.link(program, program.name)
            images.docker_build(name, context.folder)

    return images.built(NAME, store.key(recipe, program.parent.name), f"{NAME} image", make)


def install(cluster: Kind) -> None:
    """Has the cluster's NetworkPolicies enforced; waits until the enforcer runs."""
    with timings.stage("policies' enforcer"):
        name = image()
        cluster.load(name)
        cluster.apply(_objects(name))
        cluster.kubectl("--namespace", NAMESPACE, "rollout", "status", f"daemonset/{NAME}", f"--timeout={READY_SECONDS}s",
                        timeout=READY_SECONDS + 10)


def remove(cluster: Kind) -> None:
    """Takes the enforcer away, and after it its rules, which it leaves."""
    within = ["--namespace", NAMESPACE]
    cluster.kubectl(*within, "delete", "daemonset", NAME, "--ignore-not-found", "--cascade=foreground", timeout=END_SECONDS)
    cluster.kubectl(*within, "delete", "pod", "cleanup", "--ignore-not-found", timeout=END_SECONDS)
    cleanup = _pod(image(), command=["sh", "-ec", CLEAN_UP]) | {"restartPolicy": "Never"}
    cluster.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cleanup", "namespace": NAMESPACE}, "spec": cleanup}])
    cluster.kubectl(*within, "wait", "pod/cleanup", "--for=jsonpath={.status.phase}=Succeeded", f"--timeout={END_SECONDS}s",
                    timeout=END_SECONDS + 10)
    cluster.kubectl("delete", f"clusterrole/{NAME}", f"clusterrolebinding/{NAME}", f"namespace/{NAMESPACE}", timeout=END_SECONDS)


def _pod(image_name: str, **container: Any) -> dict[str, Any]:
    """A pod that may change the node's firewall; `container`: more of its container's fields."""
    firewall = {
        "name": NAME, "image": image_name, **container,
        "env": [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "lock", "mountPath": "/run/xtables.lock"},
                         {"name": "modules", "mountPath": "/lib/modules", "readOnly": True}],
    }
    return {"hostNetwork": True, "serviceAccountName": NAME, "terminationGracePeriodSeconds": 5,
            "tolerations": [{"operator": "Exists"}], "containers": [firewall],
            "volumes": [{"name": "lock", "hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}},
                        {"name": "modules", "hostPath": {"path": "/lib/modules"}}]}


def _objects(image_name: str) -> list[dict[str, Any]]:
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME}
    pod = _pod(image_name, args=FIREWALL, readinessProbe={"httpGet": {"path": "/healthz", "port": HEALTH}, **probes.FIELDS})
    rules = [{"apiGroups": [group], "resources": kinds, "verbs": ["get", "list", "watch"]} for group, kinds in READS.items()]
    labels = {"app": NAME}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": NAME}, "rules": rules},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": NAME},
         "roleRef": role, "subjects": [account]},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": NAME, "namespace": NAMESPACE},
         "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}},
    ]
