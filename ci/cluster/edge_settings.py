"""What the two programs of the authenticating edge are told, whether they run in pods or as processes of a test.

The settings are those of Kubeflow's oauth2-proxy, down to the relative URLs: the login page, its provider and what they
guard share one address, so the edge works at any host and port, over HTTP and HTTPS. Two things differ from Kubeflow's:
oauth2-proxy passes the requests on itself (there it only advises Istio's gateway), and the cookie has its older name.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

COOKIE = "authservice_session"
USER_HEADER = "kubeflow-userid"
ISSUER_PATH = "/oidc"
PROVIDER_PORT, HTTP_PORT, HTTPS_PORT = 8080, 4180, 4443
CLIENT = "edge"
# The services that may ask for a token, by what is wrong with it: nothing, its audience, its time.
SERVICE, STRANGER, LATECOMER = "service", "stranger", "latecomer"
SECRET_BYTES = 16
TOKEN_SECONDS = 300
SESSION_HOURS = 24
# A request may wait for a model that wakes from zero.
UPSTREAM_SECONDS = 300


def _random() -> str:
    return secrets.token_hex(SECRET_BYTES)


@dataclass(frozen=True)
class Secrets:
    """What nobody may know beforehand: made anew for every edge."""

    user: str = "user@example.com"
    password: str = field(default_factory=_random, repr=False)
    cookie: str = field(default_factory=_random, repr=False)  # 32 characters: an AES-256 key
    client: str = field(default_factory=_random, repr=False)
    service: str = field(default_factory=_random, repr=False)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Secrets":
        return Secrets(**json.loads(text))


def provider_configuration(given: Secrets, *, listen: str, issuer: str) -> str:
    """The JSON file of `oidc-provider`; `issuer` is a URL whose path is ISSUER_PATH."""
    def service(name: str, audience: str, seconds: int) -> dict[str, object]:
        return {"id": name, "secret": given.service, "audience": [audience], "lifetimeSeconds": seconds}

    return json.dumps({
        "listen": listen, "issuer": issuer,
        "user": {"name": given.user, "password": given.password},
        "web": {"id": CLIENT, "secret": given.client, "redirectURIs": ["/oauth2/callback"]},
        "services": [service(SERVICE, CLIENT, TOKEN_SECONDS), service(STRANGER, "another", TOKEN_SECONDS),
                     service(LATECOMER, CLIENT, -TOKEN_SECONDS)],
    })


def proxy_configuration(folder: Path, *, issuer: str, upstream: str, http: str, https: str) -> str:
    """The configuration file of `oauth2-proxy`, which guards `upstream` (a URL) and listens on `http` and `https`.

    `folder` has its secrets and certificate: the files `cookie`, `client`, `tls.crt`, `tls.key`. (Options on the command
    line would start one listener only: with a certificate, HTTPS alone.)
    """
    return json.dumps({  # which is YAML, too
        "server": {"bindAddress": http, "secureBindAddress": https,
                   "tls": {"cert": {"fromFile": f"{folder}/tls.crt"}, "key": {"fromFile": f"{folder}/tls.key"}}},
        "upstreamConfig": {"upstreams": [
            {"id": "guarded", "path": "/", "uri": upstream, "passHostHeader": True, "timeout": f"{UPSTREAM_SECONDS}s"},
            {"id": "provider", "path": f"{ISSUER_PATH}/", "uri": f"{issuer}/"},
        ]},
        # As in Kubeflow the server learns who asks; a header of that name which the client sent is dropped.
        "injectRequestHeaders": [{"name": USER_HEADER, "values": [{"claimSource": {"claim": "email"}}]}],
        "providers": [{
            "id": "provider", "provider": "oidc", "clientID": CLIENT, "clientSecretFile": f"{folder}/client",
            "scope": "openid", "code_challenge_method": "S256",
            # What this program asks goes to the issuer's address; where browsers go has no host.
            "loginURL": f"{ISSUER_PATH}/authorize", "redeemURL": f"{issuer}/oauth/token",
            # Tokens of services have no e-mail address: who it is, is the subject.
            "oidcConfig": {"issuerURL": issuer, "skipDiscovery": True, "jwksURL": f"{issuer}/keys", "emailClaim": "sub",
                           "audienceClaims": ["aud"]},
        }],
    })


def proxy_arguments(folder: Path, configuration: Path) -> list[str]:
    """Arguments of `oauth2-proxy` besides what is in its configuration file (see `proxy_configuration`)."""
    return [
        f"--alpha-config={configuration}",
        "--redirect-url=/oauth2/callback", "--relative-redirect-url=true", "--email-domain=*",
        # The login page is for those who are not logged in.
        f"--skip-auth-route=^{ISSUER_PATH}/",
        # Without a session: 302 to the login, and 401 for those who accept JSON only; no page with a button between.
        "--skip-provider-button=true",
        # A bearer token is taken instead of a session; a wrong one is refused, not sent to the login page.
        "--skip-jwt-bearer-tokens=true", "--bearer-token-login-fallback=false",
        f"--cookie-name={COOKIE}", f"--cookie-secret-file={folder}/cookie", f"--cookie-expire={SESSION_HOURS}h",
        # Browsers must send the cookie to http://localhost, too, which is what the commands of the write-up use.
        "--cookie-secure=false",
        # Without the tokens in it the session fits into one cookie, which can be copied into a header by hand.
        "--session-cookie-minimal=true",
    ]
