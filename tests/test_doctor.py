"""The doctor names what is broken on a machine, and the cure: each broken state is made and then examined."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tlcourse import cli, doctor
from tlcourse.doctor import GIB, Answer, Finding
from tlcourse.errors import CourseError

Stub = Callable[..., None]
ROWS = ["Python", "packages", "torch", "device", "torchvision", "fastai", "memory", "disk"]
ROWS += ["JupyterLab", "kernel", "cache folder", "state folder", "glyph fonts", "sandbox"]
STUB_TORCH = """
class _Part:
    cuda = None
    def is_available(self): return False
class _Backends:
    mps = _Part()
__version__ = "2.13.0+cpu"
version, cuda, backends = _Part(), _Part(), _Backends()
"""
TORCH = {"version": "2.15.0", "cores": 2, "built_for_cuda": False, "cuda": [], "mps": False}


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def sick(finding: Finding) -> bool:
    """A fault, with its cure beside it."""
    return finding.status == "fault" and bool(finding.cure)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Put a package of a given content before the real one, for this process and those it starts."""

    def put(name: str, code: str, **files: str) -> None:
        package = tmp_path / "stubs" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(code)
        for stem, text in files.items():
            (package / f"{stem}.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
        monkeypatch.syspath_prepend(tmp_path / "stubs")

    return put


def test_this_machine_runs_the_course() -> None:
    """The real thing, once: every row, and no fault."""
    command = [sys.executable, "-m", "tlcourse.cli", "doctor", "--json", "--wait", "90"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    report = json.loads(done.stdout)
    assert [finding["name"] for finding in report["findings"]] == ROWS
    assert not [finding for finding in report["findings"] if finding["status"] == "fault"]
    assert report["ok"] is True
    assert done.returncode == 0


# --- the report -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ok", "warn", "fault"])
def test_status_and_cure_are_reported(
    status: doctor.Status, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("thing", status, "it [x] is so", "" if status == "ok" else "do that")
    monkeypatch.setattr(doctor, "examine", lambda _seconds: [finding])
    assert cli.main(["doctor"]) == (status == "fault")
    told = capsys.readouterr().out
    assert re.search(rf"^{status} +thing +it \[x\] is so$", told, re.M)
    assert ("-> do that" in told) == (status != "ok")
    assert "\x1b" not in told


def test_what_did_not_answer_is_not_called_fine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = Finding("torch", "warn", "still loading", "wait", answered=False)
    monkeypatch.setattr(doctor, "examine", lambda _seconds: [late])
    assert cli.main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "not everything answered" in told and "can run" not in told


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _seconds: [Finding("thing", "fault", "is [x]", "do that")])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert cli.main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "what to do" in told and "do that" in told and "[x]" in told


# --- quick questions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 5), True), ((3, 14, 0), False)]
)
def test_python_version(version: tuple[int, int, int], fits: bool) -> None:
    finding = doctor.python_version(version)
    assert finding.status == ("ok" if fits else "fault")
    assert fits or "3.12" in finding.cure


def test_a_missing_package_is_named() -> None:
    finding = doctor.packages(["rich", "no-such-package"])
    assert sick(finding)
    assert "no-such-package" in finding.detail and "rich" not in finding.detail


def test_a_missing_jupyterlab_is_a_warning() -> None:
    finding = doctor.lab(["no-such-lab"])
    assert finding.status == "warn"
    assert ".[lab]" in finding.cure


def test_memory() -> None:
    assert doctor.memory((8 * GIB, 4 * GIB)).detail == "4.0 GiB available of 8.0"
    assert doctor.memory((8 * GIB, 1 * GIB)).status == "warn"
    assert doctor.memory((0, 0)).status == "ok"


@pytest.mark.parametrize(("free", "status"), [(50 * GIB, "ok"), (GIB, "warn"), (GIB // 100, "fault")])
def test_disk(tmp_path: Path, free: int, status: str) -> None:
    finding = doctor.disk(tmp_path / "not" / "yet", free)
    assert finding.status == status
    assert str(tmp_path) in finding.detail


def test_a_file_in_the_cache_folders_place(tmp_path: Path) -> None:
    place = tmp_path / "cache"
    place.write_text("")
    finding = doctor.folder("cache folder", place)
    assert sick(finding)
    assert str(place) in finding.detail


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert sick(doctor.folder("cache folder", tmp_path))
    finally:
        tmp_path.chmod(0o700)


def test_a_machine_without_a_sandbox_is_a_warning_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise CourseError("user namespaces are switched off.", "Switch them on.")

    monkeypatch.setattr("tlcourse.sandbox.insist", refuse)
    finding = doctor.grading_sandbox()
    assert (finding.status, finding.cure) == ("warn", "Switch them on.")


def test_missing_fonts_are_named(tmp_path: Path) -> None:
    (tmp_path / "DejaVuSans.ttf").touch()
    finding = doctor.fonts(tmp_path)
    assert sick(finding)
    assert "DejaVuSans-Bold.ttf" in finding.detail and "DejaVuSans.ttf" not in finding.detail


# --- the libraries ----------------------------------------------------------------------------------


def test_a_cpu_torch_beside_a_cuda_torchvision(stub: Stub) -> None:
    """The mix that people really get, with a torchvision that fails as the real one does: named and cured."""
    told = "operator torchvision::nms does not exist"
    stub("torch", STUB_TORCH, version='__version__ = "2.13.0+cpu"')
    stub("torchvision", f"raise RuntimeError({told!r})", version='__version__ = "0.29.2+cu132"')
    rows = by_name(doctor.stack())
    assert rows["torch"].status == "ok"
    assert sick(rows["torchvision"])
    assert "CPU-only torch stands beside a cu132 torchvision" in rows["torchvision"].detail
    assert told in rows["torchvision"].detail
    assert "pip uninstall" in rows["torchvision"].cure
    assert "fastai" not in rows, "not reached, so nothing is said of it"


def test_a_broken_torch(stub: Stub) -> None:
    stub("torch", "raise ImportError('libtorch.so: cannot open shared object file')")
    rows = by_name(doctor.stack())
    assert list(rows) == ["torch"]
    assert sick(rows["torch"])
    assert "libtorch.so" in rows["torch"].detail


def test_a_library_that_kills_the_process(stub: Stub) -> None:
    stub("torch", "import os; os._exit(139)")
    (row,) = doctor.stack()
    assert sick(row)
    assert "139" in row.detail


def test_a_library_that_hangs(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("torch", "import time; time.sleep(60)")
    begun = time.monotonic()
    (row,) = doctor.stack(lambda question: doctor._ask(question, seconds=1.5))
    assert time.monotonic() - begun < 10
    assert row.status == "warn" and not row.answered
    assert "--wait" in row.cure


def test_agreeing_and_unknown_builds_are_no_mix() -> None:
    assert doctor.mix("cpu", "cpu") == doctor.mix("cu132", "cu132") == doctor.mix("", "cu132") == ""
    assert "a cu126 torch stands beside a CPU-only torchvision" in doctor.mix("cu126", "cpu")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "CPU, 2 cores"),
        ({"cores": 1}, "CPU, 1 core"),
        ({"mps": True}, "MPS"),
        ({"cuda": [{"name": "H200", "memory": 139 * GIB}]}, "CUDA: H200 (139 GiB)"),
    ],
)
def test_device(facts: dict, words: str) -> None:
    rows = doctor.stack(lambda _question: Answer({"torch": {**TORCH, "built_for_cuda": True, **facts}}))
    assert words in by_name(rows)["device"].detail


def test_a_gpu_that_this_torch_cannot_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    row = by_name(doctor.stack(lambda _question: Answer({"torch": TORCH})))["device"]
    assert row.status == "warn" and "CPU-only" in row.detail


# --- the kernel -------------------------------------------------------------------------------------


def spec(folder: Path, monkeypatch: pytest.MonkeyPatch, *argv: str) -> None:
    """Make `argv` what Jupyter starts as its python3 kernel."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder))


def test_a_kernel_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec(tmp_path, monkeypatch, sys.executable, "-c", "raise SystemExit(3)")
    finding = doctor.kernel()
    assert sick(finding)
    assert "ipykernel install" in finding.cure


def test_a_kernel_of_a_program_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec(tmp_path, monkeypatch, str(tmp_path / "gone" / "python"), "{connection_file}")
    finding = doctor.kernel()
    assert sick(finding)
    assert "gone" in finding.detail


def test_no_kernel(stub: Stub) -> None:
    stub("ipykernel", "raise ModuleNotFoundError(\"No module named 'ipykernel'\")")
    assert sick(doctor.kernel())


def test_a_kernel_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec(tmp_path, monkeypatch, sys.executable, "-c", "import time; time.sleep(5)")
    finding = doctor.kernel(lambda question: doctor._ask(question, seconds=2))
    assert finding.status == "warn" and not finding.answered


def test_a_kernel_of_another_environment() -> None:
    told = {"prefix": "/usr", "python": "/usr/bin/python3", "seconds": 1.0}
    finding = doctor.kernel(lambda _question: Answer({"kernel": told}))
    assert sick(finding)
    assert "/usr/bin/python3" in finding.detail
