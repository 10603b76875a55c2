"""Where examples come from: rendered glyphs, scanned handwriting, photos of your own."""

from tlcourse.worlds.alphabets import ALPHABETS, DIGITS, EVERYDAY, HELD_OUT, PICTOGRAPHS, Alphabet, alphabet
from tlcourse.worlds.capstone import CAPSTONE_TASKS, CapstoneTask, capstone_task
from tlcourse.worlds.doors import STATES, doors
from tlcourse.worlds.folders import write_photos
from tlcourse.worlds.glyph_world import IMAGE_SIZE, glyphs
from tlcourse.worlds.handwritten import handwriting
from tlcourse.worlds.idx import idx_images
from tlcourse.worlds.images import LabelledImages
from tlcourse.worlds.medical import medmnist
from tlcourse.worlds.own_photos import OwnPhotos, own_photos, read_predictions, unlabelled_photos, write_predictions
from tlcourse.worlds.published import published, published_sets
from tlcourse.worlds.real import PhotoFolder, photo_folder
from tlcourse.worlds.scanners import FIRST_SCANNER, SCAN_CLASSES, SECOND_SCANNER, Scanner, rescanned, scans
from tlcourse.worlds.scenes import SCENE, Detections, Scenes, scenes
from tlcourse.worlds.shortcut import with_shortcut
from tlcourse.worlds.signs import SIGNS, signs
from tlcourse.worlds.sound import LabelledSounds
from tlcourse.worlds.sound_files import sound_folder
from tlcourse.worlds.sound_mel import (
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    spec_augmented,
    spectrogram_images,
    triangles,
)
from tlcourse.worlds.sound_speakers import Speaker, speakers
from tlcourse.worlds.sound_speed import played_at
from tlcourse.worlds.sound_synthesis import VOCABULARIES, spoken
from tlcourse.worlds.style import CHALK, NIGHT, PHOTO, PRINT, STYLES, Style
from tlcourse.worlds.text import LabelledTexts, text_table
from tlcourse.worlds.text_docstrings import docstrings
from tlcourse.worlds.text_numbers import english, french, number_names
from tlcourse.worlds.text_tasks import documentation_roles, documentation_topics
from tlcourse.worlds.weather import WEATHERS, any_weather, weathered

__all__ = [
    "ALPHABETS",
    "CAPSTONE_TASKS",
    "CHALK",
    "DIGITS",
    "EVERYDAY",
    "FIRST_SCANNER",
    "HELD_OUT",
    "IMAGE_SIZE",
    "NIGHT",
    "PHOTO",
    "PICTOGRAPHS",
    "PRINT",
    "SCAN_CLASSES",
    "SCENE",
    "SECOND_SCANNER",
    "SIGNS",
    "STATES",
    "STYLES",
    "VOCABULARIES",
    "WEATHERS",
    "Alphabet",
    "CapstoneTask",
    "Detections",
    "LabelledImages",
    "LabelledSounds",
    "LabelledTexts",
    "OwnPhotos",
    "PhotoFolder",
    "Scanner",
    "Scenes",
    "Speaker",
    "Style",
    "alphabet",
    "any_weather",
    "capstone_task",
    "docstrings",
    "documentation_roles",
    "documentation_topics",
    "doors",
    "english",
    "french",
    "glyphs",
    "handwriting",
    "hz_to_mel",
    "idx_images",
    "log_mel",
    "medmnist",
    "mel_filters",
    "mel_to_hz",
    "number_names",
    "own_photos",
    "photo_folder",
    "played_at",
    "published",
    "published_sets",
    "read_predictions",
    "rescanned",
    "scans",
    "scenes",
    "signs",
    "sound_folder",
    "speakers",
    "spec_augmented",
    "spectrogram_images",
    "spoken",
    "text_table",
    "triangles",
    "unlabelled_photos",
    "weathered",
    "with_shortcut",
    "write_photos",
    "write_predictions",
]
