"""Puts files into an S3 server.

Requests are signed in their URL: the API server, which some go through, takes an Authorization header for its own.
"""

import datetime
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from ci.cluster.errors import Problem
from ci.route import Route

REGION = "us-east-1"
VALID_SECONDS = 300


@dataclass(frozen=True)
class Keys:
    """Credentials of an S3 account."""

    access: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class S3:
    """An S3 server at the end of a route, which leaves the Host header as the route's URL has it."""

    route: Route
    keys: Keys

    def make_bucket(self, bucket: str) -> None:
        """Makes a bucket; raises Problem with the server's words where that fails."""
        self._put(f"/{quote(bucket)}", b"")

    def put(self, bucket: str, key: str, content: bytes) -> str:
        """Stores an object, which replaces one of its name; returns its URI. Raises Problem with the server's words."""
        self._put(f"/{quote(bucket)}/{quote(key)}", content)
        return f"s3://{bucket}/{key}"

    def allow(self, bucket: str, policy: str) -> None:
        """Gives a bucket this policy, a JSON document; raises Problem with the server's words."""
        self._put(f"/{quote(bucket)}", policy.encode(), {"policy": ""})

    def _put(self, path: str, content: bytes, parameters: Mapping[str, str] | None = None) -> None:
        query = signed_query("PUT", urlsplit(self.route.base).netloc, path, self.keys, datetime.datetime.now(datetime.UTC),
                             parameters=parameters or {})
        answer = self.route.request("PUT", f"{path.lstrip('/')}?{query}", data=content)
        if not answer.ok:
            raise Problem(f"The S3 server refused PUT {path} with status {answer.status_code}: {answer.text.strip()}")


def signed_query(method: str, host: str, path: str, keys: Keys, now: datetime.datetime, seconds: int = VALID_SECONDS,
                 parameters: Mapping[str, str] | None = None) -> str:
    """The query string that makes a request of this method, host and encoded path one of the account's (AWS Signature 4).

    Args:
        now: in UTC; the signature is good from then on for `seconds`.
        parameters: of the request itself, which go into the query string, too.
    """
    date = now.strftime("%Y%m%d")
    scope = f"{date}/{REGION}/s3/aws4_request"
    query = urlencode(sorted({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{keys.access}/{scope}",
        "X-Amz-Date": now.strftime("%Y%m%dT%H%M%SZ"), "X-Amz-Expires": str(seconds), "X-Amz-SignedHeaders": "host",
        **(parameters or {}),
    }.items()), quote_via=quote, safe="")
    request = "\n".join([method, path, query, f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"])
    text = "\n".join(["AWS4-HMAC-SHA256", now.strftime("%Y%m%dT%H%M%SZ"), scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for part in (date, REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{query}&X-Amz-Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
