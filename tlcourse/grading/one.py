"""Grading one submission, for any front end: notebook in, result out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlcourse.errors import NotebookError
from tlcourse.grading.release import Release
from tlcourse.grading.verdicts import Result

if TYPE_CHECKING:
    from tlcourse.grading.ahead import Start


def grade(
    submission: Path | str | bytes | dict[str, Any],
    release: Release | Path | str,
    *,
    trust: bool = False,
    start: Start | None = None,
) -> Result:
    """Grade a notebook against the lesson that was handed out. Nothing is written anywhere.

    Args:
        submission: what was handed in: a file, its bytes, or the notebook as a dict. Damage is mended where it can be.
        release: the lesson, or the file of its solution or release.
        trust: run the learner's code without a sandbox, with your own rights.
        start: gives the kernel, if not a new `Kernel`; for many submissions see `tlcourse.grading.ahead`.

    Raises:
        NotebookError: the submission cannot be read, or is not this lesson's.
        SandboxError: this machine can give no sandbox; it says why and what to do.
    """
    from tlcourse.grading.examination import examine
    from tlcourse.grading.kernel import Allowance, Kernel
    from tlcourse.grading.mending import mend

    if not isinstance(release, Release):
        release = Release.read(Path(release))
    if not trust:
        from tlcourse import sandbox

        sandbox.insist()
    mended = mend(_content(submission), release)
    allowance = Allowance(trust=trust, cell_seconds=release.timeout, total_seconds=12 * release.timeout)
    return examine(mended.notebook, release, allowance, mended.notes, start or Kernel)


def _content(submission: Path | str | bytes | dict[str, Any]) -> bytes | dict[str, Any]:
    if isinstance(submission, bytes | dict):
        return submission
    try:
        return Path(submission).read_bytes()
    except OSError as error:
        raise NotebookError(f"{submission} cannot be opened: {error.strerror}.", "Check its name.") from None
