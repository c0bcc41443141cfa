"""Model archives of a few hundred bytes, for tests of what happens around a model: each answers with its own word."""

import io
import json
import zipfile

# An instance {"seconds": 2} is answered after two seconds, {"fail": "…"} with an exception, everything else at once.
HANDLER = '''
import time

WORD = {word!r}


def handle(data, context):
    answers = []
    for instance in data or []:
        wanted = instance if isinstance(instance, dict) else {{}}
        time.sleep(wanted.get("seconds", 0))
        if "fail" in wanted:
            raise ValueError(wanted["fail"])
        answers.append(WORD)
    return answers
'''


def archive(word: str, version: str = "1.0") -> bytes:
    """A model archive whose handler answers every instance with `word`; the same bytes each time."""
    return packed(HANDLER.format(word=word), version)


def packed(handler: str, version: str = "1.0") -> bytes:
    """A model archive with this program as its handler."""
    manifest = {"createdOn": "01/01/2026 00:00:00", "runtime": "python", "archiverVersion": "0.12.0",
                "model": {"modelName": "tiny", "handler": "handler.py", "modelVersion": version}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, content in (("MAR-INF/MANIFEST.json", json.dumps(manifest)), ("handler.py", handler)):
            packed.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()
