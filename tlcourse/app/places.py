"""How many visitors are served at once; who comes past that is told so at once, and when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tlcourse.errors import CourseError


class FullError(CourseError):
    """Every place is taken.

    Args:
        wait: seconds after which to try again.
    """

    def __init__(self, wait: int) -> None:
        super().__init__("Many people are asking at this moment.", f"Please try again in {wait} seconds.")
        self.wait = wait


class Places:
    """A fixed number of places, taken and left in one event loop.

    A place holds a visitor's bytes and a turn at the model: without a limit a crowd would fill the memory, and everyone
    would wait longer and longer.

    Args:
        most: how many.
        wait: seconds that a refused visitor is told to wait.
    """

    def __init__(self, most: int, wait: int = 2) -> None:
        self.most, self.wait, self.taken, self.refused = most, wait, 0, 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            FullError: there is none.
        """
        if self.taken >= self.most:
            self.refused += 1
            raise FullError(self.wait)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
