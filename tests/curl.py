"""curl as the write-up used it: its commands as they were typed, with localhost's two ports leading where a test wants."""

from collections.abc import Callable
from pathlib import Path

from ci.cluster import shell


def typed_in(folder: Path, sample: str, doors: tuple[int, int], environment: dict[str, str]) -> Callable[[str], str]:
    """A function that runs a shell command in `folder` and returns its output.

    Args:
        sample: what `sample.json` there holds.
        doors: ports of 127.0.0.1 that curl finds at localhost:8080 and localhost:8443.
        environment: the variables of the commands.
    """
    (folder / "sample.json").write_text(sample)
    (folder / ".curlrc").write_text("noproxy = *\n" + "".join(
        f"connect-to = localhost:{asked}:127.0.0.1:{port}\n" for asked, port in zip((8080, 8443), doors, strict=True)))
    given = {**environment, "CURL_HOME": str(folder)}
    return lambda command: shell.output(["bash", "-c", command], env=given, cwd=folder)
