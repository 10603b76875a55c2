"""How the glyph world looks: named knobs, and a few styles made with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

from tlcourse.errors import DataError


@dataclass(frozen=True)
class Style:
    """The knobs of the renderer. Each runs from 0 (none) to 1 (as much as the glyphs can bear) unless said otherwise.

    Two styles a small step apart are near domains; `Style.towards` walks from one to the other.

    Args:
        texture: strength of the patterns inside figure and ground.
        colour: how colourful; 0 is grey.
        contrast: how far figure and ground differ in brightness.
        polarity: probability that the figure is brighter than the ground.
        background: strength of the ground's gradients, stripes and blotches.
        pose: spread of rotation (up to 30 degrees), size, shear and place.
        warp: elastic deformation of the strokes, as a hand makes.
        weight: how much strokes are made bolder or thinner.
        hidden: how much of the figure something in front may cover (up to about a third).
        blur: spread of the Gaussian blur (up to 3 px).
        noise: standard deviation of the pixel noise, 1 = a quarter of the brightness range.
    """

    texture: float = 0.7
    colour: float = 0.9
    contrast: float = 0.25
    polarity: float = 0.5
    background: float = 0.9
    pose: float = 0.9
    warp: float = 0.6
    weight: float = 0.5
    hidden: float = 0.6
    blur: float = 0.5
    noise: float = 0.5

    def __post_init__(self) -> None:
        for knob in fields(self):
            value = getattr(self, knob.name)
            if not 0 <= value <= 1:
                raise DataError(f"Style knob {knob.name} is {value}.", "Give a number from 0 to 1.")

    def but(self, **knobs: float) -> Style:
        """The same style with some knobs turned: `PHOTO.but(noise=0.8)`."""
        return replace(self, **knobs)

    def towards(self, other: Style, share: float) -> Style:
        """The style `share` of the way to `other`: 0 is this one, 1 the other."""
        mine, theirs = asdict(self), asdict(other)
        return Style(**{name: (1 - share) * mine[name] + share * theirs[name] for name in mine})


PHOTO = Style()
"""The default: coloured figures on textured grounds, turned, blurred and noisy."""

PRINT = Style(
    texture=0,
    colour=0,
    contrast=1,
    polarity=0,
    background=0,
    pose=0.1,
    warp=0,
    weight=0.1,
    hidden=0,
    blur=0.1,
    noise=0,
)
"""Black on white, as on paper."""

CHALK = Style(
    texture=0.3,
    colour=0,
    contrast=1,
    polarity=1,
    background=0.1,
    pose=0.3,
    warp=0.6,
    weight=0.8,
    hidden=0,
    blur=0.9,
    noise=0.1,
)
"""Bright, soft, shaky strokes on a dark board: the rendered style nearest to the scanned handwriting."""

NIGHT = PHOTO.but(contrast=0.1, colour=0.3, noise=0.9, blur=0.7)
"""Dim, grainy and blurred."""

STYLES = {"photo": PHOTO, "print": PRINT, "chalk": CHALK, "night": NIGHT}
"""Every named style."""
