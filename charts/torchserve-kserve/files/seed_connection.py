"""A connection to an http(s) source: credentials, certificates, proxies, redirects; what goes wrong becomes a Failure."""
from __future__ import annotations

import base64
import contextlib
import email.utils
import functools
import http.client
import os
import re
import socket
import ssl
import string
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from seed_errors import CERTIFICATE, NOT_FOUND, PLAN, REFUSED, UNREACHABLE, Failure, conceal, in_userinfo

REDIRECTS = 10
CA = "TORCHSERVE_KSERVE_CA"


class Origin:
    """Where a URI leads: itself, the headers that only its own host may see, and the place that redirects led to."""

    def __init__(self, item: dict, secrets: Path | None) -> None:
        uri = urllib.parse.urlsplit(item["uri"])
        self.url = uri._replace(netloc=uri.netloc.rpartition("@")[2], fragment="").geturl()
        self.target = self.url
        self.headers = {}
        if uri.username is not None:
            self.headers["Authorization"] = basic(*(urllib.parse.unquote(part or "") for part in (uri.username, uri.password)))
        if item.get("credentials"):
            self.headers |= credentials(Path(secrets or "/nonexistent", item["credentials"]))

    @functools.cached_property
    def trust(self) -> ssl.SSLContext:
        return trust()


def basic(username: str, password: str) -> str:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    conceal(password, pair)
    return f"Basic {pair}"


def credentials(secret: Path) -> dict[str, str]:
    """Headers from the files of a Secret."""
    files = [file for file in sorted(secret.iterdir()) if not file.name.startswith("..")] if secret.is_dir() else []
    if not files:
        remedy = "create it, or correct the model's credentials"
        raise Failure(NOT_FOUND, f"this namespace has no Secret {secret.name}, or it is empty", remedy=remedy)
    found, headers = {}, {}
    for file in files:
        try:
            found[file.name] = file.read_text("utf-8").strip()
        except ValueError:
            found[file.name] = "\0"
        conceal(found[file.name])
        if not re.fullmatch(r"[\w.-]+", file.name, re.A) or re.search(r"[\0-\x1f\x7f]", found[file.name]):
            remedy = "put one line of text into each key of it"
            raise Failure(PLAN, f"Secret {secret.name}, key {file.name}: that is no value of a header", remedy=remedy)
    if "username" in found or "password" in found:
        headers["Authorization"] = basic(found.pop("username", ""), found.pop("password", ""))
    if "token" in found:
        headers["Authorization"] = f"Bearer {found.pop('token')}"
    return {**headers, **found}


def trust() -> ssl.SSLContext:
    """The default certificates, and those of TORCHSERVE_KSERVE_CA."""
    context = ssl.create_default_context()
    if file := os.environ.get(CA):
        try:
            context.load_verify_locations(file)
        except OSError as error:  # SSLError, too
            cause = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise Failure(PLAN, f"{CA}, {file}: {cause}", remedy="let seed.ca name a ConfigMap or Secret and its key") from None
    return context


@contextlib.contextmanager
def network(timeout: float, proxy: urllib.parse.SplitResult | None = None) -> Iterator[None]:
    """Turn what goes wrong on the way to a server into a Failure. Texts of http.client may quote the URL: not shown. Nor those
    of a ValueError, which quote what could not be understood."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Failure(CERTIFICATE, error.verify_message) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        code = UNREACHABLE
        if isinstance(error, socket.timeout):  # TimeoutError from 3.10 on
            cause = f"no byte came for {timeout:g} s"
        elif isinstance(error, UnicodeError):
            cause = "its host name is none"
        elif isinstance(error, ValueError):
            code, cause = REFUSED, "its address, or what its server answers, can't be understood"
        elif isinstance(error, socket.gaierror):
            cause = f"its host name has no address ({error.strerror})"
        elif isinstance(error, ssl.SSLError):
            cause = f"TLS failed ({error.reason})"
        elif isinstance(error, http.client.RemoteDisconnected):
            cause = "the server closed the connection without an answer"
        elif isinstance(error, http.client.IncompleteRead):
            cause = "the transfer was cut"
        elif str(error).startswith("Tunnel connection failed"):
            cause = str(error)
        else:
            cause = getattr(error, "strerror", None) or type(error).__name__
        raise Failure(code, f"through the proxy: {cause}" if proxy else cause) from None


class Connection:
    """One at a time to an origin, kept open from one GET to the next."""

    def __init__(self, origin: Origin, timeout: float) -> None:
        self.origin, self.timeout = origin, timeout
        self._http: http.client.HTTPConnection | None = None
        self._place, self._socket = ("", ""), None
        self._proxy: urllib.parse.SplitResult | None = None

    def get(self, start: int | None = None, end: int | None = None, validator: str = "") -> http.client.HTTPResponse:
        """The answer to a GET, of bytes from start to before end where given and (see If-Range) still valid; Failure if it is an
        error."""
        headers = {"User-Agent": "torchserve-kserve-seed", "Accept": "*/*", "Accept-Encoding": "identity"}
        if start is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if validator:
            headers["If-Range"] = validator
        try:
            return self._follow(headers)
        except Failure:
            self.origin.target = self.origin.url  # it may lead elsewhere by now
            raise

    def _follow(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        """The answer from where redirects lead, straight from there where that is known."""
        url = known = self.origin.target
        for _ in range(REDIRECTS):
            answer = self._ask(url, headers)
            if answer.status in (200, 206, 416):
                self.origin.target = url
                return answer
            self.close()
            if answer.status in (301, 302, 303, 307, 308) and answer.getheader("Location"):
                url = redirected(url, answer.getheader("Location"))
            elif answer.status in (401, 403, 404, 410) and url == known != self.origin.url:
                url, known = self.origin.url, ""  # a link that was valid for some time: ask for a new one
            else:
                raise refusal(answer, anonymous=not self.origin.headers)
        raise Failure(REFUSED, f"it leads through more than {REDIRECTS} redirects")

    def _ask(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        split = urllib.parse.urlsplit(url)
        if split[:2] == urllib.parse.urlsplit(self.origin.url)[:2]:
            headers = {**headers, **self.origin.headers}
        if self._http and self._http.sock and self._place == split[:2]:
            try:
                return self._send(split, headers)
            except Failure as failure:
                if not isinstance(failure.__context__, (ConnectionError, ssl.SSLError)):
                    raise  # else the server has closed it meanwhile, as it may
        self.close()
        self._open(split)
        return self._send(split, headers)

    def _open(self, split: urllib.parse.SplitResult) -> None:
        self._proxy = proxy = proxy_for(split)
        with network(self.timeout, proxy):
            place = (proxy or split).hostname, (proxy or split).port
            if split.scheme == "https":
                self._http = http.client.HTTPSConnection(*place, timeout=self.timeout, context=self.origin.trust)
                if proxy:
                    self._http.set_tunnel(split.hostname, split.port, proxy_headers(proxy))
            else:
                self._http = http.client.HTTPConnection(*place, timeout=self.timeout)
            self._http.connect()
        self._place, self._socket = split[:2], self._http.sock

    def _send(self, split: urllib.parse.SplitResult, headers: dict[str, str]) -> http.client.HTTPResponse:
        path = urllib.parse.urlunsplit(("", "", split.path or "/", split.query, ""))
        if self._proxy and split.scheme == "http":
            path, headers = f"http://{split.netloc}{path}", {**headers, **proxy_headers(self._proxy)}
        with network(self.timeout, self._proxy):
            self._http.putrequest("GET", path, skip_accept_encoding=True)
            for name, value in headers.items():
                self._http.putheader(name, value.encode())
            self._http.endheaders()
            return self._http.getresponse()

    def read(self, answer: http.client.HTTPResponse, view: memoryview) -> int:
        """Fill the view; fewer bytes only where the answer ends."""
        with network(self.timeout, self._proxy):
            return answer.readinto(view)

    def abort(self) -> None:
        """From another thread: whoever waits for bytes of this connection gets no more."""
        if sock := self._socket:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # SSLSocket's own would let the rest be read undecrypted

    def close(self) -> None:
        if self._http:
            self._http.close()
        self._http = self._socket = None


def validator(answer: http.client.HTTPResponse) -> str:
    """What tells whether two answers are of one content: the strong ETag, else the time of the last change."""
    etag = answer.getheader("ETag", "")
    return etag if etag.startswith('"') else answer.getheader("Last-Modified", "")


def content_range(answer: http.client.HTTPResponse) -> tuple[int, int, int] | None:
    """First byte, byte after the last, size of the whole; None where the answer doesn't say so."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.getheader("Content-Range", "").strip())
    return (int(found[1]), int(found[2]) + 1, int(found[3])) if found else None


def redirected(url: str, location: str) -> str:
    """Where a redirect leads, without userinfo and fragment."""
    try:
        there = urllib.parse.urlsplit(urllib.parse.urljoin(url, urllib.parse.quote(location, string.punctuation, "iso-8859-1")))
        complete = there.scheme in ("http", "https") and there.hostname and (there.port or 0) >= 0
    except ValueError:  # its host or its port is none, and the text quotes it
        complete = False
    if not complete:
        raise Failure(REFUSED, "it redirects to what is no http or https URI", remedy="give the uri of the file itself")
    if url.startswith("https:") and there.scheme == "http":
        raise Failure(REFUSED, "it redirects from https to http", remedy="give a uri that stays with https")
    return there._replace(netloc=there.netloc.rpartition("@")[2], fragment="").geturl()


def refusal(answer: http.client.HTTPResponse, *, anonymous: bool) -> Failure:
    """What an error status means, to one who has shown no login, too; and how many seconds the server asks to wait."""
    busy, gone = answer.status >= 500 or answer.status in (408, 425, 429), answer.status in (404, 410)
    code = UNREACHABLE if busy else NOT_FOUND if gone else REFUSED
    failure = Failure(code, f"HTTP {answer.status} {http.client.responses.get(answer.status, '')}".rstrip())
    if answer.status == 401 and anonymous:
        failure.remedy = "it asks for a login: name a Secret that has one in the model's credentials"
    after = answer.getheader("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        failure.pause = float(after)
    elif after:
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            failure.pause = max(email.utils.parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
    return failure


def proxy_for(split: urllib.parse.SplitResult) -> urllib.parse.SplitResult | None:
    """The proxy that the environment names for this, if any."""
    given = urllib.request.getproxies().get(split.scheme, "")
    if not given or urllib.request.proxy_bypass(split.netloc):
        return None
    conceal(*in_userinfo(given))
    try:
        proxy = urllib.parse.urlsplit(given if "://" in given else f"http://{given}")
        if proxy.hostname and (proxy.port or 0) >= 0 and "@" not in proxy.path + proxy.query + proxy.fragment:
            return proxy
    except ValueError:  # its text would quote a piece of the password
        pass
    raise Failure(PLAN, f"the address of the proxy in {split.scheme}_proxy can't be understood",
                  remedy="write http://USER:PASSWORD@HOST:PORT, with %XX for what is special in the password")


def proxy_headers(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return {"Proxy-Authorization": basic(*(urllib.parse.unquote(part or "") for part in (proxy.username, proxy.password)))}
