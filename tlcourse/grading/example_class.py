"""A class of invented capstones, to practise grading on: made, graded and read like any other class."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlcourse import storage
from tlcourse.errors import CourseError
from tlcourse.grading import classroom, holding_out
from tlcourse.grading.example_capstones import CAPSTONES, FOLDER
from tlcourse.grading.release import Release

_CODE, _REPORT = "answer-capstone", "written-report"
_BROUGHT = "brought"


def make(folder: Path, solution: Path, config_folder: Path, mark: str) -> Iterator[str]:
    """Make the class, hold out one brought folder, and lay the submissions into `submitted/`.

    Args:
        folder: new or empty.
        solution: the capstone's lesson with answers.
        config_folder, mark: as in `classroom.make`.

    Yields:
        one line on what was done.

    Raises:
        CourseError: the folder is not empty, or the lesson has no capstone.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(f"{folder} is not empty.", "Name a new folder for the example class.")
    yield from classroom.make(folder, [solution], config_folder, mark)
    released = Release.read(solution).notebook
    for one in CAPSTONES:
        handed_in = folder / "submitted" / one.learner / solution.stem / solution.name
        storage.write_text(handed_in, json.dumps(_answered(released, one.code, one.report), indent=1) + "\n")
        if f'"{FOLDER}"' in one.code:
            _bring_folder(folder, handed_in.parent)
        yield f"{one.learner}: {one.about}"


def _answered(released: dict[str, Any], code: str, report: str) -> dict[str, Any]:
    notebook = copy.deepcopy(released)
    answers = {_CODE: code.rstrip("\n"), _REPORT: report}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        cell["source"] = answers.pop(name, cell["source"])
    if answers:
        raise CourseError(
            f"{notebook['metadata'].get('title', 'The lesson')} has no cell {', '.join(sorted(answers))}.",
            "Make the class from the lesson that holds the capstone.",
        )
    return notebook


def _bring_folder(room: Path, handed_in: Path) -> None:
    """What a learner and an instructor do with a folder: bring it, hold labels out, predict, hand the file in."""
    from tlcourse.transfer.baselines import baseline_predictions
    from tlcourse.worlds import (
        HELD_OUT,
        Alphabet,
        glyphs,
        own_photos,
        unlabelled_photos,
        write_photos,
        write_predictions,
    )

    place = room / _BROUGHT
    things = Alphabet("small things", HELD_OUT.characters[3:93:9])
    write_photos(glyphs(things, 24, size=48, seed=1402), place / FOLDER)
    done = holding_out.hold_out(place / FOLDER, room, place / "for-the-learner")
    train = own_photos(done.pictures / "train", 48, test=0.05).train
    files, pictures = unlabelled_photos(done.pictures / "hidden", 48)
    said = baseline_predictions(train, pictures, names=["frozen features"])["frozen features"]
    predictions = {file: train.classes[label] for file, label in zip(files, said, strict=True)}
    write_predictions(handed_in / "predictions.csv", predictions)
