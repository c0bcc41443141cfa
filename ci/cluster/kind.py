"""Our kind cluster: one node, made anew, started again after a reboot, or removed; a foreign one is left alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ci.cluster import images, objects, oci_shim, ports, shell, store
from ci.cluster.errors import Problem
from ci.cluster.paths import cache
from ci.cluster.report import say, timings
from ci.cluster.versions import versions
from ci.cluster.waiting import wait_for

ANSWER_SECONDS = 120  # also of a node that runs: what is slow is not removed under those who use it
SECONDS_LENGTH = len("2026-01-01T00:00:00")


@dataclass(frozen=True)
class Kind:
    """A kind cluster by name, with the folder that has its kubeconfig and the record of who made it."""

    name: str
    tools: Path

    @property
    def home(self) -> Path:
        return cache() / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def _record(self) -> Path:
        return self.home / "record.json"

    @property
    def _node(self) -> str:
        return f"{self.name}-control-plane"

    def container(self) -> str | None:
        """The id of the node's container, whoever made it."""
        listed = shell.output(["docker", "container", "list", "--all", "--quiet", "--no-trunc",
                               "--filter", f"name=^{self._node}$"])
        return listed.strip() or None

    def refuse_foreign(self) -> None:
        """Raises Problem if there is a cluster of this name that this cache has no record of."""
        container = self.container()
        recorded = self._read_record().get("container")
        if container and recorded not in (container, "creating"):
            raise Problem(f"A kind cluster named {self.name} is already here, and it was not made by this project: it is left "
                          f"alone; remove it (`kind delete cluster --name {self.name}`), or set TORCHSERVE_KSERVE_PREFIX to "
                          "another name for ours.")

    def is_usable(self, key: str) -> bool:
        """Whether the cluster was made whole from `key`, and its node is alive; a stopped node (after a reboot) is started."""
        self.refuse_foreign()
        record, container = self._read_record(), self.container()
        if not container or record.get("key") != key or not record.get("whole") or not self.kubeconfig.exists():
            return False
        running = shell.output(["docker", "inspect", "--format", "{{.State.Running}}", container]).strip() == "true"
        if not running:
            say(f"the cluster {self.name} is there but stopped: starting it")
            shell.output(["docker", "start", container])
        try:
            wait_for(f"the cluster {self.name} to answer", self._answers, seconds=ANSWER_SECONDS)
        except Problem as problem:
            say(f"{problem} It is made anew.")
            return False
        return True

    def create(self, image: str) -> None:
        """Makes the cluster from a node image; what a broken off run left of it is removed first."""
        self.delete()
        self.home.mkdir(parents=True, exist_ok=True)
        self._write_record(container="creating")
        config = self.home / "kind.yaml"
        config.write_text(yaml.safe_dump(self._config(image), sort_keys=False))
        shell.run([str(self.tools / "kind"), "create", "cluster", "--name", self.name, "--image", image, "--config", str(config),
                   "--kubeconfig", str(self.kubeconfig), "--wait", "180s"], cache() / "logs" / "kind.log")
        self._write_record(container=self.container())

    def mark_whole(self, key: str, made_of: dict[str, Any]) -> None:
        """Records that everything was installed, the hash of what it was made from, and what to know of it later."""
        self._write_record(container=self.container(), key=key, whole=True, made_of=made_of)

    def delete(self) -> None:
        """Removes our cluster and its folder, if there is one."""
        self.refuse_foreign()
        if container := self.container():
            say(f"removing the cluster {self.name}")
            shell.output(["docker", "rm", "--force", "--volumes", container])
        shell.output(["rm", "-rf", str(self.home)])

    def loopback_port(self, node_port: int = ports.SERVICE) -> int:
        """The port of 127.0.0.1 that reaches a port of the node (one of `ports.MAPPED`)."""
        listed = shell.output(["docker", "port", self._node, f"{node_port}/tcp"])
        return int(listed.split()[0].rsplit(":", 1)[1])

    def load(self, image: str, name: str | None = None) -> None:
        """Makes sure that the node has `image` (repository:tag) of the engine, and that `name`, if given, is that image there.

        The node keeps it under both names, so that an image which was built anew is seen to be missing.
        """
        node = ["docker", "exec", "--interactive", self._node, "ctr", "--namespace", "k8s.io", "images"]
        known = images.qualified(image)
        with store.lock(f"images-of-{self.name}"):
            if known not in shell.output([*node, "list", "--quiet"]).split():
                with timings.stage(f"{image} to the node"):
                    shell.piped(["docker", "save", image], [*node, "import", "-"])
            for other in dict.fromkeys([known, images.qualified(name or image)]):
                if other != known:
                    shell.output([*node, "tag", "--force", known, other])
                shell.output([*node, "label", other, "io.cri-containerd.pinned=pinned"])  # kubelet does not clear it away

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Output of kubectl on this cluster."""
        return shell.output([str(self.tools / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments],
                            stdin=stdin, timeout=timeout)

    def apply(self, items: list[dict[str, Any]]) -> None:
        """Makes objects what they are given as, in their order."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=objects.write(items), timeout=300)

    def runs(self, namespace: str) -> bool:
        """Whether a namespace has deployments, and all its pods are ready and run since the node's container started.

        Before a reboot they said so too, and that stays stored until the kubelet has looked again. Pods that have ended, well or
        not, are a Job's, whose next pod may have done it, or were replaced.
        """
        self.kubectl("--namespace", namespace, "wait", "deployment", "--all", "--for=condition=Available", "--timeout=1s")
        pods = json.loads(self.kubectl("--namespace", namespace, "get", "pods", "--output", "json"))["items"]
        living = [pod["status"] for pod in pods if pod["status"].get("phase") not in ("Succeeded", "Failed")]
        return all(_runs_since(self._started(), status) for status in living)

    def made_of(self) -> dict[str, Any]:
        """What `mark_whole` recorded beside the key; empty where the cluster is not whole."""
        record = self._read_record()
        return record.get("made_of", {}) if record.get("whole") else {}

    def _answers(self) -> bool:
        """Whether the node is ready, and has said so since its container started: what it said before a reboot stays stored."""
        ready = self.kubectl("get", "nodes", "--output", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}",
                             "--request-timeout", "5s")
        renewed = self.kubectl("--namespace", "kube-node-lease", "get", "lease", self._node, "--output",
                               "jsonpath={.spec.renewTime}", "--request-timeout", "5s")
        return ready.strip() == "True" and renewed[:SECONDS_LENGTH] > self._started()

    def _started(self) -> str:
        """When the node's container started: UTC in ISO 8601 to the second, as Kubernetes has times, so they compare as text."""
        return shell.output(["docker", "inspect", "--format", "{{.State.StartedAt}}", self._node])[:SECONDS_LENGTH]

    def _read_record(self) -> dict[str, Any]:
        return json.loads(self._record.read_text()) if self._record.exists() else {}

    def _write_record(self, **record: Any) -> None:
        temporary = self._record.with_suffix(".part")
        temporary.write_text(json.dumps(record))
        temporary.rename(self._record)

    def _config(self, image: str) -> dict[str, Any]:
        """kind's configuration, by what the node image brings and what this machine withholds."""
        labels = json.loads(shell.output(["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", image])) or {}
        kubeadm: list[dict[str, Any]] = [
            # A test cluster may lose its state with the machine; waiting for the disk costs seconds.
            {"kind": "ClusterConfiguration", "etcd": {"local": {"extraArgs": {"unsafe-no-fsync": "true"}}}},
        ]
        config: dict[str, Any] = {
            "kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "networking": {},
            "nodes": [{"role": "control-plane",
                       "extraPortMappings": [{"containerPort": port, "listenAddress": "127.0.0.1"} for port in ports.MAPPED]}],
        }
        if labels.get("torchserve-kserve.cni") == "static":
            config["networking"]["disableDefaultCNI"] = True
            kubeadm[0]["dns"] = {"imageTag": versions()["coredns"]}
        if "CAP_SYS_RESOURCE" in oci_shim.missing_capabilities():
            # Nobody here may lower an oom_score_adj.
            config["featureGates"] = {"KubeletInUserNamespace": True}
            config["containerdConfigPatches"] = ['[plugins."io.containerd.grpc.v1.cri"]\nrestrict_oom_score_adj = true\n']
            kubeadm.append({"kind": "KubeletConfiguration", "oomScoreAdj": 0})
        config["kubeadmConfigPatches"] = [yaml.safe_dump(patch) for patch in kubeadm]
        return config


def _runs_since(moment: str, status: dict[str, Any]) -> bool:
    """Whether a pod's containers are all ready and started after a moment."""
    containers = status.get("containerStatuses", [])
    started = [item.get("state", {}).get("running", {}).get("startedAt", "") for item in containers if item["ready"]]
    return bool(containers) and len(started) == len(containers) and all(time[:SECONDS_LENGTH] > moment for time in started)
