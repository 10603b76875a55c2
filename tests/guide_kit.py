"""The instructor's guide, taken apart: its sections, and in each the commands and files that it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
GUIDE = (CHECKOUT / "docs" / "book" / "instructors.md").read_text(encoding="utf-8")

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_FILE = re.compile(r"^`(?P<file>[~/]\S+)`\n\n\Z", re.M)


@dataclass(frozen=True)
class Block:
    """A block of the guide: commands, which have a bare fence, or a file, which stands under its name.

    Args:
        language: what the fence says.
        text: what stands between the fences.
        file: the file's name; empty for other blocks.
    """

    language: str
    text: str
    file: str = ""

    @property
    def commands(self) -> list[str]:
        """The lines to type; none if this is no block of commands."""
        return [] if self.language else self.text.splitlines()


def section(title: str) -> list[Block]:
    """The blocks that stand under a heading, up to the next heading of any level."""
    assert title in _SECTIONS, f"the guide has no section {title!r}"
    return _SECTIONS[title]


def commands() -> list[str]:
    """Every command of the guide, in order."""
    return [line for blocks in _SECTIONS.values() for block in blocks for line in block.commands]


def titles_with_commands() -> list[str]:
    """The headings under which there is something to type."""
    return [title for title, blocks in _SECTIONS.items() if any(block.commands for block in blocks)]


def _sections() -> dict[str, list[Block]]:
    """The blocks under each heading. A line of a block may look like a heading: a block is one piece."""
    found: dict[str, list[Block]] = {}
    title, before = "", ""
    for part in re.split(r"(^```.*?^```$)", GUIDE, flags=re.M | re.S):
        if fence := _FENCE.fullmatch(part):
            name = _FILE.search(before)
            found[title].append(Block(fence["language"], fence["text"], name["file"] if name else ""))
        else:
            headings = re.findall(r"^#+ (.+)$", part, re.M)
            found |= {heading: [] for heading in headings}
            title, before = [title, *headings][-1], part
    return found


_SECTIONS = _sections()


def adapted(text: str, table: dict[str, str]) -> str:
    """A block's text with what a table replaces in it."""
    for words, instead in table.items():
        text = text.replace(words, instead)
    return text
