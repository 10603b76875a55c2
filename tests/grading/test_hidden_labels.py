"""Exercises whose labels stay outside the kernel, graded for real, and what hostile notebooks try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlcourse.checks import registry
from tlcourse.checks.result import practice_seed, run
from tlcourse.grading import Release, Result, Verdict, grade, held_out, materials
from tlcourse.worlds.capstone import hidden_set

pytestmark = pytest.mark.usefixtures("sandboxed")

BASELINE = """\
def capstone(hidden):
    task = tl.worlds.capstone_task("signs")
    said = tl.transfer.baseline_predictions(task.train, hidden["signs"], names=["frozen features"])
    return "signs", said["frozen features"]
"""


@pytest.fixture(autouse=True)
def one_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """One set of hidden pictures for all tests here: it is drawn once."""
    monkeypatch.setattr(materials, "EDITIONS", 1)


def notebook(answer: str, exercise: str = "capstone") -> dict[str, Any]:
    """A lesson with one exercise alone."""
    points = registry.get(exercise).points
    marks = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False}
    cells = [
        ("import os\nimport sys\nimport time\n\nimport numpy as np\nimport tlcourse as tl", {}),
        (answer, marks | {"grade_id": f"answer-{exercise}", "solution": True}),
        (
            f"tl.check.{exercise}({exercise})",
            marks | {"grade_id": f"check-{exercise}", "grade": True, "locked": True, "points": points},
        ),
    ]
    return {
        "cells": [
            {
                "cell_type": "code",
                "metadata": {"nbgrader": marks} if marks else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for source, marks in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }


def stub(exercise: str = "capstone") -> dict[str, Any]:
    return notebook(f"def {exercise}(*inputs):\n    raise NotImplementedError", exercise)


def graded(
    answer: str, exercise: str = "capstone", *, seed: bytes = b"heron", trust: bool = False, **more: Any
) -> Result:
    release = Release("capstones", stub(exercise), seed=seed, **({"timeout": 60.0} | more))
    return grade(notebook(answer, exercise), release, trust=trust)


def codes(result: Result) -> list[str]:
    return [finding.code for finding in result.questions[0].findings]


def test_a_baseline_earns_the_steps_below_it_alike_with_and_without_a_sandbox() -> None:
    boxed, trusted = graded(BASELINE), graded(BASELINE, trust=True)
    assert boxed.points == 4
    assert codes(boxed) == ["beats-majority", "beats-scratch", "probe-itself"]
    assert boxed.questions[0].findings == trusted.questions[0].findings


@pytest.mark.parametrize(
    ("returned", "code"),
    [
        ('"night", np.zeros(len(hidden["night"]), int)', "always-one-class"),
        ('"night", np.random.default_rng(0).integers(0, 10, len(hidden["night"]))', "guessing"),
        ('"night", np.full(len(hidden["night"]), np.nan)', "nan-labels"),
        ('"night", ["cat"] * len(hidden["night"])', "unknown-names"),
        ('"night", np.full(len(hidden["night"]), 10.0**300)', "unknown-labels"),
    ],
)
def test_what_says_nothing_about_the_pictures_earns_nothing(returned: str, code: str) -> None:
    result = graded(f"def capstone(hidden):\n    return {returned}\n")
    assert (result.points, codes(result)) == (0, [code])


FOUND = """
def labels_of(seed, pictures):
    from tlcourse.worlds.capstone import hidden_set
    try:
        test = hidden_set("night", seed)
    except Exception:
        return None
    return test.labels if np.array_equal(test.images, pictures) else None


def first(seeds, pictures):
    found = (labels_of(seed, pictures) for seed in seeds)
    return next((labels for labels in found if labels is not None), np.arange(len(pictures)) % 10)
"""

HOSTILE = {
    "asks the exercise for its judge and its material": """
def capstone(hidden):
    exercise = vars(tl.check.capstone)["exercise"]
    rng = np.random.default_rng(0)
    for ask in (exercise.material, lambda rng: exercise.judge({}, rng, {})):
        try:
            ask(rng)
            print("ANSWERED")
        except RuntimeError:
            pass
    from tlcourse.checks import lesson14_capstone
    assert not [name for name in vars(lesson14_capstone) if name in ("_seeds", "_material", "_judge", "_task_test")]
    return "night", np.arange(len(hidden["night"])) % 10
""",
    "looks for a seed in the frames that call it": FOUND
    + """
def capstone(hidden):
    seeds, frame = [], sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            inner = value.values() if isinstance(value, dict) else [value]
            seeds += [one for one in inner if type(one) is int and one > 10_000]
        frame = frame.f_back
    return "night", first(seeds[:20], hidden["night"])
""",
    "takes the labels of practice": """
def capstone(hidden):
    from tlcourse.checks.result import practice_seed
    from tlcourse.worlds.capstone import hidden_set
    rng = np.random.default_rng(practice_seed(vars(tl.check.capstone)["exercise"]))
    seeds = [int(rng.integers(1 << 62)) for _ in range(3)]
    return "night", hidden_set("night", seeds[2]).labels
""",
    "compares with what lies in the cache, whose order gives labels away": """
def capstone(hidden):
    from tlcourse import storage
    known = {}
    for file in storage.cache_dir().rglob("*.npy"):
        for place, picture in enumerate(np.load(file)):
            known[picture.tobytes()] = place % 10
    tl.worlds.capstone_task("night")
    return "night", [known.get(picture.tobytes(), 0) for picture in hidden["night"]]
""",
    "looks for the class's files": FOUND
    + """
def capstone(hidden):
    places = [os.path.join(at, name) for at, _, names in os.walk("/") if not at.startswith(("/proc", "/sys", "/usr"))
              for name in names if at.endswith((".tlcourse", "held-out"))]
    if places:
        print("FOUND", places)
    return "night", np.arange(len(hidden["night"])) % 10
""",
    "replaces what reads and what writes": """
from tlcourse.checks import plain, collecting
truth = plain.dumps({"call": {"value": ["night", list(range(10)) * 30], "printed": ""}})
plain.dumps = lambda value: truth
plain.loads = lambda text: {"night": np.zeros((300, 3, 32, 32), np.uint8)}
collecting.kept = lambda *anything: (1, 2)


def capstone(hidden):
    return "night", np.zeros(300)
""",
}


@pytest.mark.parametrize("attack", HOSTILE, ids=lambda name: name.replace(" ", "-"))
def test_nothing_in_the_kernel_gives_labels_away(attack: str, tmp_path: Path) -> None:
    held_out.keep(tmp_path, "garden", {"labels": []})
    result = graded(HOSTILE[attack])
    assert result.points == 0
    assert not {"ANSWERED", "FOUND"} & set(json.dumps(result.notebook["cells"][2]["outputs"]).replace('"', " ").split())


def test_an_answer_without_end_costs_its_question() -> None:
    result = graded("def capstone(hidden):\n    while True:\n        time.sleep(0.1)\n", timeout=3.0)
    assert result.questions[0].verdict is Verdict.TIME


PRINTED = """
import hashlib
def capstone(hidden):
    open("seen.txt", "w").write(hashlib.sha256(hidden["night"].tobytes()).hexdigest())
    # {remark}
    return "night", np.zeros(300)
"""


def seen(answer: str, seed: bytes = b"heron") -> str:
    return graded(answer, seed=seed).files["seen.txt"]


def test_classes_get_other_pictures_and_submissions_of_one_edition_the_same() -> None:
    one, other = PRINTED.format(remark="one"), PRINTED.format(remark="other")
    assert seen(one) == seen(other) != seen(one, b"otter")


def test_a_second_try_most_likely_gets_other_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materials, "EDITIONS", 1 << 200)
    asked: list[int] = []
    monkeypatch.setattr(materials, "drawn", lambda exercise, seed: asked.append(seed) or '{"night": [0]}')
    for remark in ("one", "other", "one"):
        graded(PRINTED.format(remark=remark))
    first, second, third = asked
    assert first == third != second
    assert practice_seed(registry.get("capstone")) not in asked


def test_a_brought_folder_is_scored_on_the_labels_that_the_class_keeps() -> None:
    labels = ["cat", "dog", "owl"] * 10
    files = [f"{number:04}.png" for number in range(30)]
    baselines = {"majority class": [1, 0, 0] * 10, "from scratch": [0.5] * 30, "frozen features": [1, 1, 0] * 10}
    kept = {"classes": ["cat", "dog", "owl"], "files": files, "labels": labels, "baselines": baselines}
    answer = f'def capstone(hidden):\n    return "garden", {dict(zip(files, labels, strict=True))!r}\n'
    result = graded(answer, held_out={"garden": kept})
    assert (result.points, codes(result)) == (6, ["beats-majority", "beats-scratch", "beats-probe"])
    assert codes(graded(answer)) == ["labels-elsewhere"]


def test_a_release_with_held_out_labels_survives_json() -> None:
    release = Release("capstones", stub(), held_out={"garden": {"labels": ["cat"]}})
    assert Release.from_json(json.loads(json.dumps(release.as_json()))) == release


def test_plain_nbgrader_scores_the_practice_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    from tlcourse import check

    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    rng = np.random.default_rng(practice_seed(registry.get("capstone")))
    seeds = [int(rng.integers(1 << 62)) for _ in range(3)]
    assert check.capstone(lambda hidden: ("night", hidden_set("night", seeds[2]).labels)) == 6


def test_practice_says_that_it_is_practice(capsys: pytest.CaptureFixture[str]) -> None:
    from tlcourse import check
    from tlcourse.checks.checker import CheckFailed

    with pytest.raises(CheckFailed):
        check.capstone(lambda hidden: ("night", np.zeros(300)))
    assert "This was practice" in capsys.readouterr().out
    assert run(registry.get("capstone"), lambda hidden: ("night", np.zeros(300))).earned == 0


RACES = ["beat_the_baseline", "beat_the_clock"]
"""Exercises that give labelled images, and ask for the labels of others."""

LOOKED = """
def locals_of_frames():
    frame = sys._getframe(1)
    while frame is not None:
        for value in frame.f_locals.values():
            yield value
            yield from value.values() if isinstance(value, dict) else ()
        frame = frame.f_back


def labels_in(values, test_images):
    found = (one.labels for one in values if np.array_equal(getattr(one, "images", None), test_images))
    return next(found, np.arange(len(test_images)) % 8)
"""

LOOKING = {
    "for test images with labels in the frames that call it": """
def ANSWER(images, labels, test_images):
    return labels_in(locals_of_frames(), test_images)
""",
    "for labelled images anywhere in memory": """
import gc


def ANSWER(images, labels, test_images):
    from tlcourse.worlds import LabelledImages
    return labels_in([one for one in gc.get_objects() if isinstance(one, LabelledImages)], test_images)
""",
    "for a seed and what draws with it": """
def ANSWER(images, labels, test_images):
    lesson = sys.modules[vars(tl.check.ANSWER)["exercise"].collect.__module__]
    seeds = [one for one in locals_of_frames() if type(one) is int and one > 10_000]
    draws = [value for name, value in vars(lesson).items() if name.endswith("_task")]
    return labels_in([draw(np.random.default_rng(seed))[1] for draw in draws for seed in seeds], test_images)
""",
}

PROBE = """
def ANSWER(images, labels, test_images):
    body, mean, std = tl.models.GlyphNet.pretrained().body, tl.models.GLYPH_MEAN, tl.models.GLYPH_STD
    x, z = (tl.transfer.frozen_features(body, pixels, mean=mean, std=std) for pixels in (images, test_images))
    return tl.transfer.linear_probe(x, labels, z, np.zeros(len(z))).predictions
"""


@pytest.mark.parametrize("looking", LOOKING, ids=lambda name: name.replace(" ", "-"))
@pytest.mark.parametrize("exercise", RACES)
def test_a_look_around_finds_no_labels_of_test_images(exercise: str, looking: str) -> None:
    result = graded((LOOKED + LOOKING[looking]).replace("ANSWER", exercise), exercise)
    assert (result.points, result.questions[0].verdict) == (0, Verdict.WRONG)


@pytest.mark.parametrize("exercise", RACES)
def test_test_images_can_be_named_without_their_labels(exercise: str) -> None:
    assert graded(PROBE.replace("ANSWER", exercise), exercise).points == 3
