"""Images to photo files and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlcourse.worlds import glyphs, photo_folder, write_photos


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    data = glyphs("digits", 3, size=32, seed=1, cache=False)
    files = write_photos(data, tmp_path / "photos")
    assert len(files) == 30 and all(file.is_file() for file in files)
    found = photo_folder(tmp_path / "photos", image_size=32)
    assert found.classes == tuple(sorted(data.classes)) and len(found) == 30
    read, _ = found.split(2, 10)
    assert any(np.array_equal(read.images[0], image) for image in data.images)
