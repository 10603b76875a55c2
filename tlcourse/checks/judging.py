"""For `judge` functions: turn what an answer did into findings that name the culprit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tlcourse.checks.exercise import Evidence, Finding


def same(answer: Any, expected: Any, absolute: float = 6e-5) -> bool:
    """Whether two plain values agree: numbers to four places (or 0.01 %), None only with None, lists item by item.

    A boolean is not a number and text is not one either. NaN agrees with nothing.
    """
    # What an array of any dtype holds counts as the Python number.
    answer, expected = (value.item() if isinstance(value, np.generic) else value for value in (answer, expected))
    if expected is None or answer is None:
        return answer is None and expected is None
    if isinstance(expected, bool) or isinstance(answer, bool):
        return isinstance(answer, bool) and isinstance(expected, bool) and answer == expected
    if isinstance(expected, str) or isinstance(answer, str):
        return isinstance(answer, str) and isinstance(expected, str) and answer == expected
    if isinstance(expected, dict):
        return (
            isinstance(answer, dict)
            and answer.keys() == expected.keys()
            and all(same(answer[key], expected[key], absolute) for key in expected)
        )
    if isinstance(expected, list | tuple | np.ndarray):
        if not isinstance(answer, list | tuple | np.ndarray) or len(answer) != len(expected):
            return False
        return all(same(a, e, absolute) for a, e in zip(answer, expected, strict=True))
    if not isinstance(answer, int | float) or not isinstance(expected, int | float):
        return False
    if math.isinf(expected) or math.isinf(answer):
        return answer == expected
    return abs(answer - expected) <= max(absolute, 1e-4 * abs(expected))


def same_or_nan(answer: Any, expected: Any) -> bool:
    """`same`, and NaN is as good as NaN: for mistakes that end there."""
    both = (answer, expected)
    return all(isinstance(value, float) and math.isnan(value) for value in both) or same(answer, expected)


def one_number(value: Any) -> Any:
    """A single number, whatever arrays or lists of one item it is wrapped in; any other value as it is."""
    while isinstance(value, np.ndarray | list) and len(value) == 1:
        value = value[0]
    return value.item() if isinstance(value, np.generic) else value


def kind_of(value: Any) -> str:
    """What a value that is no number is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    kinds = {str: "text", dict: "a dict", bool: "a truth value", np.bool_: "a truth value", type(None): "None"}
    opaque = isinstance(value, dict) and set(value) == {"type"}
    return f"something of the type {value['type']}" if opaque else kinds.get(type(value), type(value).__name__)


@dataclass(frozen=True)
class Misconception:
    """A mistake that people really make, as a function: what an answer with this mistake returns.

    Args:
        code: its stable name.
        message: what the answer does, addressed to the learner.
        next_step: what to do instead.
        model: takes the arguments of the exercise; returns what the mistaken answer would.
    """

    code: str
    message: str
    next_step: str
    model: Callable[..., Any]


@dataclass(frozen=True)
class Question:
    """One graded thing about an answer: the reference, and the mistakes to tell apart.

    Args:
        code: the finding's name when it is right.
        right: the message when it is right.
        reference: takes the arguments of the exercise; returns the right value.
        misconceptions: the first whose model agrees with the answer on every case gives the message.
        points: what it is worth.
        names: of the arguments, for the message that shows a case.
        part: picks this question's value out of what the answer returned; None if it is not there.
        agree: whether two values count as the same.
    """

    code: str
    right: str
    reference: Callable[..., Any]
    misconceptions: tuple[Misconception, ...]
    points: float
    names: tuple[str, ...] = ()
    part: Callable[[Any], Any] = lambda value: value
    agree: Callable[[Any, Any], bool] = same


STUB_MESSAGE = "replace this line with your answer"
"""What a stub raises NotImplementedError with; nbgrader_config.py puts it there."""


def unusable(name: str, calls: Sequence[Evidence], points: float) -> Finding | None:
    """A finding if the answer could not be judged at all: not written, no function, an error, nothing returned.

    Args:
        name: how the learner's function is called.
        calls: what `collecting.call` recorded.
        points: what the exercise is worth; the finding carries them, so that none is earned.
    """
    for record in calls:
        if error := record.get("error"):
            return _failure(name, error, points)
    if all(record["value"] is None for record in calls):
        if any(record["printed"] for record in calls):
            return Finding(
                "prints-not-returns",
                False,
                f"`{name}` prints its result and returns nothing.",
                "Hand the value back with `return`; the check cannot read what is printed.",
                points,
            )
        return Finding(
            "returns-nothing",
            False,
            f"`{name}` returns nothing (None) for every input.",
            f"End `{name}` with `return` and the value.",
            points,
        )
    return None


def _failure(name: str, error: dict[str, Any], points: float) -> Finding:
    kind, message, line = error["type"], error["message"], error["line"]
    if kind == "NotImplementedError" and message == STUB_MESSAGE:
        return Finding(
            "not-written",
            False,
            f"`{name}` still holds the line `raise NotImplementedError(...)`, which stops it.",
            "Replace the line `raise NotImplementedError(...)` with your answer and run both cells again.",
            points,
        )
    if kind == "NotCallable":
        return Finding(
            "not-a-function",
            False,
            f"`{name}` is not a function, but of the type {message}.",
            f"Pass the function itself, without calling it: `{name}`, not `{name}(...)`.",
            points,
        )
    if kind == "SystemExit":
        return Finding(
            "exits",
            False,
            f"`{name}` calls `exit`, which would end the whole notebook.",
            "Hand the value back with `return`.",
            points,
        )
    if kind == "TypeError" and not error["inside"]:
        return Finding(
            "wrong-arguments",
            False,
            f"`{name}` does not take the arguments that it is called with: {message}.",
            "Keep the first line of the function as the exercise gives it.",
            points,
        )
    where = f" in the line `{line}`" if line else ""
    return Finding(
        "raises",
        False,
        f"`{name}` stopped with {kind}: {message}{where}.",
        "Call it on a small input of your own in a new cell, and read the error there.",
        points,
    )


def not_class_numbers(given: Any, n_train: int, n_test: int, n_classes: int) -> tuple[str, str, str] | None:
    """What is wrong with the form of predicted labels: code, message, next step; None if they can be counted.

    Args:
        given: what an answer returned, as `collecting.simple` wrote it down.
        n_train, n_test: images to learn from, and images to name.
        n_classes: labels are 0 to n_classes - 1.
    """
    cure = "Return one class number for each test image, shape (N,)."
    if isinstance(given, list) and any(isinstance(item, str) for item in given):
        return "names-not-numbers", "The predictions are words; the labels are class numbers from 0.", cure
    try:
        values = np.asarray(given, float)
    except (TypeError, ValueError):
        return "no-predictions", "What you return is no array of class numbers.", cure
    if values.ndim == 0:
        message = f"You return one number, {float(values):.3g}. The check works out the accuracy itself."
        return "one-number", message, cure
    if values.shape == (n_test, n_classes):
        message = "You return a score for each class. Which class is it, then?"
        return "scores-not-labels", message, "Take the class with the highest score: `.argmax(1)`."
    if values.size == n_train != n_test:
        return "training-images-named", "You name the training images; the test images are asked for.", cure
    if values.size != n_test:
        return "wrong-length", f"You return {values.size} numbers for {n_test} test images.", cure
    if not np.isin(values, range(n_classes)).all():
        message = f"The labels are 0 to {n_classes - 1}; yours hold others, from {values.min():g} to {values.max():g}."
        return "unknown-labels", message, "Check what your classifier counts from."
    return None


def entries_missing(name: str, calls: Sequence[Evidence], keys: Sequence[str], points: float) -> Finding | None:
    """A finding where what is returned is no dict with these keys."""
    wanted = ", ".join(repr(key) for key in keys)
    for record in calls:
        value = record["value"]
        if not isinstance(value, dict) or set(value) == {"type"}:
            message = f"`{name}` must return a dict with the keys {wanted}."
            return Finding("not-a-dict", False, message, f"End with `return {{{wanted.split(',')[0]}: ...}}`.", points)
        if missing := [key for key in keys if key not in value]:
            found = ", ".join(repr(key) for key in value) or "none"
            message = f"The dict lacks {', '.join(map(repr, missing))}; its keys are: {found}."
            return Finding("keys-missing", False, message, f"Return all of {wanted}.", points)
    return None


def judge_question(question: Question, cases: Sequence[tuple[Any, ...]], calls: Sequence[Evidence]) -> Finding:
    """Compare every call with the reference; if some differ, name the misconception that explains them all."""
    answers = [question.part(record["value"]) for record in calls]
    expected = [question.reference(*case) for case in cases]
    if all(question.agree(a, e) for a, e in zip(answers, expected, strict=True)):
        return Finding(question.code, True, question.right, "", question.points)
    for mistake in question.misconceptions:
        modelled = [_modelled(mistake, case) for case in cases]
        if all(question.agree(a, m) for a, m in zip(answers, modelled, strict=True)):
            return Finding(mistake.code, False, mistake.message, mistake.next_step, question.points)
    for places in range(4):
        if all(question.agree(a, _rounded(e, places)) for a, e in zip(answers, expected, strict=True)):
            return Finding(
                f"{question.code}-rounded",
                False,
                f"{question.code}: the answer is rounded to {places} places.",
                "Return the number as it is, and round only when you print.",
                question.points,
            )
    case, answer, right = next(
        (c, a, e) for c, a, e in zip(cases, answers, expected, strict=True) if not question.agree(a, e)
    )
    return Finding(
        f"{question.code}-differs",
        False,
        f"{question.code}: for {_shown_arguments(question.names, case)} the answer is {_shown(answer)}; "
        f"it should be {_shown(right)}.",
        "Work this case out by hand, then compare each step with your code.",
        question.points,
    )


def judge_in_turn(
    questions: Sequence[Question], cases: Sequence[tuple[Any, ...]], calls: Sequence[Evidence]
) -> list[Finding]:
    """Judge questions of which the later ones make sense only if the first is right: else it costs all their points."""
    first, *others = questions
    found = judge_question(first, cases, calls)
    if not found.passed:
        return [replace(found, points=sum(question.points for question in questions))]
    return [found, *(judge_question(question, cases, calls) for question in others)]


def _modelled(mistake: Misconception, case: tuple[Any, ...]) -> Any:
    try:
        return mistake.model(*case)
    except (ArithmeticError, ValueError, IndexError, StopIteration):
        return {"type": "no value"}  # the mistaken code would fail here, so it explains nothing


def _rounded(value: Any, places: int) -> Any:
    if isinstance(value, list):
        return [_rounded(item, places) for item in value]
    return round(value, places) if isinstance(value, float) else value


def _shown_arguments(names: tuple[str, ...], case: tuple[Any, ...]) -> str:
    if len(names) != len(case):
        return ", ".join(_shown(argument) for argument in case)
    return ", ".join(f"{name} = {_shown(argument)}" for name, argument in zip(names, case, strict=True))


def _shown(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value)
    if isinstance(value, int | float):
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if isinstance(value, dict) and set(value) == {"type"}:
        return f"of the type {value['type']}"
    if isinstance(value, dict):
        return "{" + _listed([f"{key!r}: {_shown(item)}" for key, item in list(value.items())[:_ITEMS]], value) + "}"
    return "[" + _listed([_shown(item) for item in list(value)[:_ITEMS]], value) + "]"


_ITEMS = 12  # of a list or dict that a message shows


def _listed(items: list[str], whole: Any) -> str:
    return ", ".join(items) + (", ..." if len(whole) > _ITEMS else "")


def judge_quiz(
    name: str,
    record: Evidence,
    right: Mapping[str, tuple[Any, str | Mapping[Any, str]]],
    allowed: Sequence[Any],
    points: float,
    patterns: Sequence[Misconception] = (),
) -> list[Finding]:
    """Findings for a quiz: one for each item, with an explanation for a wrong choice.

    Args:
        name: how the learner's function is called.
        record: what `collecting.call` recorded of it.
        right: item -> (the right choice, why another choice is wrong), or (the right choice, an explanation for each
            choice): then the right choice is confirmed with its reason too.
        allowed: the choices there are.
        points: shared equally by the items.
        patterns: mistakes that explain a whole answer; `model` takes an item and returns the mistaken choice. The first
            that gives this very answer, two or more wrong items in it, stands in one finding for all of them.
    """
    if fault := unusable(name, [record], points):
        return [fault]
    answers = record["value"]
    if not isinstance(answers, dict) or set(answers) == {"type"}:
        return [
            Finding(
                "not-a-dict",
                False,
                f"What `{name}` returns is {_shown(answers)}, not a dict.",
                f"Return one entry for each item: {{{', '.join(f'{key!r}: ...' for key in right)}}}.",
                points,
            )
        ]
    # A key may be written "(A)" or "a.": the letter is what counts.
    answers = {key.lower().strip(" ().:"): _plain_choice(choice, allowed) for key, choice in answers.items()}
    if not set(answers) & set(right):
        keys, wanted = (", ".join(repr(key) for key in list(given)[:8]) for given in (record["value"], right))
        message = f"The keys are {keys or 'missing: the dict is empty'}; they must be {wanted}."
        return [Finding("wrong-keys", False, message, "Name each entry by its letter.", points)]
    share = points / len(right)
    findings = [_quiz_item(key, answers, choice, why, allowed, share) for key, (choice, why) in right.items()]
    wrong = [finding for finding in findings if not finding.passed]
    for pattern in patterns if len(wrong) > 1 else ():
        if all(same(answers.get(key), pattern.model(key)) for key in right):
            items = (f"{finding.code.partition('-')[0]}: {finding.next_step}" for finding in wrong)
            reasons = " ".join([pattern.next_step, *items])
            whole = Finding(pattern.code, False, pattern.message, reasons, share * len(wrong))
            return [whole, *(finding for finding in findings if finding.passed)]
    return findings


def _plain_choice(given: Any, allowed: Sequence[Any]) -> Any:
    """A word in any case, with or without its hyphen or space, and 0 or 1 for a truth value count as meant."""
    if isinstance(given, str):
        words = (option for option in allowed if isinstance(option, str) and _letters(option) == _letters(given))
        return next(words, given)
    if all(isinstance(option, bool) for option in allowed) and isinstance(given, int | float) and given in (0, 1):
        return bool(given)
    return given


def _letters(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def _quiz_item(
    key: str,
    answers: dict[str, Any],
    choice: Any,
    why: str | Mapping[Any, str],
    allowed: Sequence[Any],
    share: float,
) -> Finding:
    given = answers.get(key)
    options = " or ".join(repr(option) for option in allowed)
    if given is None:
        return Finding(f"{key}-missing", False, f"{key}: no answer yet.", f"Answer {options}.", share)
    if not any(same(given, option) for option in allowed):
        return Finding(
            f"{key}-unknown", False, f"{key}: {_shown(given)} is not one of the choices.", f"Answer {options}.", share
        )
    reason = why if isinstance(why, str) else why[given]
    if same(given, choice):
        confirmed = "" if isinstance(why, str) else f" {reason}"
        return Finding(f"{key}-right", True, f"{key}: {given!r} is right.{confirmed}", "", share)
    code = f"{key}-wrong" if isinstance(why, str) else f"{key}-not-{str(given).replace(' ', '-')}"
    return Finding(code, False, f"{key}: {given!r} is not right.", reason, share)
