"""A brought folder: pictures for the learner, labels for the class alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlcourse.cli import main
from tlcourse.errors import CourseError
from tlcourse.grading import held_out
from tlcourse.transfer import baselines


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the baseline from scratch reaches does not matter here."""
    monkeypatch.setattr(baselines, "SCRATCH_STEPS", 2)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of eight photos: bright ones and dark ones, with where and when in their metadata."""
    root = tmp_path / "toys"
    exif = Image.Exif()
    exif[0x010E], exif[0x0132] = "cat in the garden", "2024:01:02 03:04:05"
    rng = np.random.default_rng(0)
    for name, level in (("cat", 200), ("dog", 60)):
        (root / name).mkdir(parents=True)
        for number in range(8):
            pixels = (level + rng.integers(0, 50, (60, 64, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name}-{number}.jpg", exif=exif, quality=95)
    return root


@pytest.fixture
def klass(tmp_path: Path) -> Path:
    folder = tmp_path / "autumn"
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    return folder


def hold_out(photos: Path, klass: Path, *more: str) -> int:
    return main(["capstone", "hold-out", str(photos), "--room", str(klass), "--to", str(klass.parent / "out"), *more])


def test_the_learner_gets_pixels_and_the_class_the_labels(
    photos: Path, klass: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hold_out(photos, klass) == 0
    said = capsys.readouterr().out
    assert "12 pictures with labels and 4 without" in said and "baseline 'frozen features'" in said
    out, kept = klass.parent / "out", held_out.of_class(klass)["toys"]
    hidden = sorted(out.glob("hidden/*"))
    assert [file.name for file in hidden] == kept["files"] == [f"{number:04}.png" for number in range(4)]
    assert sorted(kept["labels"]) == ["cat", "cat", "dog", "dog"]
    for file, label in zip(hidden, kept["labels"], strict=True):
        with Image.open(file) as photo:
            assert (np.asarray(photo).mean() > 130) == (label == "cat")
            assert not photo.getexif() and not photo.info
        assert file.stat().st_mtime == 0
        assert b"garden" not in file.read_bytes()
    assert {name: len(hits) for name, hits in kept["baselines"].items()} == {
        "majority class": 4,
        "from scratch": 4,
        "frozen features": 4,
    }


def test_nobody_else_may_enter_where_the_labels_lie(photos: Path, klass: Path) -> None:
    hold_out(photos, klass)
    assert stat.S_IMODE((klass / ".tlcourse" / "held-out").stat().st_mode) == 0o700


def test_a_name_is_taken_once(photos: Path, klass: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held_out.keep(klass, "toys", {})
    assert hold_out(photos, klass) == 1
    assert "holds labels of a folder 'toys' already" in capsys.readouterr().err
    assert hold_out(photos, klass, "--name", "night") == 1
    assert "one of the given tasks" in capsys.readouterr().err
    assert hold_out(photos, klass, "--name", "../seed") == 1
    assert not (klass.parent / "out").exists()


def test_only_a_class_can_keep_labels(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hold_out(photos, tmp_path / "nowhere") == 1
    assert "is no class" in capsys.readouterr().err


def test_the_learners_folder_must_be_new(photos: Path, klass: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (klass.parent / "out").mkdir()
    (klass.parent / "out" / "mine.txt").write_text("!")
    assert hold_out(photos, klass) == 1
    assert "not empty" in capsys.readouterr().err
    assert held_out.of_class(klass) == {}


def test_damaged_labels_are_named(klass: Path) -> None:
    path = held_out.keep(klass, "toys", {"labels": []})
    path.write_text(json.dumps({"labels": []})[:-1])
    with pytest.raises(CourseError, match=r"toys.json cannot be read"):
        held_out.of_class(klass)
