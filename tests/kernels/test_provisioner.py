"""Warm kernels through jupyter_client: what a notebook sees, how they end, and when they are cold instead."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from kernels_kit import LINUX_ONLY, an_owner, is_running, kernel, until, until_gone
from traitlets.config import Config

from tlcourse.kernels import fitness, shared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=LINUX_ONLY)


# --- what a notebook sees ---------------------------------------------------------------------------------------------

LEARN = """\
import torch
network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(2))
network(torch.randn(16, 3, 32, 32)).square().mean().backward()
assert (torch.randn(600, 600) @ torch.randn(600, 600)).isfinite().all()
print(network[0].weight.grad.abs().sum() > 0)
"""
DRAW = "import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.rand(1).item())"
LOOK = """\
from fastprogress.fastprogress import IN_NOTEBOOK
from comm import get_comm_manager
print(IN_NOTEBOOK, "jupyter.widget.control" in get_comm_manager().targets)
"""
COUNT_LOOKS = """\
import inspect
is_module, looks = inspect.ismodule, []
inspect.ismodule = lambda anything: looks.append(anything) or is_module(anything)
"""


@pytest.fixture(scope="session")
def _whole_nursery() -> Any:
    yield
    if shared._home is not None:
        shared._home.close()


@pytest.fixture
def whole(warm_kernels: None, _whole_nursery: None) -> None:
    """Warm kernels with everything imported; their nursery is shared by all tests that use them."""


@pytest.mark.usefixtures("whole")
def test_the_libraries_are_there_at_once() -> None:
    with kernel() as notebook:
        loaded = notebook.run("import sys; print('fastai.vision.all' in sys.modules, 'tlcourse.plots' in sys.modules)")
    assert loaded == "True True"


@pytest.mark.usefixtures("whole")
def test_a_network_learns_in_a_fork() -> None:
    with kernel() as notebook:
        assert notebook.run(LEARN) == "tensor(True)"


@pytest.mark.usefixtures("whole")
def test_two_kernels_draw_different_numbers() -> None:
    with kernel() as first, kernel() as second:
        one, other = first.run(DRAW).split(), second.run(DRAW).split()
    assert all(a != b for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("whole")
def test_libraries_know_that_they_are_in_a_notebook() -> None:
    with kernel() as notebook:
        assert notebook.run(LOOK).split() == ["True", "True"]


@pytest.mark.usefixtures("whole")
def test_a_figure_is_shown_under_its_cell() -> None:
    shown: list[str] = []
    with kernel() as notebook:
        notebook.client.execute_interactive(
            "import matplotlib.pyplot as plt; plt.plot([1, 2]);",
            output_hook=lambda message: shown.extend(message["content"].get("data", {})),
            timeout=60,
        )
    assert "image/png" in shown


@pytest.mark.usefixtures("whole")
def test_what_a_library_logs_is_shown_under_the_cell() -> None:
    code = "import logging; logging.getLogger('torch.fx.passes.utils.matcher_utils').warning('look here')"
    with kernel() as notebook:
        assert "look here" in notebook.run(code)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("wrong", ["1 / 0", "def f():\n    return json.loads('{')\nimport json; f()"])
def test_an_error_is_told_without_a_look_through_thousands_of_modules(wrong: str) -> None:
    with kernel() as notebook:
        notebook.run(COUNT_LOOKS)
        reply = notebook.client.execute_interactive(wrong, output_hook=lambda message: None, timeout=60)
        assert reply["content"]["status"] == "error"
        assert int(notebook.run("print(len(looks))")) < 100


@pytest.mark.usefixtures("light_kernels")
def test_a_kernel_looks_like_one_started_by_its_command_line() -> None:
    with kernel() as notebook:
        argv = json.loads(notebook.run("import sys, json; print(json.dumps([sys.argv, sys.orig_argv, __name__]))"))
    (script, *arguments), command, name = argv
    assert Path(script).name == "ipykernel_launcher.py"
    assert arguments == ["-f", command[-1]]
    assert command[:3] == [sys.executable, "-m", "ipykernel_launcher"]
    assert name == "__main__"


@pytest.mark.usefixtures("light_kernels")
def test_a_kernel_stands_in_its_folder_and_has_its_environment(tmp_path: Path) -> None:
    with kernel(cwd=str(tmp_path), env={**os.environ, "MY_OWN": "value"}) as notebook:
        assert notebook.is_warm()
        assert notebook.run("import os; print(os.getcwd(), os.environ['MY_OWN'])") == f"{tmp_path} value"


@pytest.mark.usefixtures("light_kernels")
def test_two_kernels_do_not_see_each_others_names() -> None:
    with kernel() as first, kernel() as second:
        first.run("mine = 1")
        assert second.run("print('mine' in globals())") == "False"


@pytest.mark.usefixtures("light_kernels")
def test_what_the_process_itself_writes_goes_where_it_was_told(tmp_path: Path) -> None:
    told = tmp_path / "stderr"
    with told.open("wb") as file, kernel(stderr=file, extra_arguments=["--debug"]) as notebook:
        assert notebook.is_warm()
    assert "IPKernelApp" in told.read_text()


# --- interrupt, restart, end ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("light_kernels")
@pytest.mark.parametrize("mode", ["signal", "message"])
@pytest.mark.parametrize("busy", ["import time; print('go'); time.sleep(600)", "print('go')\nwhile True: pass"])
def test_a_busy_kernel_can_be_interrupted(busy: str, mode: str) -> None:
    with kernel() as notebook:
        assert notebook.manager.kernel_spec is not None
        notebook.manager.kernel_spec.interrupt_mode = mode
        request = notebook.begin(busy)
        notebook.manager.interrupt_kernel()
        assert notebook.reply(request)["ename"] == "KeyboardInterrupt"
        assert notebook.run("print('still here')") == "still here"


@pytest.mark.usefixtures("light_kernels")
@pytest.mark.parametrize("now", [True, False])
def test_a_restarted_kernel_is_a_new_warm_one_at_the_same_address(now: bool) -> None:
    with kernel() as notebook:
        notebook.run("before = 1")
        first = notebook.pid()
        notebook.manager.restart_kernel(now=now)
        notebook.client.wait_for_ready(timeout=60)
        assert notebook.run("print('before' in globals())") == "False"
        assert notebook.is_warm()
        until_gone(first)


@pytest.mark.usefixtures("light_kernels")
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("import os; os._exit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("exit()", 0),
    ],
)
def test_how_a_kernel_ended_is_known(code: str, status: int) -> None:
    with kernel() as notebook:
        notebook.crash(code)
        assert notebook.status() == status
        assert not notebook.manager.is_alive()


@pytest.mark.usefixtures("light_kernels")
def test_a_kernel_ends_as_an_interpreter_does(tmp_path: Path) -> None:
    left = tmp_path / "left"
    with kernel() as notebook:
        notebook.run(f"import atexit, pathlib; atexit.register(pathlib.Path({str(left)!r}).touch)")
        notebook.manager.shutdown_kernel()
    assert left.exists()


@pytest.mark.usefixtures("light_kernels")
def test_a_crashed_kernel_can_be_restarted() -> None:
    with kernel() as notebook:
        notebook.crash("import os; os._exit(3)")
        notebook.manager.restart_kernel(now=True)
        notebook.client.wait_for_ready(timeout=60)
        assert notebook.is_warm()


# --- the address ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("light_kernels")
def test_sockets_lie_in_a_private_folder_that_goes_with_the_kernel() -> None:
    with kernel() as notebook:
        assert notebook.manager.transport == "ipc"
        folder = Path(notebook.manager.ip).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


@pytest.mark.usefixtures("light_kernels")
def test_an_address_that_somebody_configured_is_kept() -> None:
    with kernel(KernelManager(config=Config({"KernelManager": {"transport": "tcp"}}))) as notebook:
        assert notebook.manager.transport == "tcp"
        assert notebook.is_warm()


@pytest.mark.usefixtures("light_kernels")
def test_a_folder_too_deep_for_a_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    with kernel() as notebook:
        assert notebook.manager.transport == "tcp"
        assert notebook.is_warm()
    assert not list(deep.iterdir())


# --- cold where it must be --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("light_kernels")
def test_another_interpreter_is_started_cold(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    manager = KernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv[0] = str(other)
    with kernel(manager) as notebook:
        assert not notebook.is_warm()


@pytest.mark.usefixtures("light_kernels")
def test_what_libraries_read_when_imported_makes_a_cold_kernel() -> None:
    with kernel(env={**os.environ, "OMP_NUM_THREADS": "3"}) as notebook:
        assert not notebook.is_warm()
        assert notebook.run("import os; print(os.environ['OMP_NUM_THREADS'])") == "3"


@pytest.mark.usefixtures("light_kernels")
@pytest.mark.parametrize("options", [{"independent": True}, {"stdout": subprocess.PIPE}, {"umask": 0o077}])
def test_what_only_a_process_of_its_own_can_have_makes_a_cold_kernel(options: dict[str, Any]) -> None:
    with kernel(**options) as notebook:
        assert not notebook.is_warm()


@pytest.mark.usefixtures("light_kernels")
def test_a_gpu_makes_cold_kernels_unless_it_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness, "_GPUS", ("null",))
    with kernel() as notebook:
        assert notebook.is_warm(), "CUDA_VISIBLE_DEVICES is empty"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with kernel() as notebook:
        assert not notebook.is_warm()


@pytest.mark.usefixtures("light_kernels")
def test_a_module_path_that_depends_on_the_folder_makes_a_cold_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside.py").touch()
    monkeypatch.setenv("PYTHONPATH", ".")
    with kernel(cwd=str(tmp_path)) as notebook:
        assert not notebook.is_warm()
        notebook.run("import beside")


@pytest.mark.usefixtures("light_kernels")
def test_a_folder_that_is_missing_is_reported_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), kernel(cwd=str(tmp_path / "missing")):
        pass


def test_other_systems_have_cold_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    reason = fitness.why_cold([sys.executable, "-m", "ipykernel_launcher"], {})
    assert reason is not None
    assert "Linux" in reason


@pytest.mark.usefixtures("light_kernels")
def test_the_reason_for_a_cold_kernel_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    manager = KernelManager()
    manager.log.setLevel("INFO")
    manager.log.propagate = True
    with kernel(manager, env={**os.environ, "MKL_NUM_THREADS": "3"}):
        pass
    assert "starts cold: MKL_NUM_THREADS" in caplog.text


def kill_nursery() -> None:
    nursery = shared.nursery()
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGKILL)
    until(nursery.has_ended, "the nursery's end")


@pytest.mark.usefixtures("light_kernels")
def test_a_kernel_outlives_the_nursery_and_later_ones_are_warm_again() -> None:
    with kernel() as survivor:
        kill_nursery()
        with kernel() as next_one:
            assert not next_one.is_warm()
        with kernel() as later:
            assert later.is_warm()
        assert survivor.run("print(6 * 7)") == "42"


@pytest.mark.usefixtures("light_kernels")
def test_a_kernel_whose_nursery_died_still_ends_when_told() -> None:
    with kernel() as notebook:
        pid = notebook.pid()
        kill_nursery()
        notebook.manager.shutdown_kernel()
        until_gone(pid)


@pytest.mark.usefixtures("light_kernels")
def test_a_package_changed_on_disk_gives_one_cold_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "sitecustomize.py"  # imported by every interpreter that finds it
    module.write_text("version = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with kernel() as old:
        assert old.is_warm()
        module.write_text("version = 'two'\n")
        time.sleep(0.6)  # a look at the files holds for half a second
        with kernel() as cold:
            assert not cold.is_warm()
        with kernel() as new:
            assert new.is_warm()
            assert new.run("import sitecustomize; print(sitecustomize.version)") == "two"
        assert old.run("import sitecustomize; print(sitecustomize.version)") == "1", "it is as it was"


# --- nothing outlives its owner ---------------------------------------------------------------------------------------

OWNER = """\
import os, signal, sys, time
from functools import partial
from tlcourse.kernels import nursery, shared
shared.Nursery = partial(nursery.Nursery, ["ipykernel.kernelapp"])
from kernels_kit import kernel
with kernel() as notebook:
    child = notebook.run("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)")
    notebook.begin("print('go')\\nwhile True: pass")
    if sys.argv[1] == "without nursery":
        os.kill(shared.nursery().pid, signal.SIGKILL)
    print(shared.nursery().pid, notebook.manager.provisioner.pid, child, notebook.manager.ip, flush=True)
    time.sleep(600)
"""


@pytest.mark.usefixtures("warm_kernels")
@pytest.mark.parametrize("company", ["with nursery", "without nursery"])
def test_no_kernel_outlives_an_owner_that_was_killed(company: str) -> None:
    owner, told = an_owner(OWNER, company)
    *pids, address = told
    nursery, pid, child = map(int, pids)
    assert is_running(pid)
    assert is_running(child)
    owner.kill()
    owner.communicate()
    until_gone(nursery, pid, child)
    folder = Path(address).parent
    if company == "with nursery":
        assert not folder.exists(), "the sockets' folder"
    else:
        shutil.rmtree(folder)  # nobody was left to do it


# --- other programs ---------------------------------------------------------------------------------------------------

JUPYTER_EXECUTE = "from nbclient.cli import main; main()"
WARM_CELL = "import sys; print('warm' if 'fastai.vision.all' in sys.modules else 'cold')"


def notebook_of(*sources: str) -> str:
    from nbformat import v4

    cells = [v4.new_code_cell(source) for source in sources]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(v4.new_notebook(cells=cells, metadata={"kernelspec": spec}))


@pytest.mark.usefixtures("warm_kernels")
def test_jupyter_execute_uses_warm_kernels(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    path = tmp_path / "lesson.ipynb"
    path.write_text(notebook_of(WARM_CELL))
    subprocess.run([sys.executable, "-c", JUPYTER_EXECUTE, "--inplace", str(path)], check=True, timeout=120)
    assert json.loads(path.read_text())["cells"][0]["outputs"][0]["text"] == ["warm\n"]


@pytest.mark.usefixtures("light_kernels")
def test_one_notebook_can_be_executed_many_times_in_one_process() -> None:
    nbclient = pytest.importorskip("nbclient")
    import nbformat

    pids = []
    for _ in range(3):
        lesson = nbformat.reads(notebook_of("import os; print(os.getpid(), os.getppid())"), as_version=4)
        nbclient.NotebookClient(lesson).execute()
        pids.append(lesson.cells[0].outputs[0]["text"].split())
    assert len({own for own, _ in pids}) == 3
    assert {parent for _, parent in pids} == {str(shared.nursery().pid)}


@pytest.mark.usefixtures("warm_kernels")
def test_plain_nbgrader_uses_warm_kernels(tmp_path: Path) -> None:
    pytest.importorskip("nbgrader")
    from nbgrader.api import Gradebook

    lesson = json.loads(notebook_of("import sys\nassert 'fastai.vision.all' in sys.modules"))
    test = {"grade": True, "points": 2, "solution": False, "locked": True, "task": False, "cell_type": "code"}
    lesson["cells"][0]["metadata"] = {"nbgrader": {"schema_version": 3, "grade_id": "warm", **test}}
    for folder in ("source/ps1", "submitted/ada/ps1"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "lesson.ipynb").write_text(json.dumps(lesson))
    for command in (["generate_assignment", "ps1", "--create"], ["autograde", "ps1", "--create"]):
        nbgrader(tmp_path, *command)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        assert book.find_submission("ps1", "ada").score == 2


def nbgrader(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *words, f"--CourseDirectory.root={folder}"]
    # nbgrader runs alembic by name.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(command, cwd=folder, env=env, timeout=120, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
