"""Model archives for bad days: each answers with its word, as tiny's do, or does what is wrong with it."""

import base64
import io
import random
import zipfile

import kubernetes

from ci.release import create
from tests.e2e.tiny import packed

NAME = "chaos-models"
# An instance {"keep": 8} keeps 8 MiB for ever, {"use": 8} has them for as long as it is answered.
HANDLER = '''
import time

KEPT = []
time.sleep({loading})


def handle(data, context):
    answers = []
    for instance in data or []:
        wanted = instance if isinstance(instance, dict) else {{}}
        KEPT.append(bytearray(b"x" * (wanted.get("keep", 0) << 20)))
        bytearray(b"x" * (wanted.get("use", 0) << 20))
        answers.append({word!r})
    return answers
'''
THROWS_ON_EVERY_REQUEST = '''
def handle(data, context):
    if data:
        raise KeyError("no column age in the request")
    return []
'''
LOADING_SECONDS = 5


def _handler(word: str, loading: float = 0) -> str:
    return HANDLER.format(word=word, loading=loading)


# Name -> handler.
HANDLERS = {
    "one": _handler("one"),
    "two": _handler("two"),
    "slow-to-load": _handler("one", LOADING_SECONDS),
    "throws-on-load": "raise RuntimeError('the weights are from another model')",
    "hangs-on-load": "import time\ntime.sleep(3600)",
    "throws-on-every-request": THROWS_ON_EVERY_REQUEST,
}


def offer(api: kubernetes.client.ApiClient, namespace: str) -> None:
    """Makes the ConfigMap of which `uri` names an archive."""
    create(kubernetes.client.CoreV1Api(api).create_namespaced_config_map, namespace, {
        "metadata": {"name": NAME},
        "binaryData": {f"{name}.mar": base64.b64encode(packed(handler)).decode() for name, handler in HANDLERS.items()}})


def uri(name: str) -> str:
    return f"configMap://{NAME}/{name}.mar"


def big(size: int) -> bytes:
    """An archive that answers `one`, of about so many bytes; the same each time."""
    buffer = io.BytesIO(packed(_handler("one")))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(zipfile.ZipInfo("weights.bin"), random.Random(7).randbytes(size))
    return buffer.getvalue()
