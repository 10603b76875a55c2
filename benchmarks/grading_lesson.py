"""The lesson of `benchmarks/grading.py`: a short fastai notebook for nbgrader, its tests for otter, and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LESSON = "bars"
QUESTIONS = {"top-k": 2.0, "freeze": 2.0, "train": 3.0}
"""The points of each question, by the `grade_id` of its test."""

_SETUP = """\
from fastai.vision.all import *

set_seed(0, reproducible=True)"""

_DATA = '''\
def bars(n, seed):
    """n noisy images of 3 x 24 x 24 with a bar that lies (0) or stands (1)."""
    noise = torch.Generator().manual_seed(seed)
    images, labels = 0.3 * torch.randn(n, 3, 24, 24, generator=noise), torch.arange(n) % 2
    for image, label, place in zip(images, labels, torch.randint(2, 20, (n,), generator=noise)):
        (image[:, :, place : place + 3] if label else image[:, place : place + 3])[:] += 1
    return list(zip(images, labels))


train, valid = bars(96, seed=0), bars(32, seed=1)
dls = DataLoaders.from_dsets(train, valid, bs=16, num_workers=0, device="cpu")
train[1][0].shape, dls.one_batch()[0].mean()'''

_MODEL = """\
def make_model():
    body = nn.Sequential(ConvLayer(3, 8, stride=2), ConvLayer(8, 16, stride=2))
    return nn.Sequential(body, nn.Sequential(nn.AdaptiveAvgPool2d(1), Flatten(), nn.Linear(16, 2)))


sum(weights.numel() for weights in make_model().parameters())"""

_GIVEN = {"freeze": (_DATA, _MODEL)}
"""What stands before an answer, by question."""

_TEST_TOP_K = """\
logits = tensor([[0.1, 0.7, 0.2], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4]])
assert np.isclose(float(top_k(logits, tensor([1, 0, 2]), 1)), 1.0)
assert np.isclose(float(top_k(logits, tensor([0, 1, 2]), 1)), 1 / 3)
### BEGIN HIDDEN TESTS
assert np.isclose(float(top_k(logits, tensor([2, 1, 2]), 2)), 1.0)
### END HIDDEN TESTS"""

_TEST_FREEZE = """\
model = make_model()
freeze(model)
frozen = not any(weights.requires_grad for weights in model[0].parameters())
free = all(weights.requires_grad for weights in model[1].parameters())
1.0 * frozen + 1.0 * free"""

_TEST_TRAIN = "assert learn.validate()[1] > 0.9"

_OTTER = {
    "top-k": """\
from fastai.vision.all import np, tensor
from otter.test_files import test_case

OK_FORMAT = False
name, points, all_or_nothing = "top-k", 2, True
logits = tensor([[0.1, 0.7, 0.2], [0.5, 0.4, 0.1], [0.3, 0.3, 0.4]])


@test_case()
def test_one(top_k):
    assert np.isclose(float(top_k(logits, tensor([1, 0, 2]), 1)), 1.0)
    assert np.isclose(float(top_k(logits, tensor([0, 1, 2]), 1)), 1 / 3)


@test_case(hidden=True)
def test_more(top_k):
    assert np.isclose(float(top_k(logits, tensor([2, 1, 2]), 2)), 1.0)
""",
    "freeze": """\
from otter.test_files import test_case

OK_FORMAT = False
name, points = "freeze", [1, 1]


@test_case()
def test_frozen(make_model, freeze):
    model = make_model()
    freeze(model)
    assert not any(weights.requires_grad for weights in model[0].parameters())


@test_case()
def test_free(make_model, freeze):
    model = make_model()
    freeze(model)
    assert all(weights.requires_grad for weights in model[1].parameters())
""",
    "train": """\
from otter.test_files import test_case

OK_FORMAT = False
name, points = "train", 3


@test_case()
def test_accuracy(learn):
    assert learn.validate()[1] > 0.9
""",
}

_ANSWERS = {
    "top-k": [
        "def top_k(logits, targets, k):\n    best = logits.topk(k, dim=1).indices\n"
        "    return (best == targets[:, None]).any(dim=1).float().mean()",
        "def top_k(logits, targets, k):\n    order = logits.argsort(dim=1, descending=True)[:, :k]\n"
        "    hits = [int(target) in row.tolist() for row, target in zip(order, targets)]\n"
        "    return sum(hits) / len(hits)",
        "top_k = lambda logits, targets, k: top_k_accuracy(logits, targets, k=k)",
        # Right for k = 1 alone, which the hidden test finds; the worst instead of the best; no answer.
        "def top_k(logits, targets, k):\n    return (logits.argmax(dim=1) == targets).float().mean()",
        "def top_k(logits, targets, k):\n    best = logits.topk(k, dim=1, largest=False).indices\n"
        "    return (best == targets[:, None]).any(dim=1).float().mean()",
        "def top_k(logits, targets, k):\n    raise NotImplementedError",
    ],
    "freeze": [
        "def freeze(model):\n    model[0].requires_grad_(False)",
        "def freeze(model):\n    for weights in model[0].parameters():\n        weights.requires_grad = False",
        # Everything, nothing, a name that is not there, no Python.
        "def freeze(model):\n    model.requires_grad_(False)",
        "def freeze(model):\n    model.eval()",
        "def freeze(model):\n    model.body.requires_grad_(False)",
        "def freeze(model)\n    model[0].requires_grad_(False)",
    ],
    "train": [
        "learn = Learner(dls, make_model(), loss_func=nn.CrossEntropyLoss(), metrics=accuracy)\n"
        "learn.fit_one_cycle(3, 2e-2)",
        "learn = Learner(dls, make_model(), loss_func=CrossEntropyLossFlat(), metrics=[accuracy])\nlearn.fit(3, 1e-2)",
        "model = make_model()\nlearn = Learner(dls, model, loss_func=F.cross_entropy, metrics=accuracy)\n"
        "with learn.no_bar():\n    learn.fit_one_cycle(4, 1e-2)",
        # Untrained, a loss that is not there.
        "learn = Learner(dls, make_model(), loss_func=nn.CrossEntropyLoss(), metrics=accuracy)",
        "learn = Learner(dls, make_model(), metrics=accuracy)\nlearn.fit(3, 1e-2)",
    ],
}


@dataclass(frozen=True)
class HandedIn:
    """One learner's answers.

    Args:
        student: the learner's id.
        answers: the source of each answer, by its question.
    """

    student: str
    answers: dict[str, str]


def submissions(count: int) -> list[HandedIn]:
    """Learners whose answers are right, partly right, wrong or raise, in every mixture; no two are the same."""
    chosen = []
    for number in range(count):
        student = f"s{number:03}"
        answers = {
            question: f"# {student}\n{answers[(number // (1 + step)) % len(answers)]}"
            for step, (question, answers) in enumerate(_ANSWERS.items())
        }
        chosen.append(HandedIn(student, answers))
    return chosen


def write_source(path: Path) -> None:
    """Write the notebook as an instructor of nbgrader writes it."""
    solutions = {question: answers[0] for question, answers in _ANSWERS.items()}
    marked = {question: f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION" for question, answer in solutions.items()}
    _write(path, _notebook(marked, {"top-k": _TEST_TOP_K, "freeze": _TEST_FREEZE, "train": _TEST_TRAIN}))


def write_answered(path: Path, released: Path, handed_in: HandedIn) -> None:
    """Write what a learner makes of the released notebook."""
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        question = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-answer")
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = handed_in.answers[question]
    _write(path, notebook)


def write_for_otter(path: Path, handed_in: HandedIn) -> None:
    """Write the same submission as otter's learners hand it in: without test cells, each answer naming its test."""
    _write(path, _notebook(handed_in.answers, {}))


def write_otter_tests(folder: Path) -> None:
    """Write the tests in otter's format, one file a question."""
    folder.mkdir(parents=True)
    for question, text in _OTTER.items():
        (folder / f"{question}.py").write_text(text)


def _notebook(answers: dict[str, str], tests: dict[str, str]) -> Any:
    """The lesson with these answers, and with nbgrader's tests if there are any, else for otter."""
    cells = [new_markdown_cell("# Bars that lie and bars that stand"), new_code_cell(_SETUP)]
    for question, answer in answers.items():
        cells += [new_markdown_cell(f"## {question}"), *map(new_code_cell, (*_GIVEN.get(question, ()), answer))]
        if tests:
            cells[-1].metadata["nbgrader"] = _marks(f"{question}-answer", solution=True)
            cells.append(new_code_cell(tests[question]))
            cells[-1].metadata["nbgrader"] = _marks(question, grade=True, locked=True, points=QUESTIONS[question])
        else:
            cells[-1].metadata["otter"] = {"tests": [question]}
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _marks(name: str, **marks: Any) -> dict[str, Any]:
    plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return plain | {"grade_id": name} | marks


def _write(path: Path, notebook: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))
