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
SPAN = re.compile(r"`((?:helm|kubectl|curl|ci/nox)\s[^`]+)`")
HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?.*\n(?:.*\n)*?\1\n")
HEAD = """# Commands of these pages

Every command of these pages, and what runs it. A command is each line of a block of `sh`, each line of `console` after `$ `, and
in the text whatever in backticks begins with `helm`, `kubectl`, `curl` or `ci/nox` and names more than a verb and options:
`helm test` is the name of a command, `helm history REL` is one. `ci/nox -s docs` makes this page from `ci/commands.yaml`; a unit
test (`tests/unit/test_docs_commands.py`) fails on a command that is in neither table, on an entry without a command, on a test
that is not there, and on a command in a block that does not say what it is. `…` stands for anything.

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
    whole = HERE_DOCUMENT.sub(lambda found: found[0].replace("\n", " ") + "\n", block.text)
    for line in whole.replace("\\\n", " ").splitlines():
        if block.kind == "console" and not line.startswith("$ "):
            continue
        bare = re.sub(r"(^|\s\s)#\s.*", "", line.removeprefix("$ "))
        if bare.strip():
            yield " ".join(bare.split())


def spoken(text: str) -> Iterator[str]:
    """The commands in the text of a page, on one line each. A verb alone is no command, and neither is one with options alone."""
    for span in SPAN.findall(FENCE.sub("", text)):
        words = span.split()
        after = re.sub(r"^(?:-n|--namespace) \S+ ", "", " ".join(words[1:])).split()
        if words[0] in ("curl", "ci/nox") or any(not word.startswith("-") for word in after[1:]):
            yield " ".join(words)


def all_commands() -> list[tuple[str, str]]:
    """(page, command) of every page: of its blocks, then of its text."""
    found = []
    for page in pages():
        in_blocks = [command for block in blocks(page) for command in commands(block)]
        name = str(page.relative_to(REPOSITORY))
        found += [(name, command) for command in [*in_blocks, *spoken(page.read_text())]]
    return found


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
