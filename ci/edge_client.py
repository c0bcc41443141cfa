"""Getting past the authenticating edge by script: a session cookie as a browser would get it, or a bearer token.

As a command it prints the cookie's value, for `curl -H "Cookie: authservice_session=$SESSION"`:
`python -m ci.edge_client http://localhost:8080 USER` (the password comes from standard input).
"""

import sys
from pathlib import Path
from typing import Any

import requests

from ci.cluster.edge_settings import COOKIE, ISSUER_PATH
from ci.cluster.errors import Problem

ANSWER_SECONDS = 30


def login(base_url: str, user: str, password: str, *, host: str | None = None, verify: bool | Path = True) -> str:
    """Logs in at the edge, through its login page, and returns the value of the session cookie.

    `host` is sent as the Host header where it is not the host of `base_url`; `verify` is a CA file, or False for none.
    Raises Problem when the edge does not answer as expected, or the user is refused.
    """
    with _session(verify) as browser:
        browser.headers.update({"Host": host} if host else {})
        page = _answered(browser, "GET", f"{base_url}/oauth2/start", params={"rd": "/oauth2/userinfo"})
        if 'type="password"' not in page.text:
            raise Problem(f"{page.url} is not the login page that was expected ({page.status_code}): {page.text[:200]}")
        landed = _answered(browser, "POST", page.url, data={"username": user, "password": password})
        session = browser.cookies.get(COOKIE)
    if not session:
        raise Problem(f"{base_url} gave {user} no session ({landed.status_code} from {landed.url}): check user and password.")
    return session


def bearer_token(base_url: str, service: str, secret: str, *, verify: bool | Path = True) -> str:
    """An access token (JWT) for a service that shows its own secret (client_credentials). Raises Problem when it is refused."""
    with _session(verify) as client:
        answer = _answered(client, "POST", f"{base_url}{ISSUER_PATH}/oauth/token", data={
            # In the form: an Authorization header that holds no token of its own is what the edge refuses.
            "grant_type": "client_credentials", "client_id": service, "client_secret": secret})
    if answer.status_code != 200:
        raise Problem(f"{base_url} gave {service} no token ({answer.status_code}): {answer.text[:200]}")
    return answer.json()["access_token"]


def _session(verify: bool | Path) -> requests.Session:
    session = requests.Session()
    # A CA bundle that the environment names would win over `verify`.
    session.trust_env = False
    session.verify = str(verify) if isinstance(verify, Path) else verify
    return session


def _answered(session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
    """The answer at the end of all redirects."""
    try:
        return session.request(method, url, timeout=ANSWER_SECONDS, **options)
    except requests.RequestException as error:
        raise Problem(f"The edge at {url} does not answer: {error}") from error


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m ci.edge_client URL USER < PASSWORD-FILE")
    try:
        print(login(sys.argv[1], sys.argv[2], sys.stdin.readline().rstrip("\n")))
    except Problem as problem:
        sys.exit(str(problem))
