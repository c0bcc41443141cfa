"""What may go wrong, what to do about it, and what may be said: exit codes, remedies, output without secrets."""
from __future__ import annotations

import errno
import json
import os
import re
import sys
import urllib.parse

PLAN, NOT_FOUND, REFUSED, UNREACHABLE, CHECKSUM, ARCHIVE, NO_SPACE, NOT_WRITABLE, CERTIFICATE, PROGRAM = range(2, 12)
BUG = 1  # of this program
MAY_RESUME = (REFUSED, UNREACHABLE)  # another run may go on with what came so far
REMEDY = {
    BUG: "tell the maintainers of torchserve-kserve, with the log",
    PLAN: "see the format at the top of seed.py",
    NOT_FOUND: "correct the model's uri, or put the file there",
    REFUSED: "check the credentials, and what the server permits",
    UNREACHABLE: "check the server, its name, the network policy and the proxy",
    CHECKSUM: "correct the one that is wrong",
    ARCHIVE: "give the uri of an archive packed by torch-model-archiver, and its own version",
    NO_SPACE: "enlarge persistence.size, or remove old models from the claim",
    NOT_WRITABLE: f"let uid {os.getuid()} write the claim (fsGroup, or chown on the volume)",
    CERTIFICATE: "use a server whose certificate this image trusts, or set seed.ca",
    PROGRAM: "run the seed in an image that has it: runtime.image for a build, seed.storageImage for cloud storage",
}
SHORTEST_SECRET = 6  # shorter ones would blot out half of what is said

_secrets: set[str] = set()
machine_readable = False  # set by --json


class Failure(Exception):
    """args: exit code (which also tells the remedy), cause. `where`: what it is about, as shown; seed.py fills it in. `remedy`:
    in place of the code's. `pause`: seconds to wait before another try, as the server asks. `final`: all tries were made."""

    def __init__(self, code: int, cause: str, where: str = "", remedy: str = "") -> None:
        super().__init__(code, cause)
        self.where, self.remedy = where, remedy or REMEDY[code]
        self.pause, self.final = 0.0, False

    @property
    def line(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return redacted(f"seed: {where}{self.args[1]}; {self.remedy}".replace("\n", " "))


def from_os(error: OSError, place: object) -> Failure:
    """What the volume said, as a Failure."""
    code = NO_SPACE if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else NOT_WRITABLE
    return Failure(code, f"{error.filename or place}: {error.strerror or error}")


def conceal(*texts: str | None) -> None:
    """Have these never printed, whatever quotes them."""
    _secrets.update(text for text in texts if text and len(text) >= SHORTEST_SECRET)


def in_userinfo(url: str) -> set[str]:
    """What is secret before a URL's last @: whole, and in the pieces that a parser makes of a password with a / or # in it."""
    found = re.match(r"(?:[\w+.-]+://)?(.*)@", url)
    password = found[1].partition(":")[2] if found else ""
    pieces = {found[1], password, *re.split(r"[/?#@:\[\]]", password)} if password else set()
    return pieces | {urllib.parse.unquote(piece) for piece in pieces}


def redacted(text: str) -> str:
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def shown(uri: str) -> str:
    """A URI as it may be printed: without userinfo and query; with a fragment only where it names a file in a repository or
    image."""
    bare = re.sub(r"://[^/]*@", "://", re.sub(r"[?#].*", "", uri))
    file = re.search(r"#([^?#]*)", uri) if not re.match(r"https?:", uri, re.I) or bare.endswith(".git") else None
    return f"{bare}#{file[1]}" if file else bare


def say(text: str, event: str = "message", **facts: object) -> None:
    """One line on stdout; with --json an object with the event, its facts and the text."""
    text = redacted(text)
    line = f"seed: {text}"
    if machine_readable:
        told = {name: redacted(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
        line = json.dumps({"event": event, **told, "text": text})
    sys.stdout.write(f"{line}\n")  # at once: threads say something, too
    sys.stdout.flush()
