"""The ways to a release's server: through the API server to its Service, or through a gateway by its host name."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import LifoQueue
from typing import Any

import kubernetes
import requests
import urllib3
from requests.adapters import HTTPAdapter

ANSWER_SECONDS = 60
IDLE_SECONDS = 5  # gateways close a connection that rests for 60 s or so, whatever is on its way to them in that moment
CONNECTIONS = 64  # kept open, for as many requests at once; more than these are made anew


@dataclass(frozen=True)
class Route:
    """Where requests go, and how.

    Attributes:
        base: URL before the path, without a slash at its end.
        headers: sent with every request.
        verify: the file of the CA that the server's certificate must come from; False to accept any.
        cert: certificate and key files of the client.
        name: the name that the server's certificate must have, where the URL does not have it.
    """

    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool | str = True
    cert: tuple[str, str] | None = None
    name: str | None = None

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """The answer, whatever it is; options as for requests."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self._session.request(method, f"{self.base}/{path}", headers=headers, allow_redirects=False,
                                     **{"timeout": ANSWER_SECONDS, **options})

    @cached_property
    def _session(self) -> requests.Session:
        """Keeps connections open, as clients do; threads may share it."""
        session = requests.Session()
        session.trust_env = False
        session.verify, session.cert = self.verify, self.cert
        session.mount("http://", _Kept())
        session.mount("https://", _Kept(self.name))
        return session


class _Pool(LifoQueue):
    """Connections for later requests; one that was idle for long is closed when its turn comes, and connects anew."""

    def _put(self, item: Any) -> None:
        super()._put((time.monotonic(), item))

    def _get(self) -> Any:
        since, connection = super()._get()
        if connection and time.monotonic() - since > IDLE_SECONDS:
            connection.close()
        return connection


class _Http(urllib3.HTTPConnectionPool):
    QueueCls = _Pool


class _Https(urllib3.HTTPSConnectionPool):
    QueueCls = _Pool


class _Kept(HTTPAdapter):
    """Keeps connections, but not those that rest for long; expects the server of that name, if any, where the URL points."""

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        named = {"server_hostname": self._name, "assert_hostname": self._name} if self._name else {}
        super().init_poolmanager(*arguments, **options, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Http, "https": _Https}


def through_api_server(api: kubernetes.client.ApiClient, namespace: str, service: str) -> Route:
    """To port 80 of a Service, with the credentials of the kubeconfig: it works wherever the API server does."""
    settings = api.configuration
    token = settings.get_api_key_with_prefix("authorization")
    return Route(
        base=f"{settings.host}/api/v1/namespaces/{namespace}/services/{service}:80/proxy",
        headers={"Authorization": token} if token else {},
        verify=settings.ssl_ca_cert if settings.verify_ssl else False,
        cert=(settings.cert_file, settings.key_file) if settings.cert_file else None)


def through_gateway(address: str, host: str, ca: Path | None = None) -> Route:
    """By host name to a gateway at an address, `http://…` or `https://…`; without a CA any certificate will do."""
    return Route(address, {"Host": host}, str(ca) if ca else False, name=host)
