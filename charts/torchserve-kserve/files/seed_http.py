"""http(s)://: one stream (for now)."""
from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from seed_errors import CERTIFICATE, NO_SPACE, NOT_FOUND, REFUSED, UNREACHABLE, Failure, say
from seed_plan import Context

CHUNK = 1 << 20


@contextlib.contextmanager
def network() -> Iterator[None]:
    """Turn what goes wrong on the way to a server into a Failure. Texts of http.client may quote the URL: not shown."""
    try:
        yield
    except urllib.error.HTTPError as error:
        busy, gone = error.code >= 500 or error.code in (408, 425, 429), error.code in (404, 410)
        code = UNREACHABLE if busy else NOT_FOUND if gone else REFUSED
        raise Failure(code, f"HTTP {error.code} {http.client.responses.get(error.code, '')}".rstrip()) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise Failure(CERTIFICATE, reason.verify_message) from None
        raise Failure(UNREACHABLE, getattr(reason, "strerror", None) or type(reason).__name__) from None


def open_source(item: dict, context: Context):
    uri = urllib.parse.urlsplit(item["uri"])
    request = urllib.request.Request(uri._replace(netloc=uri.netloc.rpartition("@")[2], fragment="").geturl())
    if uri.username is not None:  # "unredirected": another host that we are sent to must not see it
        pair = urllib.parse.unquote(f"{uri.username}:{uri.password or ''}").encode()
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    with network():
        answer = urllib.request.urlopen(request, timeout=context.timeout)
    return answer, answer.length


def download(item: dict, temp: Path, context: Context) -> tuple[int, str]:
    source, size = open_source(item, context)
    digest, done = hashlib.sha256(), 0
    context.progress.start(item["model"], item["path"], size)
    with contextlib.closing(source), temp.open("wb") as out:
        if size is not None and size > (free := shutil.disk_usage(temp.parent).free):
            raise Failure(NO_SPACE, f"it has {size:,} bytes, the volume has {free:,} free")
        while True:
            with network():
                chunk = source.read(CHUNK)
            if not chunk:
                break
            digest.update(chunk)
            done += out.write(chunk)
            context.progress.moved(len(chunk))
    if size is not None and done < size:
        raise Failure(UNREACHABLE, f"the transfer was cut after {done:,} of {size:,} bytes")
    return done, digest.hexdigest()


def obtain(item: dict, temp: Path, context: Context, attempt: int = 1) -> tuple[int, str]:
    try:
        return download(item, temp, context)
    except Failure as failure:
        if failure.args[0] != UNREACHABLE or attempt >= context.attempts:
            raise
        pause = context.backoff * 2 ** (attempt - 1)
        say(f"{item['model']}: {failure.args[1]}; trying again in {pause:g} s")
        time.sleep(pause)
    return obtain(item, temp, context, attempt + 1)
