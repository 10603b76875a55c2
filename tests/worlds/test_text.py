"""Labelled texts, and tables of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import LabelledTexts, text_table


@pytest.fixture
def texts() -> LabelledTexts:
    return LabelledTexts(tuple("abcdefgh"), np.array([0, 0, 0, 0, 1, 1, 1, 2]), ("x", "y", "z"), "letters")


class TestLabelledTexts:
    """Drawing and choosing."""

    def test_it_says_what_it_holds(self, texts: LabelledTexts) -> None:
        assert repr(texts) == "letters: 8 texts of 3 classes" and len(texts) == 8

    def test_a_small_draw_is_a_part_of_a_larger_one(self, texts: LabelledTexts) -> None:
        two = texts.only(["y", "x"])
        assert two.classes == ("y", "x") and two.labels.tolist() == [1, 1, 1, 1, 0, 0, 0]
        small, large = two.few(1, seed=3), two.few(3, seed=3)
        assert set(small.texts) < set(large.texts) and np.bincount(large.labels).tolist() == [3, 3]

    def test_too_few_texts_of_a_class(self, texts: LabelledTexts) -> None:
        with pytest.raises(DataError, match="class 'z' has 1 texts, not 2"):
            texts.few(2)

    def test_a_text_keeps_its_part_whatever_stands_beside_it(self) -> None:
        many = LabelledTexts(tuple(f"text {i}" for i in range(100)), np.arange(100) % 2, ("even", "odd"), "many")
        pool, test = many.split(10)
        _, fewer_test = many.subset(range(95)).split(10)
        assert len(pool) == 80 and np.bincount(test.labels).tolist() == [10, 10]
        assert not set(pool.texts) & set(test.texts)
        assert len(set(test.texts) & set(fewer_test.texts)) >= 18
        with pytest.raises(DataError, match="too few to test with 50"):
            many.split(50)

    def test_a_class_that_is_not_there(self, texts: LabelledTexts) -> None:
        with pytest.raises(DataError, match="no class 'w'"):
            texts.only(["w"])

    def test_as_many_labels_as_texts(self) -> None:
        with pytest.raises(DataError, match="2 texts but labels of shape"):
            LabelledTexts(("a", "b"), np.array([0]), ("x",), "letters")


class TestTextTable:
    """CSV files."""

    def test_a_table_with_commas_and_quotes(self, tmp_path: Path) -> None:
        path = tmp_path / "bank.csv"
        path.write_text('text,category\n"Hello, where is it?",lost\nHow much?,fee\n,fee\n', encoding="utf-8")
        data = text_table(path)
        assert data.texts == ("Hello, where is it?", "How much?")
        assert data.classes == ("fee", "lost") and data.labels.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("content", "fault"),
        [
            (b"words,category\nhello,a\n", "no column 'text'"),
            (b"text,category\n", "no row"),
            (b"", "no column"),
            (b"text,category\n\xff\xfe,a\n", "no CSV file in UTF-8"),
        ],
    )
    def test_a_file_that_is_no_such_table(self, content: bytes, fault: str, tmp_path: Path) -> None:
        path = tmp_path / "bank.csv"
        path.write_bytes(content)
        with pytest.raises(DataError, match=fault):
            text_table(path)

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no file"):
            text_table(tmp_path / "none.csv")

    def test_published_intents(self, real_dir: Path) -> None:
        data = text_table(real_dir / "banking77" / "test.csv")
        assert len(data) == 3080 and len(data.classes) == 77
        assert np.bincount(data.labels).tolist() == [40] * 77
