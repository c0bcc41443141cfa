"""The certificate authorities that the models' code trusts: the usual ones and the user's (runtime.ca), in one file.

TORCHSERVE_KSERVE_CA names the user's file, as in the seeding Job, SSL_CERT_FILE the one to write; so does REQUESTS_CA_BUNDLE.
Libraries that go by a variable of their own find it there, unless the user has set that one.
"""
from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from processes import Failure

OWN, BUNDLE = "TORCHSERVE_KSERVE_CA", "SSL_CERT_FILE"
MORE = ("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
# Where Debian, Fedora and the like have them all in one file, whatever OpenSSL a Python was built with.
SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
CERTIFICATE = re.compile(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL)


def usual() -> Iterator[Path]:
    """Files of the authorities that the image trusts: its system's and those that requests brings."""
    import ssl

    yield from map(Path, (ssl.get_default_verify_paths().openssl_cafile, *SYSTEM))
    with contextlib.suppress(ImportError):
        import certifi

        yield Path(certifi.where())


def certificates(file: Path) -> list[str]:
    """The certificates of a file in PEM; none where there is no such file."""
    with contextlib.suppress(OSError):
        return CERTIFICATE.findall(file.read_text(encoding="utf-8", errors="replace"))
    return []


def join(environment: MutableMapping[str, str]) -> str:
    """Write the file and name it in the environment; a sentence of how many are in it, or nothing where the user has none.
    Failure where none of his can be used."""
    if OWN not in environment or BUNDLE not in environment:
        return ""
    import ssl  # 4 MiB, for whom has one

    own, bundle = Path(environment[OWN]), environment[BUNDLE]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(str(own))
    except OSError as error:  # SSLError, too
        cause = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise Failure(f"{own}: {cause}; let runtime.ca name a ConfigMap or Secret and its key") from None
    known = dict.fromkeys(text for file in usual() for text in certificates(file))
    mine = dict.fromkeys(certificates(own))
    Path(bundle).write_text("\n".join({**mine, **known}) + "\n", encoding="utf-8")
    for name in MORE:
        environment.setdefault(name, bundle)
    return f"{len(mine)} certificate(s) of runtime.ca and the image's {len(known)} are in {bundle}"
