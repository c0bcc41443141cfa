"""The way into a cluster of ours: its domain, gateways at loopback ports, certificates for hosts from its own authority."""

import socket
import ssl
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from ci.cluster import certificates
from ci.cluster.errors import Problem
from ci.cluster.kind import Kind

DOMAIN = "example.com"
HOST_TEMPLATE = "{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}"  # KServe's notation
ANSWER_SECONDS = 5


def host(inference_service: str, namespace: str) -> str:
    """The host name of an InferenceService from outside, in both deployment modes."""
    return f"{inference_service}.{namespace}.{DOMAIN}"


def address(cluster: Kind, node_port: int, *, scheme: str = "http") -> str:
    """Where this machine reaches a gateway: `ports.KOURIER_HTTP` and its like, as `http://127.0.0.1:…`."""
    return f"{scheme}://127.0.0.1:{cluster.loopback_port(node_port)}"


def authority(cluster: Kind) -> Path:
    """The file (PEM) of the CA whose certificates the cluster's gateways have; it is made, with its key, at first need."""
    certificate, key = cluster.home / "ca.pem", cluster.home / "ca-key.pem"
    if not (certificate.exists() and key.exists()):
        made = certificates.authority(f"{cluster.name} test authority")
        key.touch(mode=0o600)
        key.write_bytes(made.key)
        certificate.write_bytes(made.certificate)
    return certificate


def issue(cluster: Kind, names: list[str]) -> dict[str, str]:
    """A server certificate of the cluster's authority for DNS names: the `stringData` of a Secret of type kubernetes.io/tls."""
    certificate = authority(cluster)
    pair = certificates.Pair(certificate.read_bytes(), certificate.with_name("ca-key.pem").read_bytes())
    made = certificates.signed(pair, names)
    return {"tls.crt": made.certificate.decode(), "tls.key": made.key.decode()}


def answers_http(cluster: Kind, node_port: int) -> bool:
    """Whether a gateway answers HTTP, whatever it says. Raises Problem with the reason while it does not."""
    connection = HTTPConnection("127.0.0.1", cluster.loopback_port(node_port), timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": DOMAIN})
        connection.getresponse()
    except (OSError, HTTPException) as error:
        raise Problem(f"The gateway at node port {node_port} does not answer HTTP: {error!r}.") from error
    finally:
        connection.close()
    return True


def answers_https(cluster: Kind, node_port: int) -> bool:
    """Whether a gateway shows a certificate of our authority for DOMAIN. Raises Problem with the reason while it does not."""
    context = ssl.create_default_context(cafile=str(authority(cluster)))
    try:
        with (socket.create_connection(("127.0.0.1", cluster.loopback_port(node_port)), timeout=ANSWER_SECONDS) as plain,
              context.wrap_socket(plain, server_hostname=DOMAIN)):
            return True
    except OSError as error:
        raise Problem(f"The gateway at node port {node_port} does not answer HTTPS for {DOMAIN}: {error!r}.") from error
