"""What a body can and cannot do in a sandbox."""

# What runs inside says what it does in the plainest calls.
# ruff: noqa: PTH105, PTH109, PTH110, PTH116, PTH123, PTH207, PTH208, SIM105, SIM115

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from sandbox_kit import CHECKOUT, SOMEBODY, Opener

from tlcourse.sandbox import CACHE, HOME, SOCKETS, WORK


def test_the_body_runs_and_its_status_comes_out(sandbox: Opener) -> None:
    def body():
        import os

        return [os.getuid(), os.getgid(), os.getcwd(), os.getpid() != 1]

    ran = sandbox(body)
    assert ran.value == [1000, 1000, WORK, True]
    assert ran.status == 0
    assert ran.events == [{"event": "ready"}, {"event": "exit", "status": 0}]


@pytest.mark.parametrize(
    ("ending", "told", "status"), [("os._exit(7)", 7, 7), ("os.kill(2, 9)", -9, 137), ("1 / 0", 1, 1)]
)
def test_every_end_is_told(sandbox: Opener, ending: str, told: int, status: int) -> None:
    def body(ending):
        import os

        exec(ending, {"os": os})

    ran = sandbox(body, ending)
    assert ran.end == {"event": "exit", "status": told}
    assert ran.status == status


def test_no_network_by_name_by_address_or_by_abstract_name(sandbox: Opener) -> None:
    def body(port, name):
        import socket

        said = []
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", port)),
            (socket.AF_INET, ("10.0.0.1", 80)),
            (socket.AF_INET6, ("::1", port)),
            (socket.AF_UNIX, "\0" + name),
            (socket.AF_NETLINK, (0, 0)),
            (40, (1, 2)),  # AF_VSOCK: to the host of a virtual machine
        ):
            try:
                socket.socket(family, socket.SOCK_STREAM).connect(address)
                said.append(f"{family} reached {address}")
            except OSError:
                pass
        try:
            socket.create_connection(("localhost", port))
            said.append("reached localhost")
        except OSError:
            pass
        try:
            socket.getaddrinfo("example.org", 80)
            said.append("resolved a name")
        except OSError:
            pass
        return said

    name = f"tlcourse-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + name)
        abstract.listen()
        assert sandbox(body, server.getsockname()[1], name).value == []


def test_a_body_can_talk_to_itself_and_only_in_the_usual_protocols(sandbox: Opener) -> None:
    def body():
        import socket

        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            server.accept()[0].sendall(b"ok")
            heard = client.recv(2).decode()
        opened = []
        for family, kind, protocol in (
            (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
            (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
            (socket.AF_INET, socket.SOCK_SEQPACKET, 0),
            (socket.AF_INET, socket.SOCK_STREAM, 132),  # SCTP
            (socket.AF_INET6, socket.SOCK_STREAM, 262),  # MPTCP
            (socket.AF_NETLINK, socket.SOCK_RAW, 12),  # netfilter
            (socket.AF_PACKET, socket.SOCK_RAW, 0),
            (38, socket.SOCK_SEQPACKET, 0),  # AF_ALG
        ):
            try:
                socket.socket(family, kind, protocol)
                opened.append([family, kind, protocol])
            except OSError:
                pass
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return [heard, opened]

    assert sandbox(body).value == ["ok", []]


def test_files_of_the_host_are_not_there(sandbox: Opener, tmp_path: Path) -> None:
    def body(paths):
        import os

        return [path for path in paths if os.path.lexists(path)]

    secret = tmp_path / "secret"
    secret.write_text("seed")
    beside = sandbox.folder / "secret"
    beside.write_text("seed")
    hidden = [secret, beside, CHECKOUT / "solutions", CHECKOUT / "tests", CHECKOUT / ".git", Path.home() / ".ssh"]
    hidden += [Path(path) for path in ("/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/var/lib", "/var/log", "/boot")]
    hidden += [Path(path) for path in ("/run/docker.sock", "/run/user", "/proc/1", "/sys/fs", "/dev/kmsg", "/dev/tty")]
    assert sandbox(body, [str(path) for path in hidden]).value == []


def test_only_the_package_of_a_checkout_is_seen(sandbox: Opener) -> None:
    def body(folder):
        import os

        return [os.listdir(folder), sorted(os.listdir(folder + "/tlcourse"))[0]]

    (sandbox.folder / "solutions").mkdir(exist_ok=True)
    assert sandbox(body, str(sandbox.folder)).value == [["tlcourse"], "__init__.py"]


def test_readable_paths_are_seen_and_cannot_be_written(sandbox: Opener, tmp_path: Path) -> None:
    def body(path):
        try:
            open(path, "a")
        except OSError as error:
            return [open(path).read(), error.strerror]

    shown = tmp_path / "shown" / "here"
    shown.mkdir(parents=True)
    (shown / "text").write_text("for all")
    (shown / "text").chmod(0o666)
    ran = sandbox(body, str(shown / "text"), readable=(str(shown),))
    assert ran.value == ["for all", "Read-only file system"]


def test_a_readable_path_that_is_missing_is_named(sandbox: Opener) -> None:
    def body():
        return None

    ran = sandbox(body, readable=("/no/such/place",))
    assert ran.end["event"] == "error"
    assert "/no/such/place" in ran.end["fault"]


def test_nothing_can_be_written_but_home_tmp_and_shm(sandbox: Opener) -> None:
    def body():
        import os
        import sys

        written = []
        places = ["/", "/usr", "/usr/lib", "/etc", "/dev", "/proc", "/var", "/home", "/run", sys.prefix + "/lib"]
        for place in [*places, "/tmp", "/dev/shm", os.environ["HOME"], ".", "/proc/self"]:
            try:
                with open(place + "/new", "w"):
                    written.append(place)
            except OSError:
                pass
        return written

    assert sandbox(body).value == ["/tmp", "/dev/shm", HOME, "."]


def test_tmp_starts_empty_and_vanishes(sandbox: Opener) -> None:
    def body():
        import os
        import tempfile

        found = [os.listdir("/tmp"), os.listdir("/dev/shm")]
        with tempfile.NamedTemporaryFile(prefix="tlcourse-left-behind", delete=False) as file:
            return [*found, file.name]

    for _ in range(2):
        tmp, shm, left = sandbox(body).value
        # Where this Python or the tests' own copy of the package lies under /tmp, it is shown there.
        known = {*sandbox.folder.parts, *Path(sys.prefix).parts, *Path(sys.base_prefix).parts}
        assert (set(tmp) - known, shm) == (set(), [])
        assert not Path(left).exists()


def test_the_environment_is_not_inherited(sandbox: Opener) -> None:
    def body():
        import glob
        import os
        import subprocess

        secrets = [name for name, value in os.environ.items() if "hunter2" in name + value]
        for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
            secrets += [path for text in [open(path, "rb").read()] if b"hunter2" in text or b"owner.py" in text]
        secrets += [line for line in subprocess.getoutput("env").splitlines() if "hunter2" in line]
        return [secrets, os.environ["HOME"], os.environ["MINE"], subprocess.getoutput("echo $MINE")]

    told = Opener(sandbox.python, sandbox.folder, sandbox.user, {"TOKEN": "hunter2"})
    assert told(body, env={"MINE": "yes"}).value == [[], HOME, "yes", "yes"]


def test_processes_of_the_host_are_not_seen(sandbox: Opener) -> None:
    def body(outside):
        import os

        seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [seen == [os.getpid()], os.path.exists(f"/proc/{outside}")]

    assert sandbox(body, os.getpid()).value == [True, False]


def test_the_working_folder_is_a_copy_and_links_are_not_followed(sandbox: Opener, tmp_path: Path) -> None:
    def body():
        import os

        with open("data/numbers.csv", "a") as file:
            file.write("3\n")
        return [
            sorted(os.listdir(".")),
            open("data/numbers.csv").read(),
            os.path.exists("out"),
            os.access("run.sh", os.X_OK),
        ]

    work, secret = tmp_path / "work", tmp_path / "secret"
    (work / "data").mkdir(parents=True)
    (work / "data" / "numbers.csv").write_text("1\n2\n")
    (work / "run.sh").touch(0o755)
    secret.mkdir()
    (secret / "seed").write_text("42")
    (work / "out").symlink_to(secret)
    (work / "seed").symlink_to(secret / "seed")
    os.mkfifo(work / "pipe")
    _give(sandbox, tmp_path)
    ran = sandbox(body, work=str(work))
    assert ran.value == [["data", "out", "run.sh", "seed"], "1\n2\n3\n", False, True]
    assert (work / "data" / "numbers.csv").read_text() == "1\n2\n"


def _give(sandbox: Opener, folder: Path) -> None:
    """Let the user who opens the sandbox own a folder."""
    if sandbox.user is not None:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, sandbox.user, sandbox.user, follow_symlinks=False)


def test_the_cache_can_be_read_and_takes_new_files_that_stay_inside(sandbox: Opener, tmp_path: Path) -> None:
    def body(cache):
        import os

        old = open(cache + "/features/old").read()
        for name in ("new", "other"):
            with open(f"{cache}/features/{name}", "w") as file:
                file.write("mine")
        os.replace(f"{cache}/features/other", f"{cache}/features/old")
        return [old, sorted(os.listdir(cache + "/features")), open(cache + "/features/old").read()]

    cache = tmp_path / "cache"
    (cache / "features").mkdir(parents=True)
    (cache / "features" / "old").write_text("theirs")
    _give(sandbox, tmp_path)
    assert sandbox(body, CACHE, cache=str(cache)).value == ["theirs", ["new", "old"], "mine"]
    assert [path.name for path in (cache / "features").iterdir()] == ["old"]
    assert (cache / "features" / "old").read_text() == "theirs"


def test_the_seal_takes_the_sockets_away_and_connections_stay(sandbox: Opener, tmp_path: Path) -> None:
    def before():
        import os
        import socket

        server = socket.socket(socket.AF_UNIX)
        server.bind("/run/sockets/kernel")
        server.listen()
        os.write(os.open("/run/sockets/bound", os.O_CREAT | os.O_WRONLY), b"x")
        return server

    def body(server, folder):
        import os

        connection, _ = server.accept()
        connection.sendall(connection.recv(5).upper())
        return [os.listdir(folder), os.access(folder, os.W_OK)]

    folder = tmp_path / "sockets"
    folder.mkdir()
    _give(sandbox, folder)
    short = Path(f"/tmp/tlcourse-sockets-{os.getpid()}")
    short.symlink_to(folder)
    try:
        with sandbox.start(body, SOCKETS, before=before, sockets=str(folder)) as owner:
            assert owner.stdout and "ready" in owner.stdout.readline()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(short / "kernel"))
                client.sendall(b"hello")
                assert client.recv(5) == b"HELLO"
            last = owner.stdout.read().splitlines()[-1]
    finally:
        short.unlink()
    assert '"value": [[], false]' in last


def test_there_are_no_rights_and_none_to_be_had(sandbox: Opener) -> None:
    def body():
        import ctypes
        import errno
        import os

        libc = ctypes.CDLL(None, use_errno=True)

        def refused(name, *arguments):
            ctypes.set_errno(0)
            result = getattr(libc, name)(*arguments)
            return result == -1 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS, errno.EACCES, errno.EINVAL)

        status = open("/proc/self/status").read()
        allowed = [line for line in status.splitlines() if line.startswith("Cap") and int(line.split()[1], 16)]
        tries = {
            "user namespace": refused("unshare", 0x10000000),
            "mount namespace": refused("unshare", 0x20000),
            "clone": refused("syscall", 56 if os.uname().machine == "x86_64" else 220, 0x10000000 | 17, 0, 0, 0, 0),
            "clone3": refused("syscall", 435, 0, 0),
            "mount": refused("mount", b"x", b"/tmp", b"tmpfs", 0, 0),
            "remount": refused("mount", None, b"/usr", None, 32 | 4096, None),
            "unmount": refused("umount2", b"/proc", 2),
            "chroot": refused("chroot", b"/tmp"),
            "ptrace the first process": refused("ptrace", 16, 1, 0, 0),
            "read its memory": refused("process_vm_readv", 1, 0, 0, 0, 0, 0),
            "setuid": refused("setresuid", 0, 0, 0),
            "bpf": refused("syscall", 321 if os.uname().machine == "x86_64" else 280, 0, 0, 0),
            "io_uring": refused("syscall", 425, 1, 0),
            "memfd": refused("memfd_create", b"x", 0),
            "keys": refused("syscall", 250 if os.uname().machine == "x86_64" else 219, 0, -3, 1, 0, 0),
            "a call of tomorrow": refused("syscall", 600, 0, 0, 0),
        }
        return [allowed, [name for name, was_refused in tries.items() if not was_refused]]

    assert sandbox(body).value == [[], []]


def test_the_first_process_cannot_be_ended_stopped_or_slowed(sandbox: Opener) -> None:
    def body():
        import os
        import resource
        import signal
        import time

        for number in sorted(signal.valid_signals()):
            try:
                os.kill(1, number)
            except OSError:
                pass
        time.sleep(0.3)
        refused = 0
        for attempt in (
            lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (0, 0)),
            lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
            lambda: os.setpriority(os.PRIO_USER, 0, 19),
            lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)),
        ):
            try:
                attempt()
            except OSError:
                refused += 1
        return refused

    ran = sandbox(body)
    assert ran.value == 4
    assert ran.end == {"event": "exit", "status": 0}


def test_root_of_the_machine_owns_nothing_inside(as_myself: Opener) -> None:
    def body():
        import os

        return [os.stat("/usr").st_uid != os.getuid(), os.access("/usr", os.W_OK)]

    assert as_myself(body).value == [True, False]


def test_usual_libraries_of_python_work(sandbox: Opener) -> None:
    def body():
        import ctypes
        import getpass
        import mmap
        import multiprocessing
        import pty
        import socket
        import subprocess
        import sys
        import tempfile
        import threading

        heard = []
        thread = threading.Thread(target=lambda: heard.append(1))
        thread.start()
        thread.join()
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)
        with tempfile.TemporaryFile() as file:
            file.truncate(4096)
            mapped = mmap.mmap(file.fileno(), 4096)
            mapped[:2] = b"ok"
        one, two = socket.socketpair()
        one.sendall(b"ok")
        pty.openpty()
        child = multiprocessing.get_context("fork").Process(target=sys.exit, args=(3,))
        child.start()
        child.join()
        python = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True, check=False)
        return [
            heard,
            callback(1),
            two.recv(2).decode(),
            child.exitcode,
            python.stdout,
            python.stderr,
            getpass.getuser(),
        ]

    assert sandbox(body).value == [[1], 2, "ok", 3, "42\n", "", "learner"]


def test_an_ordinary_user_opens_it_with_no_rights_of_root(as_somebody: Opener) -> None:
    def body():
        import os

        return [os.getuid(), os.path.exists("/etc/shadow")]

    assert as_somebody.user == SOMEBODY
    assert as_somebody(body).value == [1000, False]


def test_a_readable_path_may_be_a_link_of_the_host(sandbox: Opener, tmp_path: Path) -> None:
    def body(path):
        import os

        return len(os.listdir(path)) > 0

    (tmp_path / "system").symlink_to("/usr/share")
    _give(sandbox, tmp_path)
    assert sandbox(body, str(tmp_path / "system"), readable=(str(tmp_path / "system"),)).value is True
