"""The nursery: what a forked child is like, how its end is told, and that nothing outlives its owner."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernels_kit import LINUX_ONLY, MakeNursery, an_owner, ask, asleep, is_running, until, until_gone

from tlcourse.kernels.nursery import UNSEEN, Nursery, NurseryError, PackagesChanged

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=LINUX_ONLY)


# --- what a child is like ---------------------------------------------------------------------------------------------


def test_a_child_finds_the_modules_imported(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.5)\nimported_by = __import__('os').getpid()\n")
    (tmp_path / "user.py").write_text(
        "import json, os, slow\ndef run(a, fds): os.write(fds[0], b'%d' % slow.imported_by)"
    )
    nursery = make_nursery(["slow"], [str(tmp_path)])
    reading, writing = os.pipe()
    assert nursery.spawn("user:run", {}, [writing]).wait(30) == 0
    assert int(os.read(reading, 100)) == nursery.pid


def test_a_child_gets_its_arguments_whole(nursery: Nursery) -> None:
    assert ask(nursery, "kernels_kit:count", text="x" * 3_000_000) == 3_000_000


def test_a_child_gets_its_descriptors_in_order(nursery: Nursery) -> None:
    pipes = [os.pipe() for _ in range(5)]
    child = nursery.spawn("kernels_kit:write_each", {}, [writing for _, writing in reversed(pipes)])
    assert child.wait(30) == 0
    assert [os.read(reading, 10) for reading, _ in reversed(pipes)] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.fixture
def surroundings(nursery: Nursery, tmp_path: Path) -> dict[str, Any]:
    return ask(nursery, "kernels_kit:describe", cwd=str(tmp_path), env={"ONLY": "this"})


def test_a_child_has_no_descriptor_but_the_given(surroundings: dict[str, Any]) -> None:
    assert surroundings["descriptors"] == [0, 1, 2, *surroundings["given"]]


def test_a_child_leads_a_session_of_its_own(surroundings: dict[str, Any]) -> None:
    assert surroundings["leads"]


def test_a_child_handles_signals_like_a_new_interpreter(surroundings: dict[str, Any]) -> None:
    assert surroundings["interruptible"]
    assert surroundings["terminable"]


def test_a_child_collects_garbage(surroundings: dict[str, Any]) -> None:
    assert surroundings["collects"]


def test_a_child_stands_where_it_is_told(surroundings: dict[str, Any], tmp_path: Path) -> None:
    assert surroundings["folder"] == str(tmp_path)


def test_a_child_has_the_environment_it_is_given(surroundings: dict[str, Any]) -> None:
    assert surroundings["environment"] == {"ONLY": "this"}


def test_a_child_imports_nothing_from_where_it_stands(surroundings: dict[str, Any]) -> None:
    assert "" not in surroundings["path"]
    assert surroundings["folder"] not in surroundings["path"]


def test_a_child_keeps_what_the_imports_set_in_the_environment(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "setter.py").write_text("import os\nos.environ['SET_BY_IMPORT'] = '1'\n")
    nursery = make_nursery(["setter"], [str(tmp_path)])
    assert ask(nursery, "kernels_kit:describe", env={"ONLY": "this"})["environment"] == {
        "ONLY": "this",
        "SET_BY_IMPORT": "1",
    }


def test_two_children_draw_different_numbers(make_nursery: MakeNursery) -> None:
    nursery = make_nursery(["numpy", "torch"])
    first, second = ask(nursery, "kernels_kit:draw"), ask(nursery, "kernels_kit:draw")
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_the_nursery_sees_no_gpu(make_nursery: MakeNursery) -> None:
    found = ask(make_nursery(CUDA_VISIBLE_DEVICES="0"), "kernels_kit:describe")["environment"]
    assert found["CUDA_VISIBLE_DEVICES"] == ""


def test_a_module_that_cannot_be_imported_is_left_out(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError('not today')")
    nursery = make_nursery(["no_such_module", "broken", "json"], [str(tmp_path)])
    nursery.wait_ready(30)
    assert nursery.left_out == {
        "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
        "broken": "ValueError: not today",
    }


def test_a_package_may_be_imported_with_all_its_modules(make_nursery: MakeNursery, tmp_path: Path) -> None:
    package = tmp_path / "whole"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "part.py").write_text("import os\nos.environ['PART'] = 'imported'\n")
    assert ask(make_nursery(["whole.*"], [str(tmp_path)]), "kernels_kit:describe")["environment"]["PART"] == "imported"


# --- how its end is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "status"), [("exit", 4), ("os._exit", 3), ("segfault", -signal.SIGSEGV)])
def test_the_exit_status_is_told_as_subprocess_would(nursery: Nursery, how: str, status: int) -> None:
    child = nursery.spawn("kernels_kit:end", {"how": how})
    assert child.wait(30) == status
    assert child.poll() == status


def test_an_error_ends_a_child_with_1_and_a_traceback(nursery: Nursery) -> None:
    reading, writing = os.pipe()
    assert nursery.spawn("kernels_kit:end", {"how": "error"}, [writing]).wait(30) == 1
    assert b"ValueError: what the entry says" in os.read(reading, 100_000)


def test_a_running_child_has_no_status(nursery: Nursery) -> None:
    child = asleep(nursery)
    assert child.poll() is None
    assert child.wait(0.05) is None


def test_a_child_can_be_killed(nursery: Nursery) -> None:
    child = asleep(nursery)
    child.kill()
    assert child.wait(30) == -signal.SIGKILL
    child.kill()  # once more, as with subprocess, does nothing


def test_a_child_can_be_sent_a_signal(nursery: Nursery) -> None:
    child = asleep(nursery)
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == -signal.SIGTERM


def test_many_threads_may_ask_at_once(nursery: Nursery) -> None:
    statuses: list[int | None] = []

    def work() -> None:
        for _ in range(5):
            statuses.append(nursery.spawn("kernels_kit:end", {"how": "os._exit"}).wait(30))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [3] * 20


def test_descriptors_that_are_not_open_are_refused(nursery: Nursery) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        nursery.spawn("kernels_kit:nothing", {}, [999])
    assert nursery.spawn("kernels_kit:nothing", {}).wait(30) == 0


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_a_nursery_that_was_not_started_says_so() -> None:
    with pytest.raises(NurseryError, match="not running"):
        Nursery(()).is_ready()


def test_a_closed_nursery_forks_no_more(nursery: Nursery) -> None:
    nursery.close()
    with pytest.raises(NurseryError, match="not running"):
        nursery.spawn("kernels_kit:nothing", {})


def test_other_systems_are_told_that_it_needs_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NurseryError, match="Linux"):
        Nursery(()).start()


@pytest.mark.parametrize("change", ["a longer text\n", None])
def test_a_changed_package_is_not_forked(make_nursery: MakeNursery, tmp_path: Path, change: str | None) -> None:
    module = tmp_path / "edited.py"
    module.write_text("text\n" and "a = 1\n")
    nursery = make_nursery(["edited"], [str(tmp_path)])
    assert nursery.spawn("kernels_kit:nothing", {}).wait(30) == 0
    module.write_text(change) if change else module.unlink()
    time.sleep(0.6)  # a look at the files holds for half a second
    with pytest.raises(PackagesChanged, match=r"edited\.py has changed"):
        nursery.spawn("kernels_kit:nothing", {})


def test_a_nursery_with_a_thread_does_not_fork(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "threaded.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()"
    )
    with pytest.raises(NurseryError, match="threads"):
        make_nursery(["threaded"], [str(tmp_path)]).spawn("kernels_kit:nothing", {})


def test_waiting_for_the_imports_has_an_end(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(600)\n")
    nursery = make_nursery(["endless"], [str(tmp_path)])
    with pytest.raises(NurseryError, match=r"after 0\.1 s"):
        nursery.wait_ready(0.1)
    assert not nursery.is_ready()


class Interrupted(Exception):
    """What Control-C is to a program that waits for a fork."""


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Raise `Interrupted` in the main thread in 0.2 s."""

    def raise_it(signum: int, frame: Any) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, raise_it)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("interrupt")
def test_a_request_that_was_interrupted_leaves_no_child(make_nursery: MakeNursery, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1)\n")
    nursery = make_nursery(["slow"], [str(tmp_path)])
    with pytest.raises(Interrupted):
        nursery.spawn("kernels_kit:leave_a_file", {"path": str(tmp_path / "left"), "after": 1})
    child = nursery.spawn("kernels_kit:leave_a_file", {"path": str(tmp_path / "wanted"), "after": 1.5})
    assert child.wait(30) == 0
    assert (tmp_path / "wanted").exists()
    assert not (tmp_path / "left").exists()


# --- who outlives whom ------------------------------------------------------------------------------------------------


def test_closing_ends_the_children(nursery: Nursery) -> None:
    child = asleep(nursery)
    nursery.close()
    until_gone(child.pid)
    assert nursery.has_ended()


def test_a_retired_nursery_ends_after_its_last_child(nursery: Nursery) -> None:
    child = asleep(nursery)
    nursery.retire()
    assert child.wait(0.3) is None
    assert not nursery.has_ended()
    child.kill()
    until(nursery.has_ended, "the end of the retired nursery")


def test_a_child_outlives_its_nursery(nursery: Nursery) -> None:
    child = asleep(nursery)
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGKILL)
    until(nursery.has_ended, "the nursery's end")
    assert child.wait(0.2) is None
    child.kill()
    assert child.wait(30) == UNSEEN


def test_a_killed_nursery_says_that_it_has_ended(nursery: Nursery) -> None:
    assert nursery.pid is not None
    os.kill(nursery.pid, signal.SIGKILL)
    until(nursery.has_ended, "the nursery's end")
    with pytest.raises(NurseryError, match="not running"):
        nursery.spawn("kernels_kit:nothing", {})


OWNER = """\
import os, sys, time
from tlcourse.kernels.nursery import Nursery
nursery = Nursery(["json"])
nursery.start()
child = nursery.spawn("kernels_kit:sleep", {})
helper = os.fork() if sys.argv[1] == "with a helper" else None
if helper == 0:
    time.sleep(600)
print(nursery.pid, child.pid, helper or child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("company", ["alone", "with a helper"])
def test_nothing_outlives_an_owner_that_was_killed(company: str) -> None:
    """A helper that the owner forked holds a copy of the socket, which then does not close."""
    owner, told = an_owner(OWNER, company)
    nursery, child, helper = map(int, told)
    assert is_running(child)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until_gone(nursery, child)
    if helper != child:
        os.kill(helper, signal.SIGKILL)
