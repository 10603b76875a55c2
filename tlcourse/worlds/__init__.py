"""Where examples come from: rendered glyphs, scanned handwriting, photos of your own."""

from tlcourse.worlds.alphabets import ALPHABETS, DIGITS, EVERYDAY, HELD_OUT, PICTOGRAPHS, Alphabet, alphabet
from tlcourse.worlds.doors import STATES, doors
from tlcourse.worlds.folders import write_photos
from tlcourse.worlds.glyph_world import IMAGE_SIZE, glyphs
from tlcourse.worlds.handwritten import handwriting
from tlcourse.worlds.idx import idx_images
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.published import published, published_sets
from tlcourse.worlds.real import PhotoFolder, photo_folder
from tlcourse.worlds.shortcut import with_shortcut
from tlcourse.worlds.style import CHALK, NIGHT, PHOTO, PRINT, STYLES, Style

__all__ = [
    "ALPHABETS",
    "CHALK",
    "DIGITS",
    "EVERYDAY",
    "HELD_OUT",
    "IMAGE_SIZE",
    "NIGHT",
    "PHOTO",
    "PICTOGRAPHS",
    "PRINT",
    "STATES",
    "STYLES",
    "Alphabet",
    "LabelledImages",
    "PhotoFolder",
    "Style",
    "alphabet",
    "doors",
    "glyphs",
    "handwriting",
    "idx_images",
    "photo_folder",
    "published",
    "published_sets",
    "with_shortcut",
    "write_photos",
]
