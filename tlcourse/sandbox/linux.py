"""The system calls of Linux that Python lacks, each as one typed function that raises OSError.

Constants are the kernel's, from <linux/sched.h>, <linux/mount.h>, <linux/prctl.h> and <linux/securebits.h>.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
NEW_NAMESPACES = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

ATTR_RDONLY = 0x1
ATTR_NOSUID = 0x2
ATTR_NODEV = 0x4
ATTR_NOEXEC = 0x8

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SECCOMP_MODE_FILTER = 2

NO_SETUID_FIXUP = 1 << 2
# No root, no fix-up by set-uid, no keeping and no ambient capabilities; each locked for good.
SECUREBITS_LOCKED = 0b11101111

# These have one number on every architecture.
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_CLOSE_RANGE = 436
_MOUNT_SETATTR = 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_AT_RECURSIVE = 0x8000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    return library


_libc = _library()


def _call(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _system_call(what: str, number: int, *arguments: int | bytes | ctypes.Array | ctypes.Structure) -> int:
    # libc's syscall() is variadic: every integer must go in as a whole register.
    wide = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _call(what, _libc.syscall(ctypes.c_long(number), *wide))


def unshare(flags: int) -> None:
    """Leave the namespaces named by CLONE_NEW* `flags` for fresh ones."""
    _call("unshare", _libc.unshare(ctypes.c_int(flags)))


def prctl(option: int, *arguments: int) -> None:
    """prctl(2) with up to four integers."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    _call(f"prctl {option}", _libc.prctl(ctypes.c_int(option), *(ctypes.c_ulong(value) for value in padded)))


def raise_loopback() -> None:
    """Switch on the loopback of a fresh network namespace, its only interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def mount(kind: str, target: str, flags: int, options: str = "") -> None:
    """Mount a fresh file system of type `kind`, or change the flags of the mount at `target`."""
    name = kind.encode() or None
    _call(
        f"mount {kind or 'flags'} at {target}",
        _libc.mount(name, os.fsencode(target), name, ctypes.c_ulong(flags), options.encode() or None),
    )


def unmount(target: str) -> None:
    """Take the mount at `target` away; what is open in it stays open."""
    _call(f"unmount {target}", _libc.umount2(os.fsencode(target), MNT_DETACH))


def copy_mount(path: str) -> int:
    """A descriptor of what is mounted at `path` and below, not yet seen anywhere (a bind mount to be)."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _system_call(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")]


def restrict_mount(tree: int, attributes: int) -> None:
    """Set ATTR_* flags on a mount from `copy_mount` and on all mounts below it."""
    wanted = _MountAttributes(set=attributes)
    _system_call(
        "mount_setattr",
        _MOUNT_SETATTR,
        tree,
        b"",
        _AT_EMPTY_PATH | _AT_RECURSIVE,
        ctypes.cast(ctypes.byref(wanted), ctypes.c_void_p),  # type: ignore[arg-type]
        ctypes.sizeof(wanted),
    )


def place_mount(tree: int, target: str) -> None:
    """Make a mount from `copy_mount` seen at `target`."""
    _system_call(
        f"move_mount to {target}", _MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH
    )


def pivot_root_here() -> None:
    """Make the mount in which this process stands the root, and let the old root go."""
    number = _PIVOT_ROOT[os.uname().machine]
    _system_call("pivot_root", number, b".", b".")
    unmount(".")
    os.chdir("/")


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def drop_capabilities() -> None:
    """Give up every capability, now and for whatever this process becomes."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(_last_capability() + 1):
        prctl(PR_CAPBSET_DROP, capability)
    prctl(PR_SET_SECUREBITS, SECUREBITS_LOCKED)
    header = _CapabilityHeader(version=0x20080522, pid=0)
    none = (ctypes.c_uint32 * 6)()
    _call("capset", _libc.capset(ctypes.byref(header), ctypes.byref(none)))


def _last_capability() -> int:
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


class _SockFilter(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _SockProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.c_void_p)]


def filter_system_calls(instructions: list[tuple[int, int, int, int]]) -> None:
    """Load a classic BPF program (code, jump if true, jump if false, value) as seccomp filter, for good."""
    array = (_SockFilter * len(instructions))(*(_SockFilter(*one) for one in instructions))
    program = _SockProgram(len(instructions), ctypes.cast(array, ctypes.c_void_p))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program))


def close_range(first: int, last: int = 0x7FFFFFFF) -> None:
    """Close the descriptors from `first` to `last`, whatever limit they were opened under."""
    _system_call("close_range", _CLOSE_RANGE, first, last, 0)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say in an OSError from within which step of building the sandbox it happened."""
    try:
        yield
    except OSError as error:
        error.add_note(name)
        raise


def wipe(start: int, end: int) -> None:
    """Write zeros over this process's own memory from `start` to `end`."""
    ctypes.memset(start, 0, end - start)


def clear_environment() -> None:
    """Empty C's environment without touching Python's."""
    _call("clearenv", _libc.clearenv())
