"""The process in which KServe's storage library (kserve_storage) works for seed_cloud.py.

One line of JSON on stdin says what to fetch, for an argument would show secrets to everyone; one on stdout how it went: an exit
code of seed.py and a cause, or 0. What the library itself prints goes nowhere: its log has URIs and settings in full. Stdin ends
when seed.py does, however it ends, and this process with it.
"""
from __future__ import annotations

import errno
import json
import os
import re
import signal
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from seed_errors import CERTIFICATE, NO_SPACE, NOT_FOUND, PLAN, PROGRAM, REFUSED, UNREACHABLE, in_userinfo, shown

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSW|KEY|CREDENTIAL|SIGNATURE|HEADERS", re.I)
LONGEST_CAUSE = 300
BY_STATUS = {401: REFUSED, 403: REFUSED, 404: NOT_FOUND, 410: NOT_FOUND}
# What the clouds' clients call their errors. The order counts: Hugging Face says 401 for a repository that does not exist.
BY_NAME = {
    UNREACHABLE: re.compile(r"Connect|Timeout|Endpoint|Transport|Resolution|Retry|Incomplete|ServiceRe(quest|sponse)|LocalEntry"),
    NOT_FOUND: re.compile(r"NotFound|NoSuch|NotGitRepository"),
    REFUSED: re.compile(r"[Aa]uth|Credential|Forbidden|Gated|AccessDenied|Refresh"),
}
# What the library says where it raises no error of a client: its own sentences, and those of its workers.
BY_WORDS = {
    PLAN: re.compile(r"Cannot recognize storage type|Invalid Hugging Face URI|cannot be empty in URI"),
    NOT_FOUND: re.compile(r"No model found|\(404\)|NoSuchKey|NoSuchBucket"),
    REFUSED: re.compile(r"\(40[13]\)|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId"),
}


def main() -> None:
    with open(0, "rb", buffering=0, closefd=False) as stdin:  # unbuffered: the thread reads on
        order = json.loads(stdin.readline())
    answer = os.dup(1)
    os.dup2(2, 1)
    threading.Thread(target=end_with_parent, daemon=True).start()
    told: tuple[int, str] = 0, ""
    try:
        settle(Path(order["work"], "tmp"))
        from kserve_storage import Storage

        Storage.download(order["uri"], str(Path(order["work"], "files")), allow_patterns=order["patterns"] or None)
    except BaseException as error:
        told = code_of(error), printable(error, order["uri"])
    os.write(answer, json.dumps(told).encode())
    os._exit(0)  # at once, whatever threads the library has left


def end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def settle(scratch: Path) -> None:
    """The environment as each client of the library reads it: temporary files on the claim, our CA, proxies in small letters."""
    environment = os.environ
    environment["TMPDIR"] = str(scratch)
    environment.setdefault("HF_HOME", str(scratch))
    environment.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if name.upper() in environment:
            environment.setdefault(name, environment[name.upper()])
    if own := environment.get("TORCHSERVE_KSERVE_CA"):
        import certifi

        bundle, usual = scratch / "ca.pem", environment.get("SSL_CERT_FILE") or certifi.where()
        bundle.write_text("\n".join(Path(file).read_text(encoding="utf-8") for file in (usual, own)), encoding="utf-8")
        environment["SSL_CERT_FILE"] = str(bundle)
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            environment.setdefault(name, str(bundle))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from or instead of, and so on."""
    seen = 0
    while error is not None and seen < 20:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def code_of(error: BaseException) -> int:
    """The exit code of seed.py that fits."""
    chain = list(causes(error))
    for link in chain:
        text = str(link)
        if isinstance(link, ImportError):
            return PROGRAM
        if getattr(link, "errno", None) in FULL or "No space left" in text:
            return NO_SPACE
        if isinstance(link, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
            return CERTIFICATE
    for link in chain:
        name, status = type(link).__name__, status_of(link)
        for code, pattern in BY_NAME.items():
            if type(link).__module__ != "builtins" and pattern.search(name):
                return code
        if status >= 400:
            return BY_STATUS.get(status, UNREACHABLE if status >= 500 or status in (408, 425, 429) else REFUSED)
    for code, pattern in BY_WORDS.items():
        if pattern.search(str(error)):
            return code
    return UNREACHABLE


def status_of(error: BaseException) -> int:
    """The HTTP status that an error of boto3, google, azure, requests or urllib carries; 0 without one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(response, "status_code", None) or getattr(error, "status_code", None) or getattr(error, "code", None)
    return int(status) if isinstance(status, int) else 0


def printable(error: BaseException, uri: str) -> str:
    """The library's words and those of the client below it, in one line, without what must not be seen: values of secret
    variables, userinfo and query of a URI."""
    said = [" ".join(str(link).split()).rstrip(".") or type(link).__name__ for link in (error, error.__cause__) if link]
    if len(said) > 1 and "authentication failed" in said[0] and code_of(error) != REFUSED:
        del said[0]  # it takes every error whose text has "auth" in it for that
    text = said[0] if len(said) < 2 or said[1] in said[0] else f"{said[0]} ({said[1]})"
    if isinstance(error, ModuleNotFoundError):
        text = f"this image has no Python package {error.name}"
    parts = urllib.parse.urlsplit(uri)
    hidden = {value for name, value in os.environ.items() if SECRET_NAME.search(name) and not names_file(value)}
    hidden = hidden.union(*(in_userinfo(value) for name, value in os.environ.items() if name.lower().endswith("_proxy")))
    hidden |= {piece for pair in parts.query.split("&") for piece in pair.split("=")[1:]} | set(filter(None, [parts.password]))
    hidden |= {urllib.parse.unquote(value) for value in hidden}
    hidden |= {urllib.parse.quote(value, safe) for value in hidden for safe in ("/", "")}
    for value in sorted((value for value in hidden if len(value) > 5), key=len, reverse=True):
        text = text.replace(value, "***")
    text = re.sub(r"[a-z][a-z\d+.-]*://[^\s'\"<>]+", lambda found: shown(found[0]), text, flags=re.I)
    return text if len(text) <= LONGEST_CAUSE else text[:LONGEST_CAUSE] + "…"


def names_file(value: str) -> bool:
    """Whether the value of a variable is a path, which an error may name. A key of AWS may begin with a slash, too."""
    return value.startswith("/") and os.path.exists(value)  # noqa: PTH110  (that of a Path raises where a name is too long)


if __name__ == "__main__":
    main()
