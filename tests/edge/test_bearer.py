"""The bearer token of a service: one for this edge is answered; one for another, an old one or a forged one is refused."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ci import edge_client
from ci.cluster.edge import Edge
from ci.cluster.edge_settings import LATECOMER, SERVICE, STRANGER
from ci.cluster.errors import Problem

from .target import Target

Ask = Callable[..., requests.Response]


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed_by_another(token: str) -> str:
    """The same token, down to the id of its key, with the signature of another key."""
    content = token.rpartition(".")[0]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.fixture(scope="module")
def token(edge: Edge) -> Callable[[str], str]:
    """token(service): one of the provider."""
    return lambda service: edge_client.bearer_token(edge.http, service, edge.secrets.service)


def test_the_token_of_a_service_is_answered(ask: Ask, token: Callable[[str], str], target: Target) -> None:
    given = token(SERVICE)
    assert claims(given)["aud"] in ("edge", ["edge"])
    answer = ask(bearer=given)
    assert (answer.status_code, answer.json()) == (200, target.answer)


def test_a_token_for_another_audience_is_refused(ask: Ask, token: Callable[[str], str]) -> None:
    given = token(STRANGER)
    assert claims(given)["aud"] in ("another", ["another"])
    assert ask(bearer=given).status_code == 403


def test_an_expired_token_is_refused(ask: Ask, token: Callable[[str], str]) -> None:
    given = token(LATECOMER)
    assert claims(given)["exp"] < time.time()
    assert ask(bearer=given).status_code == 403


def test_a_token_with_another_signature_is_refused(ask: Ask, token: Callable[[str], str]) -> None:
    assert ask(bearer=signed_by_another(token(SERVICE))).status_code == 403


def test_a_wrong_token_is_not_helped_by_a_session(ask: Ask, token: Callable[[str], str], session: str) -> None:
    assert ask(bearer=token(STRANGER), cookie=session).status_code == 403


def test_a_service_with_a_wrong_secret_gets_no_token(edge: Edge) -> None:
    with pytest.raises(Problem, match="gave service no token"):
        edge_client.bearer_token(edge.http, SERVICE, "wrong")
