"""Labelled texts in memory: what every world of text returns."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tlcourse.errors import DataError


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with their labels.

    Args:
        texts: one string each.
        labels: int64, shape (N,); `labels[i]` indexes `classes`.
        classes: the name of each class.
        name: what to call this set in a figure.
    """

    texts: tuple[str, ...]
    labels: np.ndarray
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.texts),):
            raise DataError(
                f"{self.name}: {len(self.texts)} texts but labels of shape {self.labels.shape}.",
                "Give one label for each text.",
            )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"{self.name}: {len(self):,} texts of {len(self.classes)} classes"

    def subset(self, rows: np.ndarray | Sequence[int]) -> LabelledTexts:
        """The texts at these positions, in this order, with the same classes."""
        return replace(self, texts=tuple(self.texts[row] for row in rows), labels=self.labels[np.asarray(rows, int)])

    def only(self, classes: Sequence[str]) -> LabelledTexts:
        """The texts of some classes, with new labels in the order given.

        Raises:
            DataError: there is no such class.
        """
        if unknown := [name for name in classes if name not in self.classes]:
            raise DataError(f"{self.name} has no class {unknown[0]!r}.", f"There are: {', '.join(self.classes)}.")
        old = [self.classes.index(name) for name in classes]
        rows = np.flatnonzero(np.isin(self.labels, old))
        labels = np.array([old.index(label) for label in self.labels[rows]], dtype=np.int64)
        return LabelledTexts(tuple(self.texts[row] for row in rows), labels, tuple(classes), self.name)

    def few(self, per_class: int, seed: int = 0) -> LabelledTexts:
        """`per_class` texts of each class, drawn by `seed` as linear probes draw; a smaller draw is a part of a larger.

        Raises:
            DataError: a class has fewer texts than that.
        """
        rng, rows = np.random.default_rng(seed), []
        for label, name in enumerate(self.classes):
            members = np.flatnonzero(self.labels == label)
            if len(members) < per_class:
                raise DataError(
                    f"{self.name}: class {name!r} has {len(members)} texts, not {per_class}.", "Ask for fewer."
                )
            rows.append(rng.permutation(members)[:per_class])
        return self.subset(np.concatenate(rows))

    def split(self, test_per_class: int = 30) -> tuple[LabelledTexts, LabelledTexts]:
        """(all other texts, `test_per_class` texts of each class); each text's own fingerprint decides where it goes.

        The same text is in the same part whatever stands beside it, as far as the numbers allow: in another version of
        a package, say.

        Raises:
            DataError: a class has no text left for the first part.
        """
        order = sorted(range(len(self)), key=lambda row: fingerprint(f"test {self.texts[row]}"))
        tested: list[int] = []
        for label, name in enumerate(self.classes):
            members = [row for row in order if self.labels[row] == label]
            if len(members) <= test_per_class:
                raise DataError(
                    f"{self.name}: class {name!r} has {len(members)} texts, too few to test with {test_per_class}.",
                    "Ask for fewer.",
                )
            tested += members[:test_per_class]
        return self.subset(sorted(set(order) - set(tested))), self.subset(tested)


def fingerprint(text: str) -> int:
    """A number that depends on the text alone: to sort or split texts alike whatever else is there."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def text_table(path: str | Path, text: str = "text", label: str = "category") -> LabelledTexts:
    """Texts of a CSV file with a heading line, such as BANKING77's `train.csv`; classes sorted by name.

    Args:
        path: the file, UTF-8.
        text, label: the headings of the two columns.

    Raises:
        DataError: there is no such file or column, it is not text in UTF-8, or no row has both.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Check the path.")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in (text, label) if name not in (reader.fieldnames or [])]
            rows = [] if missing else [(row[text], row[label]) for row in reader if row[text] and row[label]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8 ({error}).", "Save it as CSV, UTF-8.") from error
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}.", f"Its heading line must name {text!r} and {label!r}.")
    if not rows:
        raise DataError(f"{path} has no row with a text and a label.", "Check the file.")
    classes = tuple(sorted({kind for _, kind in rows}))
    labels = np.array([classes.index(kind) for _, kind in rows], dtype=np.int64)
    return LabelledTexts(tuple(words for words, _ in rows), labels, classes, path.stem)
