"""What the course says when something is wrong: one sentence on the fault, one on the cure."""

from __future__ import annotations


class CourseError(Exception):
    """A fault that a user can do something about.

    Args:
        fault: what is wrong and where, in one sentence.
        cure: what to do next, in one sentence.
    """

    def __init__(self, fault: str, cure: str = "") -> None:
        super().__init__(f"{fault} {cure}".strip())
        self.fault = fault
        self.cure = cure

    def __reduce__(self) -> tuple[object, ...]:
        # A worker's error reaches whoever started it as it was raised.
        return type(self), (self.fault, self.cure)


class DataError(CourseError):
    """Images, labels or a dataset folder that cannot be used."""


class WeightsError(CourseError):
    """A weight file that is damaged, foreign or does not fit the network."""


class DownloadError(CourseError):
    """A file that no address gives, or gives whole."""


class ArchiveError(CourseError):
    """An archive that is damaged, or whose files would not stay in their folder."""


class StorageError(CourseError):
    """A disk that is full, read-only or otherwise refuses a file."""


class BusyError(StorageError):
    """A file that another process holds."""


class NotebookError(CourseError):
    """A notebook that cannot be read or is not one of the course's."""


class LessonError(CourseError):
    """A lesson that does not exist, or whose source breaks the rules of authoring."""


class ExerciseError(CourseError):
    """An exercise that does not exist."""
