"""The session cookie: without one nobody gets in, with a forged, altered or old one neither, with a real one everybody."""

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest
import requests

from ci import edge_client
from ci.cluster.edge import Edge
from ci.cluster.edge_settings import SESSION_HOURS
from ci.cluster.errors import Problem

from .target import Target

Ask = Callable[..., requests.Response]


def resigned(session: str, seed: str, *, hours_ago: float) -> str:
    """The same session, as if it had been given that long ago, with a signature by `seed` that says so."""
    value, stamp, _ = session.split("|")
    earlier = str(int(stamp) - int(hours_ago * 3600))
    signature = hmac.new(seed.encode(), f"authservice_session{value}{earlier}".encode(), hashlib.sha256).digest()
    return "|".join((value, earlier, base64.urlsafe_b64encode(signature).decode()))


def assert_sent_to_login(answer: requests.Response) -> None:
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/oidc/authorize?")


def test_without_a_cookie_one_is_sent_to_the_login(ask: Ask) -> None:
    assert_sent_to_login(ask())


def test_without_a_cookie_a_program_that_wants_json_gets_401(ask: Ask) -> None:
    assert ask(accept="application/json").status_code == 401


@pytest.mark.parametrize("cookie", ["MTY2NjM", "|".join(("AAAA", "1700000000", "AAAA"))])
def test_a_forged_cookie_is_refused(ask: Ask, cookie: str) -> None:
    assert_sent_to_login(ask(cookie=cookie))
    assert ask(cookie=cookie, accept="application/json").status_code == 401


def test_the_session_of_a_scripted_login_is_answered(ask: Ask, session: str, target: Target) -> None:
    answer = ask(cookie=session)
    assert (answer.status_code, answer.json()) == (200, target.answer)


def test_an_altered_session_is_refused(ask: Ask, session: str) -> None:
    value, stamp, signature = session.split("|")
    flipped = ("B" if value[0] == "A" else "A") + value[1:]
    for altered in ((flipped, stamp, signature), (value, str(int(stamp) + 60), signature)):
        assert_sent_to_login(ask(cookie="|".join(altered)))


def test_a_session_signed_by_another_edge_is_refused(ask: Ask, session: str) -> None:
    assert_sent_to_login(ask(cookie=resigned(session, "0" * 32, hours_ago=0)))


def test_a_session_ends_after_its_time(ask: Ask, edge: Edge, session: str) -> None:
    assert ask(cookie=resigned(session, edge.secrets.cookie, hours_ago=SESSION_HOURS - 1)).status_code == 200
    assert_sent_to_login(ask(cookie=resigned(session, edge.secrets.cookie, hours_ago=SESSION_HOURS + 1)))


def test_one_can_log_in_by_the_models_host_over_both_schemes(edge: Edge, target: Target, ask: Ask) -> None:
    for base in (edge.http, edge.https):
        session = edge_client.login(base, edge.secrets.user, edge.secrets.password, host=target.host, verify=edge.ca)
        assert ask(cookie=session).status_code == 200


def test_a_wrong_password_gives_no_session(edge: Edge) -> None:
    with pytest.raises(Problem, match=r"gave user@example.com no session \(401 .*: check user and password"):
        edge_client.login(edge.http, edge.secrets.user, "wrong")


def test_after_the_logout_a_browser_has_no_session(edge: Edge, session: str) -> None:
    with requests.Session() as client:
        client.trust_env = False
        answer = client.get(f"{edge.http}/oauth2/sign_out", headers={"Cookie": f"authservice_session={session}"},
                            allow_redirects=False, timeout=30)
    assert answer.status_code == 302
    cleared = answer.headers["Set-Cookie"]
    assert cleared.startswith("authservice_session=;") and "Max-Age=0" in cleared


def test_the_server_is_told_who_asks(ask: Ask, session: str, edge: Edge, mirror: Target) -> None:
    assert ask(cookie=session, at=mirror).headers["X-User"] == edge.secrets.user
