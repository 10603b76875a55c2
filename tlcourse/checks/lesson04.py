"""Exercises of lesson 04, types-of-transfer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from tlcourse.checks.collecting import call, each
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, judge_quiz, unusable

INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, NONE, OTHER = "inductive", "transductive", "unsupervised", "none", "other"


class Facts(NamedTuple):
    """What decides the type of transfer, as the lesson's three questions ask it."""

    same_domain: bool
    same_task: bool
    source_labels: bool
    target_labels: bool


Rule = Callable[[Facts], str]


def _kind(facts: Facts) -> str:
    """The types of Pan & Yang (2010, section 2.3 and table 2): by what differs, then by where the labels are."""
    if facts.same_domain and facts.same_task:
        return NONE
    if facts.same_task:
        return TRANSDUCTIVE if facts.source_labels and not facts.target_labels else OTHER
    if facts.target_labels:
        return INDUCTIVE
    return OTHER if facts.source_labels else UNSUPERVISED


def _if_differs(rule: Rule) -> Rule:
    """The rule where domain or task differs; "none" elsewhere, as is right."""
    return lambda facts: NONE if facts.same_domain and facts.same_task else rule(facts)


def _where(applies: Callable[[Facts], bool], wrong: str) -> Rule:
    """Right, except that `wrong` is returned where `applies`."""
    return lambda facts: wrong if applies(facts) else _kind(facts)


def _domain_and_task_swapped(facts: Facts) -> str:
    return _kind(facts._replace(same_domain=facts.same_task, same_task=facts.same_domain))


def _sides_swapped(facts: Facts) -> str:
    return _kind(facts._replace(source_labels=facts.target_labels, target_labels=facts.source_labels))


def _labels_ignored(facts: Facts) -> str:
    return TRANSDUCTIVE if facts.same_task else INDUCTIVE


def _no_target_label_is_unsupervised(facts: Facts) -> str:
    return _kind(facts) if facts.target_labels else UNSUPERVISED


def _no_source_label_is_unsupervised(facts: Facts) -> str:
    return _kind(facts) if facts.source_labels else UNSUPERVISED


def _other_domain_is_transductive(facts: Facts) -> str:
    return _kind(facts) if facts.same_domain else TRANSDUCTIVE


# --- kind_of_transfer -----------------------------------------------------------------------------------------------


def _all_facts(rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Each of the sixteen combinations once, in random order."""
    combinations = list(product((True, False), repeat=4))
    return [combinations[i] for i in rng.permutation(16)]


def _collect_kinds(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _all_facts(rng))}


def _of_facts(rule: Rule) -> Callable[..., str]:
    return lambda *case: rule(Facts(*case))


def _mistakes(code: str, message: str, next_step: str, *rules: Rule) -> tuple[Misconception, ...]:
    return tuple(Misconception(code, message, next_step, _of_facts(rule)) for rule in rules)


_KINDS = Question(
    code="kind",
    right="All sixteen combinations: first what differs, then where the labels are.",
    reference=_of_facts(_kind),
    points=3,
    names=Facts._fields,
    part=lambda value: value.strip().lower() if isinstance(value, str) else value,
    misconceptions=(
        *_mistakes(
            "unsupervised-without-target-labels",
            "You call it unsupervised as soon as the *target* has no labels. Then the transductive type, whose labels are "
            "all in the source, would not exist.",
            'Return "unsupervised" only where `source_labels` is False as well (and the tasks differ).',
            _no_target_label_is_unsupervised,
            _if_differs(_no_target_label_is_unsupervised),
            _where(lambda f: not f.same_task and not f.target_labels, UNSUPERVISED),
        ),
        *_mistakes(
            "labels-ignored",
            "Your answer depends on domain and task alone: where the labels are changes nothing in it.",
            "After asking what differs, ask for `target_labels` and `source_labels`.",
            _labels_ignored,
            _if_differs(_labels_ignored),
        ),
        *_mistakes(
            "task-decides-alone",
            'You return "inductive" whenever the tasks differ. Without a labelled target example nothing induces the new '
            "task.",
            "Where the tasks differ, ask for `target_labels` first, then for `source_labels`.",
            _if_differs(lambda f: _kind(f) if f.same_task else INDUCTIVE),
        ),
        *_mistakes(
            "no-difference",
            "Where neither domain nor task differs you name a kind of transfer. There is nothing to carry over there.",
            'Begin with: if same_domain and same_task, return "none".',
            lambda f: _where(lambda g: g.same_domain, OTHER)(f) if f.same_task else _kind(f),
            _where(lambda f: f.same_domain and f.same_task, TRANSDUCTIVE),
            _where(lambda f: f.same_task and f.source_labels and not f.target_labels, TRANSDUCTIVE),
            _where(lambda f: f.same_domain and f.same_task, INDUCTIVE),
            _where(lambda f: f.same_domain and f.same_task, UNSUPERVISED),
            lambda f: _kind(f._replace(same_domain=False)),
            lambda f: _kind(f._replace(same_domain=False, same_task=f.same_task and not f.same_domain)),
        ),
        *_mistakes(
            "none-object",
            "Where neither domain nor task differs you return None; the exercise asks for the word.",
            'Return "none", in quotes.',
            lambda f: None if f.same_domain and f.same_task else _kind(f),  # type: ignore[arg-type, return-value]
        ),
        *_mistakes(
            "either-is-enough",
            'You return "none" as soon as the domains are the same *or* the tasks are. One difference is enough for '
            "transfer.",
            'Return "none" only where both are the same: `same_domain and same_task`.',
            lambda f: NONE if f.same_domain or f.same_task else _kind(f),
        ),
        *_mistakes(
            "self-taught",
            "You ask for source labels where the tasks differ and the target has labels. A source without labels will do "
            "there: that is self-taught learning, on the inductive side.",
            'Where the tasks differ and `target_labels` is True, return "inductive" without looking at the source.',
            _no_source_label_is_unsupervised,
            _if_differs(_no_source_label_is_unsupervised),
            *(
                _where(lambda f: not f.same_task and f.target_labels and not f.source_labels, kind)
                for kind in (UNSUPERVISED, OTHER, NONE)
            ),
        ),
        *_mistakes(
            "zero-shot",
            'Where the tasks differ and only the source has labels your answer is not "other". Nobody has shown the new '
            "task a labelled example, and yet some labels took part: no row of the table fits.",
            'Return "other" there.',
            *(
                _where(lambda f: not f.same_task and f.source_labels and not f.target_labels, kind)
                for kind in (TRANSDUCTIVE, NONE, INDUCTIVE)
            ),
        ),
        *_mistakes(
            "other-domain-is-transductive",
            'You return "transductive" whenever the domains differ. The tasks must be the same too, and the labels all in '
            "the source.",
            "Ask for `same_task` before anything else about the domain.",
            _other_domain_is_transductive,
            _where(
                lambda f: not f.same_domain and f.source_labels and not f.target_labels and not f.same_task,
                TRANSDUCTIVE,
            ),
        ),
        *_mistakes(
            "transductive-with-target-labels",
            'Where the tasks are the same and the target has labels you return "transductive". The transductive type '
            "has no label in the target.",
            'Return "transductive" only where `source_labels and not target_labels`; "other" otherwise.',
            *(
                _if_differs(lambda f, labels=labels: TRANSDUCTIVE if f.same_task and labels(f) else _kind(f))  # type: ignore[misc]
                for labels in (
                    lambda f: True,
                    lambda f: f.source_labels,
                    lambda f: f.source_labels or f.target_labels,
                    lambda f: f.target_labels,
                )
            ),
        ),
        *_mistakes(
            "target-labels-decide",
            'You return "inductive" wherever the target has labels. Where the tasks are the same there is no new task to '
            "induce: by this lesson's table that is none of the three.",
            'Where the tasks are the same and `target_labels` is True, return "other".',
            _if_differs(lambda f: INDUCTIVE if f.target_labels else _kind(f)),
        ),
        *_mistakes(
            "no-labels-same-task",
            'You return "unsupervised" where no label is anywhere, even if the tasks are the same; in the table the tasks '
            "of unsupervised transfer differ.",
            'Ask for `same_task` first; with the same task and no labels, return "other".',
            _if_differs(lambda f: _kind(f) if f.source_labels or f.target_labels else UNSUPERVISED),
        ),
        *_mistakes(
            "transductive-without-source-labels",
            'You return "transductive" for the same task whenever the target has no labels. With none in the source '
            "either, there is nothing to carry over.",
            "Ask for `source_labels` too.",
            _if_differs(lambda f: TRANSDUCTIVE if f.same_task and not f.target_labels else _kind(f)),
        ),
        *_mistakes(
            "domain-and-task-swapped",
            "Domain and task have changed places: you treat equal domains as equal tasks.",
            "Inductive and unsupervised: the *tasks* differ. Transductive: the task is the same, the *domains* differ.",
            _domain_and_task_swapped,
        ),
        *_mistakes(
            "sides-swapped",
            "Source and target have changed places in the question about labels.",
            "Inductive transfer needs labels in the target; transductive has them in the source only.",
            _sides_swapped,
        ),
        *_mistakes(
            "inductive-in-one-domain",
            'You return "inductive" only where the domains are the same. It does not matter: the tasks differ, and that is '
            "enough.",
            "Leave `same_domain` out of the question once the tasks differ.",
            *(
                _where(lambda f: not f.same_task and f.target_labels and not f.same_domain, kind)
                for kind in (OTHER, NONE, TRANSDUCTIVE)
            ),
        ),
        *_mistakes(
            "inductive-in-two-domains",
            'You return "inductive" only where the domains differ. Two tasks in one domain are inductive transfer too.',
            "Leave `same_domain` out of the question once the tasks differ.",
            *(
                _where(lambda f: not f.same_task and f.target_labels and f.same_domain, kind)
                for kind in (OTHER, NONE, TRANSDUCTIVE)
            ),
        ),
        *_mistakes(
            "three-types-only",
            'Where something differs but none of the three types fits, you do not return "other".',
            'Name the types one by one, and end with `return "other"`.',
            *(
                (lambda f, last=last: last if _kind(f) == OTHER else _kind(f))
                for last in (NONE, INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, None)
            ),
        ),
    ),
)


def _judge_kinds(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls = evidence["calls"]
    if fault := unusable("kind_of_transfer", calls, _KINDS.points):
        return [fault]
    known = (INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, NONE, OTHER)
    strange = next((v for r in calls if (v := _KINDS.part(r["value"])) is not None and v not in known), None)
    if strange is not None:
        kind = strange.get("type", "dict") if isinstance(strange, dict) else type(strange).__name__
        shown = f'"{strange}"' if isinstance(strange, str) else f"of the type {kind}"
        return [
            Finding(
                "not-a-kind",
                False,
                f"One of the values that your function returns is {shown}, which is not one of the five words.",
                'Return "inductive", "transductive", "unsupervised", "other" or "none".',
                _KINDS.points,
            )
        ]
    finding = judge_question(_KINDS, _all_facts(rng), calls)
    absent = [f'"{word}"' for word in known if word not in [_KINDS.part(record["value"]) for record in calls]]
    if finding.code == "kind-differs" and absent:
        message = f"Your function never returns {' or '.join(absent)}; each of the five words has its cases. "
        return [replace(finding, code="word-never-returned", message=message + finding.message)]
    return [finding]


# --- classify_situations --------------------------------------------------------------------------------------------

CHOICES = (INDUCTIVE, TRANSDUCTIVE, UNSUPERVISED, NONE)


class Situation(NamedTuple):
    """A situation of the quiz: its facts, and what is to be said to each choice."""

    facts: Facts
    inductive: str
    transductive: str
    unsupervised: str
    none: str


_SITUATIONS = {
    "a": Situation(
        Facts(False, False, True, True),
        "Photographs to eye scans, a thousand objects to grades of disease: domain and task differ, and the 2,000 graded "
        "scans induce the new task.",
        "Transductive transfer keeps the task and has no target labels. Here grades replace the names of things, and 2,000 "
        "scans carry one.",
        "Both sides have labels: names on the photographs, grades on 2,000 scans. Unsupervised transfer has none at all.",
        "Something learned elsewhere is used: the network comes from another domain and another task.",
    ),
    "b": Situation(
        Facts(False, True, True, False),
        "The task is the same, the same kinds of object, so there is no new task to induce; and no target picture is "
        "labelled.",
        "The same task, another P(X): game pictures to camera pictures. All labels are in the source. Domain adaptation.",
        "The target has no labels, but the source has: the game labels every pixel. Ask both sides before you say "
        "'unsupervised'.",
        "The task is the same, the domain is not: a game's pictures are distributed unlike a camera's.",
    ),
    "c": Situation(
        Facts(False, False, False, True),
        "The hidden words come out of the text itself: the source has no labels. But the target has 500, and they induce the "
        "new task: self-taught learning.",
        "The task changes, from missing words to complaint or praise, and the labels are in the target: transductive has it "
        "the other way round.",
        "Only the source is without labels. The target's 500 marked reviews make it self-taught learning, on the inductive "
        "side.",
        "What was learned by filling in words is used for another task, so it is transfer.",
    ),
    "d": Situation(
        Facts(False, False, False, False),
        "The tasks differ, yes, but inductive transfer needs labelled target examples, and nobody has labelled a picture of "
        "the new telescope.",
        "The task changes, from telling rotations to finding groups, and no source label exists that could be carried over.",
        "Other task, other telescope, and no label on either side: features learned without labels serve to find groups.",
        "Features learned on one telescope's pictures are used on another's, for another task.",
    ),
    "e": Situation(
        Facts(False, True, True, False),
        "The task is the same: the same words from sound. And no recording of the factory has a transcript to induce "
        "anything from.",
        "The same task, another P(X): studio to factory noise. Transcripts exist in the source only.",
        "The studio recordings have transcripts, and these are labels. Unsupervised transfer has none on either side.",
        "P(X) differs: a studio does not sound like a factory hall.",
    ),
    "f": Situation(
        Facts(True, False, True, True),
        "One domain, two tasks: species, then behaviour. The 300 labels of the target induce the second. Equal domains do "
        "not matter.",
        "The photos come from the same cameras, so no domain differs; it is the task that changes, and the target has labels.",
        "Both tasks have labels: species on the one side, 300 behaviours on the other.",
        "The domain is the same, but the label set is not: a task that differs is enough.",
    ),
    "g": Situation(
        Facts(False, True, True, False),
        "Praise or complaint is asked of both, so the task does not change; and no review of an appliance is labelled.",
        "The same task, another P(X): readers and cooks use other words. The labels are all on the books' side.",
        "The book reviews have labels. That the target has none does not make it unsupervised.",
        "The question is the same, the reviews are not: the words and how often they occur differ.",
    ),
    "h": Situation(
        Facts(False, True, True, False),
        "The question is the same in both, and nobody in the register has answered it: no target label induces anything.",
        "Sample selection bias: the same task, but volunteers are younger than the register, so P(X) differs. Labels in the "
        "source only.",
        "The volunteers' answers are labels, in the source. Only where both sides lack them is it unsupervised.",
        "Volunteers are no random draw from the register: they are younger, so P(X) differs.",
    ),
    "i": Situation(
        Facts(False, False, False, False),
        "Nobody has said to which group a customer belongs, in neither shop: no target label, so not inductive.",
        "Transductive needs labels in the source and the same task; here nobody labelled anything, and other groups are "
        "sought.",
        "No label on either side, other customers, other groups: what one clustering learned guides another.",
        "What was learned from the large shop is used in the small one, whose customers and groups are others.",
    ),
    "j": Situation(
        Facts(True, True, True, True),
        "More labels alone do not make it inductive: that needs a task that differs, and here the classes are the same.",
        "Transductive needs domains that differ; these photos are drawn from the very same camera and place.",
        "All the photos have labels, old and new.",
        "The same camera, drawn at random, the same classes: more data for one domain and one task. Nothing is transferred.",
    ),
    "k": Situation(
        Facts(True, True, True, False),
        "The task is the same and tomorrow's scans have no labels: there is nothing to induce, and nothing to induce it from.",
        "Labels in the past only, as in transductive transfer. But tomorrow's scans come from the same P(X): no domain "
        "differs.",
        "The first scans are labelled. And without any difference there is no transfer of whatever kind.",
        "The same machine, the same patients, the same question: this is ordinary supervised learning, used as it should be.",
    ),
    "l": Situation(
        Facts(True, False, False, True),
        "Filling gaps needs no labels; 40 labelled heartbeats of each rhythm then induce the new task. Self-taught learning, "
        "and here even in one domain.",
        "No domain differs and the task does; transductive transfer is the opposite, and it has labels in the source only.",
        "The million heartbeats have no labels, but the target has 40 for each rhythm. Only if both lacked them would it be "
        "unsupervised.",
        "The domain is the same, the task is not: filling gaps, then naming rhythms.",
    ),
}


def _collect_dict(answer: Any, rng: np.random.Generator) -> Evidence:
    # A dict is as good as a function that returns one.
    return {"call": call(answer) if callable(answer) else call(lambda: answer)}


def _by_facts(rule: Rule) -> Callable[[str], str]:
    return lambda item: rule(_SITUATIONS[item].facts)


_PATTERNS = (
    Misconception(
        "all-inductive",
        'You call all of them "inductive". That type needs a task that differs *and* labelled target examples.',
        "Ask of each: does the task differ? And who has labels?",
        lambda item: INDUCTIVE,
    ),
    Misconception(
        "all-transductive",
        'You call all of them "transductive". That type keeps the task and has labels in the source only.',
        "Ask of each: is the task really the same? And who has labels?",
        lambda item: TRANSDUCTIVE,
    ),
    Misconception(
        "unsupervised-without-target-labels",
        'You call it "unsupervised" wherever the *target* has no labels. It is unsupervised where neither side has any.',
        "Ask for the labels of the source as well.",
        _by_facts(_no_target_label_is_unsupervised),
    ),
    Misconception(
        "unsupervised-without-target-labels",
        'You call it "unsupervised" wherever something differs and the *target* has no labels. It is unsupervised where '
        "neither side has any.",
        "Ask for the labels of the source as well.",
        _by_facts(_if_differs(_no_target_label_is_unsupervised)),
    ),
    Misconception(
        "self-taught-called-unsupervised",
        'You call it "unsupervised" wherever the *source* has no labels. With labelled target examples it is self-taught '
        "learning, on the inductive side.",
        "Ask for the labels of the target as well.",
        _by_facts(_if_differs(_no_source_label_is_unsupervised)),
    ),
    Misconception(
        "labels-ignored",
        "You decide by domain and task alone. Where the labels are tells inductive from unsupervised transfer.",
        "Where the task differs, look for labelled target examples.",
        _by_facts(_if_differs(_labels_ignored)),
    ),
    Misconception(
        "labels-ignored-and-no-none",
        "You decide by the task alone: neither the labels nor the question whether anything differs plays a part.",
        'Ask first whether anything differs at all (if not: "none"), and last where the labels are.',
        _by_facts(_labels_ignored),
    ),
    Misconception(
        "never-none",
        'You never answer "none". Where neither domain nor task differs, nothing is transferred, wherever the labels are.',
        "Ask first what differs.",
        _by_facts(
            lambda f: (INDUCTIVE if f.target_labels else TRANSDUCTIVE) if f.same_domain and f.same_task else _kind(f)
        ),
    ),
    Misconception(
        "domain-decides",
        'You call it "transductive" wherever the domain differs. The task must be the same too.',
        "Where the domain differs, ask whether the task does as well.",
        _by_facts(_other_domain_is_transductive),
    ),
    Misconception(
        "types-swapped",
        "Inductive and transductive have changed places: perhaps domain and task have, too.",
        "What the inputs look like is the domain, what is asked of them the task. Inductive: the task differs, labels in "
        "the target. Transductive: the domain differs, labels in the source only.",
        _by_facts(lambda f: {INDUCTIVE: TRANSDUCTIVE, TRANSDUCTIVE: INDUCTIVE}.get(_kind(f), _kind(f))),
    ),
)


def _quiz(situations: Mapping[str, Situation]) -> dict[str, tuple[Any, Mapping[Any, str]]]:
    return {
        item: (_kind(situation.facts), dict(zip(CHOICES, situation[1:], strict=True)))
        for item, situation in situations.items()
    }


def _judge_situations(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    return judge_quiz("classify_situations", evidence["call"], _quiz(_SITUATIONS), CHOICES, 3, _PATTERNS)


# --- scans_to_images ------------------------------------------------------------------------------------------------

_SIDE, _BLOCK = 8, 4


def _scans(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two scans of 64 numbers, 0 to 16, and one by itself: shapes (2, 64) and (1, 64).

    The first has 0 and 16 in it; the others lie between 2 and 11, so that stretching them by what they hold is seen.
    """
    scans = rng.integers(0, 17, (3, _SIDE * _SIDE)).astype(np.float64)
    scans[0, rng.permutation(64)[:2]] = 0, 16
    scans[1:] = scans[1:].clip(2, 11)
    return scans[:2], scans[2:]


def _blocks(grey: np.ndarray) -> np.ndarray:
    """(N, 8, 8) to (N, 3, 32, 32): each number a block of 4 x 4, in three equal channels."""
    large = grey.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)
    return np.repeat(large[:, None], 3, axis=1)


def _grey(scans: np.ndarray) -> np.ndarray:
    return scans.reshape(-1, _SIDE, _SIDE) * (255 / 16)


def _collect_images(answer: Any, rng: np.random.Generator) -> Evidence:
    two, one = each(answer, [(scans,) for scans in _scans(rng)])
    return {"call": two, "alone": one}


_SHAPES = {
    (2, 32, 32, 3): (
        "channels-last",
        "The channels come last, as matplotlib has them.",
        "PyTorch wants (N, 3, 32, 32): put the channel axis second, for example with `np.repeat(x[:, None], 3, axis=1)`.",
    ),
    (2, 1, 32, 32): (
        "one-channel",
        "The images have one channel; GlyphNet's first layer reads three.",
        "Repeat the channel: `np.repeat(images, 3, axis=1)`.",
    ),
    (3, 2, 32, 32): (
        "channels-first",
        "The channels come before the images: the first axis counts the three channels, the second the scans.",
        "Put the channel axis second, for example with `np.repeat(x[:, None], 3, axis=1)`.",
    ),
    (2, 32, 32): (
        "no-channels",
        "The images have no channel axis; GlyphNet's first layer reads three channels.",
        "Add the axis and repeat it: `np.repeat(images[:, None], 3, axis=1)`.",
    ),
    (2, 3, 8, 8): (
        "not-enlarged",
        "The images are still 8 x 8 pixels. GlyphNet halves the size three times and would be left with one pixel.",
        "Repeat rows and columns four times: `x.repeat(4, axis=1).repeat(4, axis=2)` on the 8 x 8 scans.",
    ),
    (2, 64): (
        "still-flat",
        "The scans are still rows of 64 numbers: they have no neighbours above and below.",
        "Begin with `scans.reshape(-1, 8, 8)`.",
    ),
}


_PIXELS: tuple[tuple[str, str, str, Callable[[np.ndarray], np.ndarray]], ...] = (
    (
        "not-scaled",
        "The pixels run from 0 to 16, as in the scans. To a network that expects 0 to 255 they are all black.",
        "Multiply by 255 / 16.",
        lambda scans: _blocks(scans.reshape(-1, 8, 8)),
    ),
    (
        "unit-range",
        "The pixels run from 0 to 1; as uint8 nearly all of them are 0.",
        "uint8 images run from 0 to 255: multiply by 255 / 16.",
        lambda scans: _blocks(np.floor(scans.reshape(-1, 8, 8) / 16)),
    ),
    (
        "overflow",
        "16 times 16 is 256, which uint8 cannot hold: the brightest ink has become 0, black.",
        "Multiply by 255 / 16, so that 16 becomes 255.",
        lambda scans: _blocks(scans.reshape(-1, 8, 8) * 16 % 256),
    ),
    (
        "overflow-255",
        "The numbers were uint8 before you multiplied by 255. uint8 holds nothing above 255: what is more begins again at "
        "0, and nearly all is black.",
        "Multiply first, as floats, by 255 / 16; make it uint8 last.",
        lambda scans: _blocks(scans.reshape(-1, 8, 8) * 255 % 256 / 16),
    ),
    (
        "rounded-early",
        "The numbers became whole before they were large: 15 / 16 is 0 as uint8, and only 16 is left, as 255.",
        "Multiply first by 255 / 16; make it uint8 last.",
        lambda scans: _blocks(np.floor(scans.reshape(-1, 8, 8) / 16) * 255),
    ),
    (
        "too-dark",
        "The brightest ink becomes 240, not 255, as if you multiplied by 15 (or by 255 / 17).",
        "Multiply by 255 / 16.",
        lambda scans: _blocks(scans.reshape(-1, 8, 8) * 15),
    ),
    (
        "own-maximum",
        "You divide each scan by its own maximum, so that a faint digit becomes as bright as a bold one.",
        "Divide every scan by the same number, 16.",
        lambda scans: _blocks(scans.reshape(-1, 8, 8) / scans.max(axis=1)[:, None, None] * 255),
    ),
    (
        "inverted",
        "Bright and dark have changed places.",
        "0 in a scan is no ink and stays 0 (black); 16 becomes 255.",
        lambda scans: _blocks(255 - _grey(scans)),
    ),
    (
        "transposed",
        "Rows and columns have changed places: the digits lie on their side.",
        "Use `reshape(-1, 8, 8)` as it is, without a transpose; repeat along axis 1 and axis 2 alike.",
        lambda scans: _blocks(_grey(scans).transpose(0, 2, 1)),
    ),
    (
        "tiled",
        "Each scan stands 4 x 4 times in its image, small: `np.tile` repeats the whole, not each pixel.",
        "Use `repeat`, which makes each pixel larger.",
        lambda scans: np.repeat(np.tile(_grey(scans), (1, 4, 4))[:, None], 3, axis=1),
    ),
    (
        "padded",
        "Each scan stands small in a corner or in the middle, with black around it: GlyphNet halves the size three times, "
        "and little of the digit is left.",
        "Make each pixel a block of 4 x 4: `repeat(4, axis=1).repeat(4, axis=2)`.",
        lambda scans: np.repeat(np.pad(_grey(scans), ((0, 0), (0, 24), (0, 24)))[:, None], 3, axis=1),
    ),
    (
        "padded",
        "Each scan stands small in a corner or in the middle, with black around it: GlyphNet halves the size three times, "
        "and little of the digit is left.",
        "Make each pixel a block of 4 x 4: `repeat(4, axis=1).repeat(4, axis=2)`.",
        lambda scans: np.repeat(np.pad(_grey(scans), ((0, 0), (12, 12), (12, 12)))[:, None], 3, axis=1),
    ),
    (
        "first-channel-only",
        "Only one of the three channels holds the scan; the others are black.",
        "Grey is the same number in all three channels: repeat the scan along the channel axis.",
        lambda scans: _blocks(_grey(scans)) * np.array([1, 0, 0])[:, None, None],
    ),
)


def _image_finding(code: str, message: str, next_step: str) -> list[Finding]:
    return [Finding(code, False, message, next_step, 2)]


def _close(answer: np.ndarray, expected: np.ndarray) -> bool:
    # One grey level: rounding up, down or to the nearest are all right.
    return bool(np.abs(answer - expected).max() <= 1.001)


def _judge_images(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    record, alone = evidence["call"], evidence["alone"]
    if fault := unusable("scans_to_images", [record], 2):
        return [fault]
    value = _array(record["value"])
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        kind = value.get("type", "dict") if isinstance(value, dict) else type(value).__name__
        step = "Return an array of shape (N, 3, 32, 32)."
        return _image_finding("not-an-array", f"What your function returns is not an array, but: {kind}.", step)
    if value.shape != (2, 3, 32, 32):
        known = _SHAPES.get(value.shape)
        if known:
            return _image_finding(*known)
        message = f"For 2 scans the result has the shape {value.shape}; it should be (2, 3, 32, 32)."
        return _image_finding(
            "shape", message, "Print the shape after each line and compare: N, channels, height, width."
        )
    two, one = _scans(rng)
    findings = _judge_pixels(value, two)
    return _judge_alone(alone, one) if findings[0].passed else findings


def _array(value: Any) -> Any:
    """A list of images as one array, where that can be."""
    try:
        return np.array(value) if isinstance(value, list) else value
    except ValueError:
        return value


def _judge_alone(record: Evidence, scans: np.ndarray) -> list[Finding]:
    """The answer is right for two scans; is it for one, a faint one?"""
    if "error" in record:
        message = f"With two scans your function works; with one it stops with {record['error']['type']}."
        return _image_finding(
            "not-any-number", message, "N may be any number: write `reshape(-1, 8, 8)` or `len(scans)`."
        )
    value = _array(record["value"])
    if not isinstance(value, np.ndarray) or value.shape != (1, 3, 32, 32):
        shown = f"the shape {value.shape}" if isinstance(value, np.ndarray) else f"the type {type(value).__name__}"
        message = f"With two scans your function works; with one the result has {shown}, not the shape (1, 3, 32, 32)."
        return _image_finding("not-any-number", message, "Keep the first axis, even if it counts one scan only.")
    if not _close(value.astype(np.float64), _blocks(_grey(scans))):
        message = (
            f"With a 16 among the scans your pixels are right. A faint scan by itself, {scans.min():.0f} to "
            f"{scans.max():.0f}, becomes {value.min():g} to {value.max():g}: the result depends on what else is there."
        )
        return _image_finding(
            "batch-maximum", message, "Scale by the fixed number 255 / 16, not by what the scans hold."
        )
    message = "Each number fills its block in three equal channels, 0 to 255: GlyphNet can read the scans."
    return [Finding("images", True, message, "", 2)]


def _judge_pixels(value: np.ndarray, scans: np.ndarray) -> list[Finding]:
    pixels, expected = value.astype(np.float64), _blocks(_grey(scans))
    if _close(pixels, expected):
        if value.dtype != np.uint8:
            message = f"The pixels are right, but they are {value.dtype}; images in this course are uint8."
            return _image_finding("not-uint8", message, "End with `.astype(np.uint8)`.")
        return [Finding("images", True, "The pixels are right.", "", 2)]
    if value.max() <= 1 and value.dtype != np.uint8 and _close(pixels * 255, expected):
        message = "The pixels run from 0 to 1; a uint8 image runs from 0 to 255."
        return _image_finding("unit-range", message, "Multiply by 255 / 16 instead of dividing by 16.")
    for code, text, next_step, model in _PIXELS:
        if _close(pixels, model(scans)):
            return _image_finding(code, text, next_step)
    if not (pixels == pixels[:, :1]).all():
        return _image_finding(
            "channels-differ",
            "The three channels of an image differ: the numbers of a scan have been spread over them.",
            "Build one grey image, then repeat it along the channel axis.",
        )
    inner = pixels[:, 0].reshape(-1, 8, 4, 8, 4)
    if not (inner == inner[:, :, :1, :, :1]).all():
        return _image_finding(
            "no-blocks",
            "The pixels of a 4 x 4 block are not equal: the scan was smoothed, or its numbers do not stay together.",
            "Repeat each number, without interpolation: `repeat(4, axis=1).repeat(4, axis=2)`.",
        )
    worst = np.unravel_index(np.abs(pixels - expected).argmax(), pixels.shape)
    image, _, row, column = (int(place) for place in worst)
    scan = scans[image, (row // 4) * 8 + column // 4]
    return _image_finding(
        "pixels-differ",
        f"In image {image} the pixel in row {row}, column {column} is {pixels[worst]:g}; it should be {expected[worst]:.0f} "
        f"(the scan says {scan:g} of 16).",
        "Work this pixel out by hand: which number of the scan covers it, and what is that number times 255 / 16?",
    )


# --- choose_approach ------------------------------------------------------------------------------------------------

EXTRACTION, TUNING, ADAPTATION, MULTITASK = "feature extraction", "fine-tuning", "domain adaptation", "multitask"
APPROACHES = (EXTRACTION, TUNING, ADAPTATION, MULTITASK)

# What is to be said to each choice, in the order of APPROACHES.
_CASES: dict[str, tuple[str, tuple[str, str, str, str]]] = {
    "a": (
        EXTRACTION,
        (
            "The body cannot change, so it stays frozen, and 16 photos are enough for a small head on its features.",
            "Fine-tuning changes the body, and this one is burned into a chip.",
            "Domain adaptation is for a target without labels; here each photo is labelled.",
            "There is one task only, the mugs; nothing is learned beside it.",
        ),
    ),
    "b": (
        ADAPTATION,
        (
            "A head on frozen features needs labels of the target; no photo has one. Trained on drawings alone, it meets "
            "another P(X).",
            "Fine-tuning on photos needs labels of photos; there are none.",
            "The same task, another domain, and labels in the source only: the unlabelled photos must say how P(X) differs.",
            "There is one task, the same parts on both sides.",
        ),
    ),
    "c": (
        MULTITASK,
        (
            "That has been tried: frozen features answer neither question well enough.",
            "One fine-tuning serves one task; two networks would take two passes.",
            "The frames of training and of use are the same kind, and labelled: no domain differs.",
            "Two tasks, labels for both on every frame, one pass: one trunk with two heads, trained together.",
        ),
    ),
    "d": (
        TUNING,
        (
            "That has been tried: frozen features level off below what is needed.",
            "Many labels, time to train, and features that do not fit well enough yet: let the body learn too.",
            "The target has 20,000 labels; domain adaptation is for a target that has none.",
            "There is one task: the use of land.",
        ),
    ),
    "e": (
        ADAPTATION,
        (
            "A new head needs labelled pictures of the new scanner; there are none.",
            "Fine-tuning needs labelled pictures of the new scanner; there are none.",
            "The question stays, P(X) has changed, and the new pictures are there without labels.",
            "It is one question, put to two scanners: one task, two domains.",
        ),
    ),
    "f": (
        EXTRACTION,
        (
            "Features are computed once and kept; each new head trains on them in seconds.",
            "Fine-tuning changes the body for each question, and all features would have to be computed again.",
            "Each question comes with labels in the archive itself; no domain differs.",
            "The questions arrive one by one over years; multitask learning needs their labels at the same time.",
        ),
    ),
    "g": (
        MULTITASK,
        (
            "No body is there yet that could be frozen: training begins with these three questions.",
            "Nothing has been trained yet that could be tuned.",
            "All three questions are put to the same buyers: one domain, and labels for all three.",
            "Three related tasks, labels for each, learned at the same time: each helps to shape the shared trunk.",
        ),
    ),
    "h": (
        TUNING,
        (
            "A probe on frozen features has been tried and misses the firm's terms: the features must change.",
            "50,000 labelled letters, all weights free to change, and features that fall short: train the body further.",
            "The letters are labelled; domain adaptation is for a target without labels.",
            "One task, sorting letters; there is no second one to learn beside it.",
        ),
    ),
}


def _approach_pattern(choice: str, message: str, next_step: str) -> Misconception:
    return Misconception(f"always-{choice.replace(' ', '-')}", message, next_step, lambda item: choice)


_APPROACH_PATTERNS = (
    _approach_pattern(
        TUNING,
        'You answer "fine-tuning" everywhere. It needs labels of the target, and a body that may change.',
        "Look in each case for what forbids it.",
    ),
    _approach_pattern(
        EXTRACTION,
        'You answer "feature extraction" everywhere. It needs labels of the target, and features that already serve.',
        "Look in each case for what forbids it.",
    ),
    _approach_pattern(
        ADAPTATION,
        'You answer "domain adaptation" everywhere. It is for one task in two domains, with no label in the target.',
        "Ask of each case whether the target has labels.",
    ),
    _approach_pattern(
        MULTITASK,
        'You answer "multitask" everywhere. It is for several tasks whose labels are there at the same time.',
        "Count the tasks in each case.",
    ),
    Misconception(
        "frozen-and-tuned-swapped",
        "Feature extraction and fine-tuning have changed places.",
        "Feature extraction leaves the body as it is; fine-tuning trains it further.",
        lambda item: {EXTRACTION: TUNING, TUNING: EXTRACTION}.get(_CASES[item][0], _CASES[item][0]),
    ),
    Misconception(
        "adaptation-and-multitask-swapped",
        "Domain adaptation and multitask have changed places.",
        "Domain adaptation: one task, two domains. Multitask: several tasks, one trunk.",
        lambda item: {ADAPTATION: MULTITASK, MULTITASK: ADAPTATION}.get(_CASES[item][0], _CASES[item][0]),
    ),
    Misconception(
        "adaptation-is-fine-tuning",
        'Where a domain changes you answer "fine-tuning". It needs labelled target examples, and there are none.',
        "Ask who has labels before you choose.",
        lambda item: TUNING if _CASES[item][0] == ADAPTATION else _CASES[item][0],
    ),
)


def _judge_approaches(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    right = {item: (choice, dict(zip(APPROACHES, said, strict=True))) for item, (choice, said) in _CASES.items()}
    return judge_quiz("choose_approach", evidence["call"], right, APPROACHES, 2, _APPROACH_PATTERNS)


EXERCISES = (
    Exercise(
        id="kind_of_transfer",
        title="Three questions, one answer",
        lesson="04",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Turn the definitions into a rule that you can trust in all sixteen cases.",
        hints=(
            "Ask in this order: does anything differ? Does the task? Where are the labels?",
            "Begin with the case of no difference at all. Then treat `same_task` and `not same_task` apart: each has its "
            "own question about labels.",
            "The same task: transductive if source_labels and not target_labels, else other. Different tasks: inductive if "
            "target_labels; if not, other where the source has labels, and unsupervised where it has none.",
        ),
        collect=_collect_kinds,
        judge=_judge_kinds,
    ),
    Exercise(
        id="classify_situations",
        title="Twelve situations",
        lesson="04",
        points=3,
        minutes=12,
        difficulty=2,
        purpose="Recognise the types in the field, where nobody hands you the four facts.",
        hints=(
            "For each situation write down four facts: same domain? same task? labels in the source? in the target? "
            "Then apply your rule.",
            "Words or pieces hidden by a program, or turns that it made, are not labels. Answers of volunteers and names "
            "that a game writes are.",
            "Four are inductive, four transductive, two unsupervised, and in two nothing differs.",
            "The two without any difference speak of the same camera and of the same machine. Two of the inductive ones "
            "have no label in the source.",
        ),
        collect=_collect_dict,
        judge=_judge_situations,
    ),
    Exercise(
        id="scans_to_images",
        title="A bridge between feature spaces",
        lesson="04",
        points=2,
        minutes=8,
        difficulty=2,
        purpose="Where source and target have other kinds of input, somebody must build a bridge first.",
        hints=(
            "Three things differ: the shape, the number of channels, and the range of the numbers. Mend one at a time.",
            "`scans.reshape(-1, 8, 8)` gives rows and columns; `.repeat(4, axis=1).repeat(4, axis=2)` makes each number a "
            "block; `[:, None]` adds a channel axis.",
            "grey = scans.reshape(-1, 8, 8) * 255 / 16; large = grey.repeat(4, axis=1).repeat(4, axis=2); return "
            "np.repeat(large[:, None], 3, axis=1).astype(np.uint8).",
        ),
        collect=_collect_images,
        judge=_judge_images,
    ),
    Exercise(
        id="choose_approach",
        title="How to transfer",
        lesson="04",
        points=2,
        minutes=7,
        difficulty=2,
        purpose="The type says what you have; the approach says what you do.",
        hints=(
            "Look first for what forbids an approach: no target labels, a body that cannot change, one task only.",
            "No label in the target leaves one approach. Several tasks labelled at the same time ask for another.",
            "Two cases of each. Where features fall short and labels abound, the body learns; where it cannot change or "
            "must be computed once, it stays frozen.",
        ),
        collect=_collect_dict,
        judge=_judge_approaches,
    ),
)
