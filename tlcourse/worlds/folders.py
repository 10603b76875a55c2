"""Images in memory to photo files, as a camera or a colleague would hand them over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tlcourse import storage
from tlcourse.worlds.images import LabelledImages


def write_photos(data: LabelledImages, folder: str | Path) -> list[Path]:
    """One subfolder a class, one PNG file an image: what `photo_folder` and fastai's `get_image_files` read.

    Args:
        data: N images.
        folder: made if it is not there; files of the same names are replaced.

    Returns:
        The N files, in the order of the images: `folder/CLASS/00000.png` and so on.

    Raises:
        StorageError: the disk refuses a file.
    """
    root = Path(folder).expanduser()
    files = [root / data.classes[label] / f"{number:05}.png" for number, label in enumerate(data.labels)]
    for parent in {file.parent for file in files}:
        storage.make_folder(parent)
    for file, image in zip(files, data.images, strict=True):
        Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(file)
    return files
