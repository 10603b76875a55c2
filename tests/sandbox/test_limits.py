"""Each limit ends the sandbox with its own verdict, or refuses what would pass it."""

# What runs inside says what it does in the plainest calls.
# ruff: noqa: PTH123, PTH202, SIM105

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sandbox_kit import Opener

from tlcourse.sandbox import Limits

MB = 2**20


def limit(verdict: str, name: str) -> dict[str, Any]:
    return {"event": "limit", "verdict": verdict, "limit": name}


def test_one_process_that_wants_too_much_memory_gets_a_memory_error_and_lives(sandbox: Opener) -> None:
    def body():
        held = []
        try:
            while True:
                held.append(bytearray(10**7))
        except MemoryError:
            return len(held)

    ran = sandbox(body, limits=Limits(memory=200 * MB))
    assert 15 < ran.value < 22
    assert ran.end == {"event": "exit", "status": 0}


def forks_that_each_hold(megabytes, processes):
    import os
    import time

    for _ in range(processes):
        if os.fork() == 0:
            held = bytearray(os.urandom(2**20) * megabytes)
            time.sleep(30)
            os._exit(len(held) % 2)
    time.sleep(30)


def several_threads_after_the_first_has_ended(megabytes, processes):
    import ctypes
    import os
    import threading
    import time

    def hold():
        held = bytearray(b"x" * (megabytes << 20))
        time.sleep(30)
        os._exit(len(held) % 2)

    for _ in range(processes):
        if os.fork() == 0:
            threading.Thread(target=hold).start()
            ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
    time.sleep(30)


def page_tables_alone(megabytes, processes):
    import ctypes
    import os
    import time

    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    length = (megabytes * processes) << 29
    start = libc.mmap(None, length, 1, 0x22 | 0x4000, -1, 0)
    for page in range(start, start + length, 2 << 20):
        ctypes.string_at(page, 1)
    time.sleep(30)
    os._exit(0)


@pytest.mark.parametrize("bomb", [forks_that_each_hold, several_threads_after_the_first_has_ended, page_tables_alone])
def test_memory_of_all_processes_together_is_limited(sandbox: Opener, bomb: Any) -> None:
    assert sandbox(bomb, 60, 8, limits=Limits(memory=200 * MB)).end == limit("memory", "memory")


def test_forks_that_share_memory_are_not_counted_twice(sandbox: Opener) -> None:
    def body():
        import os
        import time

        held = os.urandom(80 << 20)
        children = []
        while 0 not in children and len(children) < 5:
            children.append(os.fork())
        time.sleep(1)
        if 0 in children:
            os._exit(0)
        for child in children:
            os.waitpid(child, 0)
        return len(held)

    ran = sandbox(body, limits=Limits(memory=200 * MB))
    assert ran.end == {"event": "exit", "status": 0}


@pytest.mark.parametrize("how", ["mmap.mmap(-1, 4096)", "os.memfd_create('x')", "shared_memory()", "open('/dev/zero')"])
def test_memory_that_no_process_shows_cannot_be_had(sandbox: Opener, how: str) -> None:
    def body(how):
        import ctypes
        import mmap
        import os

        def shared_memory():
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.shmget(0, 4096, 0o1666) < 0:
                raise OSError(ctypes.get_errno(), "shmget")

        try:
            eval(how, {"mmap": mmap, "os": os, "shared_memory": shared_memory})
        except OSError:
            return "refused"

    assert sandbox(body, how).value == "refused"


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "."])
def test_the_disk_is_one_and_it_fills_up(sandbox: Opener, place: str) -> None:
    def body(place):
        import errno

        try:
            for number in range(100):
                with open(f"{place}/{number}", "wb") as file:
                    file.write(bytes(1 << 20))
        except OSError as error:
            return [number, error.errno == errno.ENOSPC]

    count, full = sandbox(body, place, limits=Limits(disk=10 * MB)).value
    assert full
    assert 8 <= count <= 10


def test_a_file_has_a_largest_size(sandbox: Opener) -> None:
    def body():
        import errno
        import os

        with open("big", "wb") as file:
            try:
                for _ in range(10):
                    file.write(bytes(1 << 20))
                    file.flush()
            except OSError as error:
                return [os.path.getsize("big"), error.errno == errno.EFBIG]

    assert sandbox(body, limits=Limits(file_size=3 * MB)).value == [3 * MB, True]


def test_a_fork_bomb_is_ended(sandbox: Opener) -> None:
    def body():
        import os

        while True:
            try:
                os.fork()
            except OSError:
                pass

    assert sandbox(body, limits=Limits(processes=20)).end == limit("processes", "processes")


def test_threads_count_as_processes(sandbox: Opener) -> None:
    def body():
        import threading
        import time

        for _ in range(30):
            try:
                threading.Thread(target=time.sleep, args=(30,)).start()
            except RuntimeError:
                time.sleep(30)

    assert sandbox(body, limits=Limits(processes=20)).end == limit("processes", "processes")


def test_processor_time_is_limited(sandbox: Opener) -> None:
    def body():
        while True:
            pass

    assert sandbox(body, limits=Limits(cpu_seconds=0.3)).end == limit("time", "cpu_seconds")


def test_processor_time_of_children_nobody_waits_for_counts(sandbox: Opener) -> None:
    def body():
        import os
        import signal
        import time

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            if os.fork() == 0:
                end = time.process_time() + 0.2
                while time.process_time() < end:
                    pass
                os._exit(0)
            time.sleep(0.25)

    ran = sandbox(body, limits=Limits(cpu_seconds=0.6, wall_seconds=30))
    assert ran.end == limit("time", "cpu_seconds")


def test_wall_time_is_limited_whatever_is_ignored(sandbox: Opener) -> None:
    def body():
        import signal
        import time

        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(60)

    ran = sandbox(body, limits=Limits(wall_seconds=0.5))
    assert ran.end == limit("time", "wall_seconds")
    assert ran.status != 0


def test_a_socket_keeps_its_buffers_size(sandbox: Opener) -> None:
    def body():
        import socket

        one, _ = socket.socketpair()
        before = one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, before * 8)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == before

    assert sandbox(body).value is True


def test_sockets_cannot_hold_memory_without_end(sandbox: Opener) -> None:
    def body():
        import os
        import socket
        import time

        held = []
        for _ in range(4):
            os.fork()
        for _ in range(300):
            one, two = socket.socketpair()
            one.setblocking(False)
            held += [one, two]
        time.sleep(30)

    assert sandbox(body).end == limit("memory", "memory")


def test_pipes_can_be_held_only_so_many(sandbox: Opener) -> None:
    def body():
        import os

        held = []
        try:
            while True:
                held += os.pipe()
        except OSError:
            return len(held)

    assert sandbox(body).value <= 1024


def control_groups() -> list[Path]:
    return [path for path in Path("/sys/fs/cgroup").rglob("tlcourse-sandbox-*") if path.is_dir()]


def groups_of(owner: Any) -> list[Path]:
    """The control groups of a sandbox that has just been opened; without any, the test is skipped."""
    assert "ready" in owner.stdout.readline()
    started = {str(pid) for pid in descendants(owner.pid)}
    found = [group for group in control_groups() if started & set((group / "cgroup.procs").read_text().split())]
    if not found:
        owner.kill()
        pytest.skip("this machine lets this user make no control group")
    return found


def wait_a_minute():
    import time

    time.sleep(60)


def test_the_control_group_goes_with_the_sandbox(as_myself: Opener) -> None:
    with as_myself.start(wait_a_minute) as owner:
        mine = groups_of(owner)
        os.kill(max(descendants(owner.pid)), signal.SIGKILL)
        assert owner.stdout
        owner.stdout.read()
    assert not [group for group in mine if group.exists()]


def test_a_control_group_of_another_container_stays(as_myself: Opener) -> None:
    def body():
        return 1

    with as_myself.start(wait_a_minute) as owner:
        # The number in its name is that of a process there, whatever has that number here.
        others = [group.with_name("tlcourse-sandbox-1-4194305") for group in groups_of(owner)]
        for other in others:
            other.mkdir()
        assert as_myself(body).value == 1
        kept = [other.exists() for other in others]
        for other in others:
            other.rmdir()
        owner.kill()
    assert all(kept)


def test_what_outlives_the_body_ends_with_it(sandbox: Opener) -> None:
    def body():
        import os
        import signal
        import time

        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setsid()
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            if os.fork() == 0:
                os.write(writing, b"x")
                time.sleep(60)
            os._exit(0)
        return os.read(reading, 1).decode()

    before = time.monotonic()
    ran = sandbox(body)
    assert ran.value == "x"
    assert ran.end == {"event": "exit", "status": 0}
    assert time.monotonic() - before < 30


def test_nothing_is_left_when_the_owner_is_killed(sandbox: Opener) -> None:
    def body():
        import os
        import time

        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
        time.sleep(60)

    with sandbox.start(body) as owner:
        assert owner.stdout and "ready" in owner.stdout.readline()
        started = descendants(owner.pid)
        owner.kill()
    assert len(started) >= 4
    wait_for_end_of(started)


def test_nothing_is_left_when_the_one_who_waits_is_killed(sandbox: Opener) -> None:
    def body():
        import time

        time.sleep(60)

    with sandbox.start(body) as owner:
        assert owner.stdout and "ready" in owner.stdout.readline()
        started = descendants(owner.pid)
        os.kill(started[0], signal.SIGKILL)
        wait_for_end_of(started[1:])
        owner.kill()


def descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [one for child in children for one in [child, *descendants(child)]]


def wait_for_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while left := [pid for pid in pids if Path(f"/proc/{pid}/exe").is_symlink() and alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
