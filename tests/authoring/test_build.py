from __future__ import annotations

from pathlib import Path

from tlcourse.cli import main


def test_first(root: Path, capsys) -> None:
    assert main(["build", "--root", str(root)]) == 0
    print((root / "notebooks/01-first-steps/01-first-steps.ipynb").read_text())
    print((root / "solutions/01-first-steps/01-first-steps.ipynb").read_text()[-2000:])
    assert main(["build", "--root", str(root)]) == 0
    assert main(["build", "--check", "--root", str(root)]) == 0
