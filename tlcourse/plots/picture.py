"""A figure as a notebook shows it: sharp, small, and with a text for those who cannot see it."""

from __future__ import annotations

import base64
import html
import io
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlcourse import storage
from tlcourse.waiting import nobody_watches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008), "Color Universal Design": told apart by readers with any of the common colour deficiencies.
COLOURS = {
    "transfer": "#0072B2",
    "scratch": "#D55E00",
    "baseline": "#6E6E6E",
    "third": "#009E73",
    "fourth": "#CC79A7",
    "ink": "#222222",
}
# The same hues, dark enough for words: 4.5 to 1 on white, which the Web Content Accessibility Guidelines 2.1 ask for.
_FOR_WORDS = {COLOURS["scratch"]: "#C05500", COLOURS["third"]: "#008561", COLOURS["fourth"]: "#A16084"}

STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.labelsize": 10.5,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 2.2,
    "font.size": 10.5,
    "font.family": "DejaVu Sans",
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["ink"],
    "xtick.color": COLOURS["ink"],
    "ytick.color": COLOURS["ink"],
}
"""matplotlib settings of every figure of the course."""


def look() -> AbstractContextManager[None]:
    """What is drawn inside this context has the course's look."""
    import matplotlib

    return matplotlib.rc_context(STYLE)  # type: ignore[arg-type]  # its type lists every key that matplotlib has


_DPI = 160  # twice the size shown: sharp on dense screens


@dataclass(frozen=True)
class Picture:
    """A finished figure and the sentence that says what it shows.

    As the last line of a cell it shows itself; a screen reader reads `alt`, and so does a plain-text front end.
    """

    figure: Figure
    alt: str

    def __post_init__(self) -> None:
        """Words in the colour of a series get its darker shade, whoever drew them."""
        from matplotlib.text import Text

        for words in self.figure.findobj(Text):
            if isinstance(words, Text) and isinstance(colour := words.get_color(), str):
                words.set_color(_FOR_WORDS.get(colour, colour))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        width = self._width()
        png = self._base64()
        data = {"image/png": png, "text/plain": self.alt}
        if not nobody_watches():
            # JupyterLab makes an <img> of a PNG and leaves its text out; where there is HTML, it shows that instead.
            data["text/html"] = self._img(png)
        return data, {"image/png": {"width": width, "alt": self.alt}}

    def to_html(self) -> str:
        """An `<img>` that holds the figure and its text."""
        return self._img(self._base64())

    def save(self, path: str | Path) -> None:
        """Write the figure as a PNG file, whole or not at all."""
        storage.write_bytes(Path(path), self._png())

    def _width(self) -> int:
        return round(self.figure.get_figwidth() * 80)

    def _img(self, png: str) -> str:
        return f'<img src="data:image/png;base64,{png}" width="{self._width()}" alt="{html.escape(self.alt)}">'

    def _base64(self) -> str:
        return base64.b64encode(self._png()).decode()

    def _png(self) -> bytes:
        buffer = io.BytesIO()
        # No software version in the file: equal figures give equal bytes.
        self.figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
        return buffer.getvalue()
