"""NetworkPolicies as Kubernetes means them: may a pod open a connection to another one? For TCP and UDP by port number."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Pod:
    """A pod, or with no labels and an address a host outside the cluster."""

    namespace: str
    labels: dict = field(default_factory=dict)
    address: str = "10.0.0.1"


def selects(selector: dict, labels: dict) -> bool:
    """Whether a label selector takes these labels; {} takes all."""
    assert set(selector) <= {"matchLabels"}, "only what the chart and the tests write"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def is_peer(peer: dict, pod: Pod, own: str) -> bool:
    """Whether a peer of a policy in the namespace `own` means that pod."""
    if block := peer.get("ipBlock"):
        address = ipaddress.ip_address(pod.address)
        inside = [address in ipaddress.ip_network(net) for net in [block["cidr"], *block.get("except", [])]]
        return inside[0] and not any(inside[1:])
    namespace = {"kubernetes.io/metadata.name": pod.namespace}
    right = selects(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else pod.namespace == own
    return right and selects(peer.get("podSelector", {}), pod.labels)


def passes(rules: list[dict], direction: str, other: Pod, port: tuple[int, str], own: str) -> bool:
    """Whether one of the rules lets a connection with `other` pass; a rule without peers or ports means all of them."""
    return any(
        (not rule.get(direction) or any(is_peer(peer, other, own) for peer in rule[direction]))
        and (not rule.get("ports") or any((given["port"], given["protocol"]) == port for given in rule["ports"]))
        for rule in rules
    )


def may_connect(policies: list[dict], namespace: str, source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    """Whether policies, all of `namespace`, let a connection pass; a pod that none selects is open."""
    for pod, other, kind, direction in ((source, target, "Egress", "to"), (target, source, "Ingress", "from")):
        specs = [policy["spec"] for policy in policies]
        mine = [spec for spec in specs if pod.namespace == namespace and kind in spec["policyTypes"]
                and selects(spec["podSelector"], pod.labels)]
        rules = [rule for spec in mine for rule in spec.get(kind.lower(), [])]
        if mine and not passes(rules, direction, other, (port, protocol), namespace):
            return False
    return True
