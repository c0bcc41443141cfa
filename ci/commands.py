"""The commands of the docs, and who runs each: ci/commands.yaml is the table, docs/commands.md the page for readers.

A pattern of the table is a command in which … stands for anything. The first one that fits is the command's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from ci.cluster.paths import REPOSITORY

TABLE = REPOSITORY / "ci" / "commands.yaml"
PAGE = REPOSITORY / "docs" / "commands.md"
WHERE = ("README.md", "docs/*.md", "docs/guides/*.md", "charts/*/README.md", "examples/*/README.md")
FENCE = re.compile(r"(?ms)^( *)```([^\n`]*)\n(.*?)^\1```")
SHELLS = ("sh", "bash", "shell")
HEAD = """# Commands of these pages

Every command in a block of these pages, and what runs it. `ci/nox -s docs` makes this page from `ci/commands.yaml`; a unit test
(`tests/unit/test_docs_commands.py`) fails on a command that is in neither table, on an entry without a command, and on a test
that is not there. `…` stands for anything.

## Run by a test

| command | test | what differs there |
| --- | --- | --- |
"""
NOT_RUN = """
## Run by no test

| command | why not |
| --- | --- |
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: path of the page below the repository.
        kind: what stands behind the fence, as `sh` or `yaml other`.
        text: the contents, less the fence's own indentation.
    """

    page: str
    kind: str
    text: str


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Attributes:
        command: the pattern.
        test: FILE::FUNCTION that runs it; empty where nothing does.
        says: what differs there, or why nothing runs it.
    """

    command: str
    test: str
    says: str

    def fits(self, command: str) -> bool:
        return re.fullmatch(re.escape(self.command).replace("…", ".*"), command, re.DOTALL) is not None


def pages() -> list[Path]:
    """Every page whose commands count, the generated one left out."""
    return sorted(file for pattern in WHERE for file in REPOSITORY.glob(pattern) if file != PAGE)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    name = str(page.relative_to(REPOSITORY))
    return [Block(name, kind.strip(), re.sub(f"(?m)^{indent}", "", text))
            for indent, kind, text in FENCE.findall(page.read_text())]


def commands(block: Block) -> Iterator[str]:
    """The commands of a block on one line each: of `console` what follows `$ `, of `sh` every line; without comments."""
    if block.kind not in ("console", *SHELLS):
        return
    for line in block.text.replace("\\\n", " ").splitlines():
        if block.kind == "console" and not line.startswith("$ "):
            continue
        bare = re.sub(r"(^|\s\s)#\s.*", "", line.removeprefix("$ "))
        if bare.strip():
            yield " ".join(bare.split())


def all_commands() -> list[tuple[str, str]]:
    """(page, command) of every page."""
    return [(block.page, command) for page in pages() for block in blocks(page) for command in commands(block)]


def table() -> list[Entry]:
    """ci/commands.yaml, the tested ones first."""
    given = yaml.safe_load(TABLE.read_text())
    tested = [Entry(item["command"], item["test"], item.get("there", "")) for item in given["tested"]]
    return tested + [Entry(item["command"], "", item["why"]) for item in given["not_run"]]


def entry_of(command: str, entries: list[Entry]) -> Entry | None:
    """The first entry that the command fits."""
    return next((entry for entry in entries if entry.fits(command)), None)


def page() -> str:
    """docs/commands.md as the table makes it."""
    entries = table()
    tested = "".join(f"| {_code(entry.command)} | `{entry.test}` | {entry.says} |\n" for entry in entries if entry.test)
    others = "".join(f"| {_code(entry.command)} | {entry.says} |\n" for entry in entries if not entry.test)
    return HEAD + tested + NOT_RUN + others


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
