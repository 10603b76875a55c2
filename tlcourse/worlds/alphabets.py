"""The classes of the glyph world: which characters, in which fonts, and the fixed splits.

Every character stands in DejaVu Sans, which matplotlib ships. The pictographs were chosen so that no two of them
correlate above 0.76 as 64-pixel drawings, at any relative rotation up to 20 degrees; religious and political signs
were left out. Twenty everyday things were set aside by hand as the standard target task; of the rest, 150 were drawn at
random as the source. No character is in two of the three sets.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass

from tlcourse.errors import DataError


@dataclass(frozen=True)
class Alphabet:
    """A named list of classes, each one character.

    Args:
        name: what to call it.
        characters: one character a class, in class order.
        fonts: file stems of matplotlib fonts; an image draws its font from these at random.
    """

    name: str
    characters: tuple[str, ...]
    fonts: tuple[str, ...] = ("DejaVuSans",)

    @property
    def classes(self) -> tuple[str, ...]:
        """A short name for each class."""
        return tuple(class_name(character) for character in self.characters)

    def only(self, *characters: str) -> Alphabet:
        """The same alphabet with these characters alone, in this order.

        Raises:
            DataError: the alphabet has no such character.
        """
        foreign = [c for c in characters if c not in self.characters]
        if foreign:
            raise DataError(f"The alphabet {self.name!r} has no {' '.join(foreign)}.", "Choose among its `characters`.")
        return Alphabet(self.name, characters, self.fonts)

    def __len__(self) -> int:
        return len(self.characters)


_SHORT_NAMES = {
    "☂": "umbrella",
    "☃": "snowman",
    "☎": "telephone",
    "☕": "hot drink",
    "♘": "knight",
    "⚓": "anchor",
    "⚖": "scales",
    "⚙": "gear",
    "✁": "scissors",
    "✈": "airplane",
    "✉": "envelope",
    "✌": "victory hand",
    "✿": "flower",
    "❄": "snowflake",
    "🐭": "mouse",
    "🐱": "cat",
    "♫": "notes",
    "⚑": "flag",
    "☘": "shamrock",
    "⏏": "eject",
}


def class_name(character: str) -> str:
    """A short lower-case name: `"umbrella"` for ☂, the character itself for letters and digits."""
    if character.isalnum():
        return character
    return _SHORT_NAMES.get(character) or unicodedata.name(character).lower()


def _block(first: int, last: int) -> tuple[str, ...]:
    return tuple(chr(code) for code in range(first, last + 1))


_LATIN_FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSansMono",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "cmtt10",
)

PICTOGRAPHS = Alphabet(
    "150 pictographs",
    tuple(
        "↖↚↟↬↯↰↲↳↴↻⇄⇋⇓⇚⇭⇱⇶⌂⌆⌎⌏⌘⌤⌥⌦⌧⌨⌫⍽⎇⏎▣▥▧▯◅◇◉◊◓◘◢◥◬◭◮◹☁☄☆☇☈☉☋☌☍☏☒☖☜☞☮☹☽☾♀♂♇♈♊♋♌♍♎♏♒♓♔"
        "♖♗♞♡♢♤♨♪♭♮♲♳♻⚆⚐⚔⚚⚟⚠⚡⚩⚭⚮⚰⚱⚳⚴⚶⚸⛀⛁⛃✂✃✄✆✇✍✎✐✕✖✗✙✚✱✵❀❁❝❣❦❭➩➬➮➳➾⬁⬃⬄⬉⬏⬓⬗⬙⭔🐮🐵😂😄😴"
    ),
)
"""The source task: what GlyphNet is trained on."""

EVERYDAY = Alphabet("20 everyday things", tuple("☂☃☎☕♘⚓⚖⚙✁✈✉✌✿❄🐭🐱♫⚑☘⏏"))
"""The standard target task; no class of it is in PICTOGRAPHS."""

HELD_OUT = Alphabet(
    "114 held-out pictographs",
    tuple(
        "↕↜↝↢↭↱↵↺⇅⇆⇑⇤⇲⇵⌁⌃⌄⌅⌇⌌⌍⌑⌬⏥▤▨▭▷▻▽◁◈◍◑◣◤◧◸◺◿☀★☊☗☙☚☛☝☟☠☡☤☯☿♁♃♄♅♆♐♑♕♙♜♥♧♩♬♽♾♿⚒⚕⚗⚘⚛⚜⚞⚪⚷⛂"
        "✏✑✓✧✩✬✶✺❂❈❞❡❬➘➚➜➢➫➭➯➴➶⬀⬂⬈⬎⬐⬑⬖😇😈😱😹"
    ),
)
"""More targets, for experiments that need many unseen tasks."""

DIGITS = Alphabet("printed digits", tuple("0123456789"), _LATIN_FONTS)
LATIN = Alphabet("Latin capitals", _block(0x41, 0x5A), _LATIN_FONTS)
GREEK = Alphabet("Greek", tuple("αβγδεζηθικλμνξοπρστυφχψω"), ("DejaVuSans", "DejaVuSerif", "STIXGeneral"))
GEORGIAN = Alphabet("Georgian", _block(0x10D0, 0x10F0), ("DejaVuSans", "DejaVuSerif"))
ARMENIAN = Alphabet("Armenian", _block(0x531, 0x556), ("DejaVuSans", "DejaVuSerif"))
TIFINAGH = Alphabet("Tifinagh", _block(0x2D30, 0x2D4D))
SYLLABICS = Alphabet("Canadian syllabics", tuple("ᐁᐃᐅᐊᐯᐱᐳᐸᑌᑎᑐᑕᑫᑭᑯᑲᒉᒋᒍᒐᒣᒥᒧᒪᓀᓂᓄᓇ"))

ALPHABETS = {
    "pictographs": PICTOGRAPHS,
    "everyday": EVERYDAY,
    "held-out": HELD_OUT,
    "digits": DIGITS,
    "latin": LATIN,
    "greek": GREEK,
    "georgian": GEORGIAN,
    "armenian": ARMENIAN,
    "tifinagh": TIFINAGH,
    "syllabics": SYLLABICS,
}
"""Every alphabet by the name that `glyphs` takes."""


def alphabet(name: str | Alphabet) -> Alphabet:
    """The alphabet of this name.

    Raises:
        DataError: there is none; the nearest names are offered.
    """
    if isinstance(name, Alphabet):
        return name
    if name in ALPHABETS:
        return ALPHABETS[name]
    near = difflib.get_close_matches(name, ALPHABETS, n=3) or list(ALPHABETS)
    raise DataError(f"There is no alphabet called {name!r}.", f"Did you mean {', '.join(near)}?")
