"""The values in the docs."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import yaml

from ci import commands
from tests.unit.cases import SMALLEST

# What stands in a page for something that only the reader has.
PLACEHOLDERS = {"<64 hex digits>": "a" * 64, "sha256:…": "sha256:" + "a" * 64}
SUBCHART = "torchserve-kserve"


@dataclass(frozen=True)
class Snippet:
    """Values of a page.

    Attributes:
        place: PAGE:NUMBER, the number being that of the yaml block in the page.
        own: the map in it, placeholders replaced.
    """

    place: str
    own: dict

    @property
    def whole(self) -> dict:
        """The same with the smallest model, where it names none."""
        return self.own if "models" in self.own else SMALLEST | self.own


@functools.cache
def snippets() -> list[Snippet]:
    """Each yaml block of the docs that is values: all but `yaml other` and the objects of others (apiVersion)."""
    found = []
    for page in commands.pages():
        blocks = [block for block in commands.blocks(page) if block.kind == "yaml"]
        for number, block in enumerate(blocks, 1):
            text = functools.reduce(lambda said, pair: said.replace(*pair), PLACEHOLDERS.items(), block.text)
            found += [Snippet(f"{block.page}:{number}", own.get(SUBCHART, own))
                      for own in yaml.safe_load_all(text) if "apiVersion" not in own]
    return found
