"""Eight capstones of people who do not exist: what they hand in, and what the engine should give. Good and bad ones."""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "keepsakes"
"""The folder that one of them brought."""


@dataclass(frozen=True)
class Capstone:
    """One submission.

    Args:
        learner: who handed it in.
        about: what there is to see in it, for whoever practises grading.
        points: what the engine gives, of 6.
        code: the answer's cell.
        report: the written answer, which a person grades.
    """

    learner: str
    about: str
    points: float
    code: str
    report: str


_TUNED = """\
def capstone(hidden):
    train = tl.worlds.capstone_task("letters").train
    views = torch.cat([tl.transfer.augmented(train.tensors()[0], torch.Generator().manual_seed(i)) for i in range(12)])
    pixels, labels = (255 * views).byte().numpy(), np.tile(train.labels, 12)
    many = tl.worlds.LabelledImages(pixels, labels, train.classes, "views")
    torch.manual_seed(0)
    network = tl.models.GlyphNet.pretrained().with_new_head(len(train.classes))
    tl.transfer.imprint_head(network, train)
    tl.transfer.fit(network, many, train, steps=90, rate=6e-3)
    given = torch.from_numpy(hidden["letters"]) / 255
    looks = [given, *(tl.transfer.augmented(given, torch.Generator().manual_seed(i)) for i in range(4))]
    with torch.no_grad():
        votes = [network(tl.transfer.normalised((255 * look).byte().numpy())).softmax(1) for look in looks]
    return "letters", sum(votes).argmax(1)
"""

_PROBED = """\
def capstone(hidden):
    task = tl.worlds.capstone_task("signs")
    labels = tl.transfer.baseline_predictions(task.train, hidden["signs"], names=["frozen features"])
    return "signs", labels["frozen features"]
"""

CAPSTONES = (
    Capstone(
        "ada",
        "Good: a method chosen by cross-validation, a fair comparison, an interval, honest limits.",
        6,
        f"import numpy as np\nimport torch\n\n\n{_TUNED}",
        """\
**Problem.** Name 16 Georgian letters in chalk from ten labelled pictures of each. Somebody who digitises old
school boards needs this; a wrong letter costs a correction by hand, so plain accuracy is the right score.

**Data and split.** 160 labelled pictures, no others. I chose rate and steps by five-fold cross-validation on
them, the folds stratified by letter. The hidden pictures were used once, by the check.

**Method.** GlyphNet, pretrained on pictographs in photo style. Chalk is far from that, so I expected frozen
features to be weak, and fine-tuned the whole network at 0.006 for 90 steps on twelve turned and recoloured views of
each picture, with the head imprinted from the class means. A hidden picture is named by the mean of five looks at it.

**Evidence.** The check gives the gap to each baseline with its interval over the pictures; all three leave out
zero. The probe and my network learned from the same 160 pictures.

**Limits.** One seed of training: the interval does not cover it. One hand of chalk, rendered; real boards have
dust and shadows. Which of them helped, views, tuning or looks, I did not take apart.""",
    ),
    Capstone(
        "ben",
        "Lazy: one class for everything, and two sentences.",
        0,
        'import numpy as np\n\n\ndef capstone(hidden):\n    return "signs", np.zeros(len(hidden["signs"]), int)\n',
        "I used transfer learning. It worked well and the accuracy was good.",
    ),
    Capstone(
        "cem",
        "Claims too much: accuracy on the training pictures, from a network that started at random.",
        2,
        """\
import torch


def capstone(hidden):
    task = tl.worlds.capstone_task("letters")
    torch.manual_seed(1)
    network = tl.models.GlyphNet(len(task.train.classes))
    tl.transfer.fit(network, task.train, task.train, steps=20, rate=3e-3)
    with torch.no_grad():
        return "letters", network(tl.transfer.normalised(hidden["letters"])).argmax(1)
""",
        """\
**Problem.** Georgian letters. **Data.** All 160 pictures were used for training, to lose none.

**Method and result.** A deep residual network. It learns the 160 pictures nearly perfectly, which proves that
the problem is solved and that transfer is not needed here. With more epochs it would reach 100 %.""",
    ),
    Capstone(
        "dot",
        "Honest about a result that is none: the baseline itself. All is there but an idea of one's own.",
        4,
        _PROBED,
        """\
**Problem.** 16 new signs, ten labels each. **Data and split.** As given; I tried three penalties by cross-
validation.

**Method.** A linear probe on GlyphNet's frozen features, since the signs are like the source's pictographs.

**Evidence.** Far beyond a majority and beyond training from scratch. No better than the third baseline, because
it *is* the third baseline: my three penalties differed by less than the folds differed among themselves.

**Limits.** I stopped where the frozen features stop. More views of each picture would be my next try.""",
    ),
    Capstone(
        "eli",
        "Broken code under a good plan: the report deserves its points although the engine gives none.",
        0,
        """\
def capstone(hidden):
    task = tl.worlds.capstone_task("night")
    features = body_features(task.train.images)
    return "night", probe(features, task.train.labels, hidden["night"])
""",
        """\
**Problem.** Ten things, labelled by day, to be named at night. **Data.** 200 labels by day; 300 pictures by
night without labels, for adaptation only. No labels at night, so I could not validate there: I would compare
the mean entropy of the predictions, knowing that it can mislead.

**Method.** Batch norm's statistics from the night pictures, then a probe. **Evidence.** None: my code does not
run, a function is missing, and I ran out of time. I claim nothing.

**Limits.** See above.""",
    ),
    Capstone(
        "fay",
        "Labels moved by one in otherwise good work: the check names it, the report does not see it.",
        0,
        _PROBED.replace('labels["frozen features"]', '(labels["frozen features"] + 1) % len(task.train.classes)'),
        """\
**Problem.** New signs. **Data and split.** Ten labels of each; a fifth held out.

**Method.** Frozen features and a probe. **Evidence.** 0.8 on my held-out fifth, 32 pictures. No interval; the
hidden score must be about the same.

**Limits.** Few pictures.""",
    ),
    Capstone(
        "gus",
        "A folder of his own, its labels held out by the class; predictions in a file.",
        4,
        f"""\
def capstone(hidden):
    return "{FOLDER}", tl.worlds.read_predictions("predictions.csv")
""",
        """\
**Problem.** My own folder: ten kinds of small things. **Data and split.** The class held out a quarter before I
began. I did not look at those pictures, although I took them and could have.

**Method.** A probe on frozen features. **Evidence.** As good as the third baseline, which is the same method:
no gap.

**Limits.** All pictures come from one camera.""",
    ),
    Capstone(
        "hal",
        "Tries to cheat: labels of the pictures that practice draws, found in the package.",
        0,
        """\
import numpy as np
from tlcourse.worlds.capstone import hidden_set


def capstone(hidden):
    for seed in range(5):
        found = hidden_set("night", seed)
        if np.array_equal(found.images, hidden["night"]):
            return "night", found.labels
    return "night", hidden_set("night", 0).labels
""",
        """\
**Problem.** Things at night. **Method.** A private method with very high accuracy. **Evidence.** See the score.
**Limits.** None.""",
    ),
)
