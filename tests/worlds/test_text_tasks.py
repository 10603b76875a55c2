"""Tasks made of documentation: labelled by where a paragraph stands, the same in every version as far as can be."""

from __future__ import annotations

import numpy as np
import pytest

from tlcourse.errors import DataError
from tlcourse.worlds import documentation_roles, documentation_topics
from tlcourse.worlds.text_docstrings import SOURCES
from tlcourse.worlds.text_tasks import TOPICS


@pytest.mark.parametrize("package", list(TOPICS))
def test_topics_have_enough_texts(package: str) -> None:
    data = documentation_topics(package)
    assert data.classes == tuple(TOPICS[package])
    assert np.bincount(data.labels).min() > 40 and package not in SOURCES


def test_no_text_stands_twice_and_the_order_is_the_texts_own() -> None:
    data = documentation_topics("networkx")
    assert len(set(data.texts)) == len(data)
    assert (np.diff(data.labels) != 0).mean() > 0.5, "the classes come mixed"


def test_a_role_does_not_stand_in_its_text() -> None:
    data = documentation_roles("networkx")
    assert data.classes == ("parameter", "result", "error", "remark", "reference")
    assert np.bincount(data.labels).min() > 100
    assert not any("----" in text or text.startswith(("Parameters", "Raises ")) for text in data.texts)


@pytest.mark.parametrize("task", [documentation_topics, documentation_roles])
def test_a_package_without_a_task(task) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="'torch'"):
        task("torch")
