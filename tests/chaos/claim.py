"""What is on a release's claim: every file with its size and sha256, read in the predictor."""

import json

from ci.release import Release

READ = """
import hashlib, json, pathlib
root = pathlib.Path("/mnt/models")
files = [(str(file.relative_to(root)), file.read_bytes()) for file in sorted(root.rglob("*")) if file.is_file()]
print(json.dumps({name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in files}))
"""

Contents = dict[str, tuple[int, str]]


def contents(release: Release) -> Contents:
    """Path -> (bytes, sha256) of every file on the claim, as the oldest of the release's pods has it."""
    said = release.execute(release.predictor_pods()[0].metadata.name, "python", "-c", READ)
    # The client makes a dict of what is one line of JSON, and of that Python's text.
    found = {path: (size, sha256) for path, (size, sha256) in json.loads(said.replace("'", '"')).items()}
    assert any(path.endswith(".mar") for path in found), f"no archive on the claim of {release.name}: {found}"
    return found


def lost(before: Contents, after: Contents) -> list[str]:
    """Files that are gone, or have other contents."""
    return [path for path, known in before.items() if after.get(path) != known]
