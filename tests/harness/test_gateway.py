"""Certificates and addresses of the gateways of a cluster of ours."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from ci.cluster import certificates, gateway, kind, ports
from ci.cluster.errors import Problem


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> kind.Kind:
    monkeypatch.setenv("TORCHSERVE_KSERVE_CACHE", str(tmp_path))
    made = kind.Kind("name", tmp_path)
    made.home.mkdir(parents=True)
    return made


def server(pair: dict[str, str], folder: Path) -> tuple[socket.socket, ssl.SSLContext]:
    """A listening socket on loopback, and the context that shows a certificate."""
    chain, key = folder / "tls.crt", folder / "tls.key"
    chain.write_text(pair["tls.crt"])
    key.write_text(pair["tls.key"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, context


def shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Takes one connection and its TLS handshake; what the client makes of it is the client's matter."""
    connection, _ = listening.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()


@pytest.mark.parametrize("name", ["bert.user.example.com", "other.user.example.com"])
def test_a_client_that_trusts_our_authority_believes_exactly_the_names_of_a_certificate(
        cluster: kind.Kind, tmp_path: Path, name: str) -> None:
    pair = gateway.issue(cluster, [gateway.host("bert", "user"), gateway.DOMAIN])
    listening, serving = server(pair, tmp_path)
    thread = threading.Thread(target=shake_hands, args=(listening, serving))
    thread.start()
    client = ssl.create_default_context(cafile=str(gateway.authority(cluster)))
    believed = True
    try:
        with socket.create_connection(listening.getsockname()) as plain, client.wrap_socket(plain, server_hostname=name):
            pass
    except ssl.SSLCertVerificationError:
        believed = False
    thread.join()
    listening.close()
    assert believed == (name == "bert.user.example.com")


def test_a_name_longer_than_a_common_name_can_be_certified(cluster: kind.Kind) -> None:
    assert gateway.issue(cluster, [gateway.host("a" * 40, "b" * 40)])["tls.crt"].startswith("-----BEGIN CERTIFICATE-----")


def test_a_clusters_authority_stays_and_its_key_is_its_owners_alone(cluster: kind.Kind) -> None:
    first = gateway.authority(cluster).read_bytes()
    gateway.issue(cluster, ["x"])
    assert gateway.authority(cluster).read_bytes() == first
    assert gateway.authority(cluster).with_name("ca-key.pem").stat().st_mode & 0o077 == 0


def test_a_self_signed_certificate_is_its_own_authority(tmp_path: Path) -> None:
    made = certificates.self_signed(["it.svc"])
    (tmp_path / "ca.pem").write_bytes(made.certificate)
    assert ssl.create_default_context(cafile=str(tmp_path / "ca.pem")).cert_store_stats()["x509_ca"] == 1


def test_a_gateway_that_does_not_answer_is_named_by_its_port(cluster: kind.Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind.Kind, "loopback_port", lambda *_: 1)
    with pytest.raises(Problem, match=f"The gateway at node port {ports.KOURIER_HTTP} does not answer HTTP"):
        gateway.answers_http(cluster, ports.KOURIER_HTTP)
    with pytest.raises(Problem, match=f"The gateway at node port {ports.KOURIER_HTTPS} does not answer HTTPS for example.com"):
        gateway.answers_https(cluster, ports.KOURIER_HTTPS)


def test_every_gateways_port_is_mapped_to_this_machine_once() -> None:
    named = {value for name, value in vars(ports).items() if name.endswith(("_HTTP", "_HTTPS"))} | {ports.SERVICE}
    assert sorted(ports.MAPPED) == sorted(named)
