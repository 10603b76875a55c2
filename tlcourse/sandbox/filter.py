"""The system-call filter: what a grading notebook never needs and an attacker does is refused.

A classic BPF program for seccomp, put together here. Refused calls fail with an error as if the user lacked the right,
so that libraries fall back; calls that this table does not know (newer than it) do not exist.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Sequence

Instruction = tuple[int, int, int, int]

# <linux/bpf_common.h>: load a word of the call's data; mask it; jump on comparison; return.
_LOAD, _AND, _IF_EQUAL, _IF_GREATER_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
# struct seccomp_data: number, architecture, address, six arguments of 64 bits (the low word first).
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}

_LAST_KNOWN = 467
"""The last number this table was made with (Linux 6.16). x86_64's second, 32-bit range lies far above it."""

# Name -> number on x86_64, on aarch64 (None: that architecture has no such call).
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Other processes' memory, files and time.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    # Mounts, roots and namespaces.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "open_tree_attr": (467, 467),
    "setns": (308, 268),
    "unshare": (272, 97),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "sysfs": (139, None),
    "ustat": (136, None),
    # Memory that no limit counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "vmsplice": (278, 75),
    "remap_file_pages": (216, 234),
    # Parts of the kernel with a history.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_setup": (206, 0),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "lookup_dcookie": (212, 18),
    "map_shadow_stack": (453, 453),
    # The machine.
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "syslog": (103, 116),
    "acct": (163, 89),
    "iopl": (172, None),
    "ioperm": (173, None),
    "vhangup": (153, 58),
    "nfsservctl": (180, 42),
}

_CLONE_NAMESPACES = 0x7E020000
_MAP_SHARED_ANONYMOUS = 0x21
_MAP_HUGETLB = 0x40000
_NETLINK, _NETLINK_ROUTE = 16, 0
_SOCKET_TYPE = 0xF
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, _NETLINK)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C


def program(machine: str | None = None) -> list[Instruction]:
    """The filter for one architecture (`os.uname().machine`), as (code, jump if true, jump if false, value)."""
    machine = machine or os.uname().machine
    column = _COLUMN[machine]
    refused = sorted(number for pair in REFUSED.values() if (number := pair[column]) is not None)
    call = {name: pair[column] for name, pair in _EXAMINED.items()}
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _AUDIT[machine]),
        _fail(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_IF_GREATER_EQUAL, 0, 1, _LAST_KNOWN + 1),
        _fail(errno.ENOSYS),
        *_refuse(call["clone3"], errno.ENOSYS),
        *_any_of(refused, errno.EPERM),
        *_when(call["clone"], _argument_has_any(0, _CLONE_NAMESPACES)),
        *_when(call["mmap"], _argument_has_all(3, _MAP_SHARED_ANONYMOUS) + _argument_has_any(3, _MAP_HUGETLB)),
        *_when(call["ioctl"], _argument_is(1, _TIOCSTI) + _argument_is(1, _TIOCLINUX)),
        # The network inside is a loopback and nothing else: kernels and distributed training talk to themselves on it.
        # ZeroMQ asks the routing table for the names of the interfaces.
        *_when(call["socket"], _argument_among(0, _FAMILIES, errno.EAFNOSUPPORT) + _usual_protocols_only()),
        *_when(call["socketpair"], _argument_is_not(0, socket.AF_UNIX, errno.EAFNOSUPPORT)),
        *_when(call["setsockopt"], _buffers_keep_their_size()),
        # On oneself only: the first process of the sandbox has the same user.
        *_when(call["prlimit64"], _unless_reading_or_own_limits()),
        # ZeroMQ sets its threads' own; the first process keeps its place.
        *_when(call["sched_setparam"], _argument_is(0, 1)),
        *_when(call["sched_setscheduler"], _argument_is(0, 1)),
        *_when(call["setpriority"], _argument_is_not(0, os.PRIO_PROCESS) + _argument_is_not(1, 0)),
        (_RETURN, 0, 0, _ALLOW),
    ]


# Calls whose arguments decide.
_EXAMINED: dict[str, tuple[int, int]] = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "mmap": (9, 222),
    "ioctl": (16, 29),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "setsockopt": (54, 208),
    "prlimit64": (302, 261),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
}


def _fail(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _load_argument(index: int, high: bool = False) -> Instruction:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index + (4 if high else 0))


def _refuse(number: int, error: int) -> list[Instruction]:
    return [(_IF_EQUAL, 0, 1, number), _fail(error)]


def _any_of(numbers: Iterable[int], error: int) -> list[Instruction]:
    return [instruction for number in numbers for instruction in _refuse(number, error)]


def _when(number: int, tests: list[Instruction]) -> list[Instruction]:
    """Run `tests` for one call, then allow what none of them refused. The call's number is loaded before and after."""
    return [(_IF_EQUAL, 0, len(tests) + 1, number), *tests, (_RETURN, 0, 0, _ALLOW)]


def _argument_is(index: int, value: int, error: int = errno.EPERM) -> list[Instruction]:
    return [_load_argument(index), (_IF_EQUAL, 0, 1, value), _fail(error)]


def _argument_is_not(index: int, value: int, error: int = errno.EPERM) -> list[Instruction]:
    return [_load_argument(index), (_IF_EQUAL, 1, 0, value), _fail(error)]


def _argument_among(index: int, values: Sequence[int], error: int) -> list[Instruction]:
    tests = [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_load_argument(index), *tests, _fail(error)]


def _usual_protocols_only() -> list[Instruction]:
    """socket(family, type, protocol): streams and datagrams; TCP and UDP alone on the internet; netlink for routes."""
    return [
        _load_argument(0),
        (_IF_EQUAL, 11, 0, socket.AF_UNIX),
        (_IF_EQUAL, 0, 2, _NETLINK),
        _load_argument(2),
        (_IF_EQUAL, 8, 7, _NETLINK_ROUTE),
        _load_argument(1),
        (_AND, 0, 0, _SOCKET_TYPE),
        (_IF_GREATER_EQUAL, 4, 0, socket.SOCK_DGRAM + 1),
        _load_argument(2),
        (_IF_EQUAL, 3, 0, 0),
        (_IF_EQUAL, 2, 0, socket.IPPROTO_TCP),
        (_IF_EQUAL, 1, 0, socket.IPPROTO_UDP),
        _fail(errno.EPROTONOSUPPORT),
    ]


def _buffers_keep_their_size() -> list[Instruction]:
    """setsockopt(socket, level, option, ...): a larger buffer is granted and not given, since no limit counts it."""
    return [
        _load_argument(1),
        (_IF_EQUAL, 0, 4, socket.SOL_SOCKET),
        _load_argument(2),
        (_IF_EQUAL, 1, 0, socket.SO_SNDBUF),
        (_IF_EQUAL, 0, 1, socket.SO_RCVBUF),
        _fail(0),
    ]


def _argument_has_any(index: int, bits: int) -> list[Instruction]:
    return [_load_argument(index), (_IF_ANY_BIT, 0, 1, bits), _fail(errno.EPERM)]


def _argument_has_all(index: int, bits: int) -> list[Instruction]:
    return [_load_argument(index), (_AND, 0, 0, bits), (_IF_EQUAL, 0, 1, bits), _fail(errno.EPERM)]


def _unless_reading_or_own_limits() -> list[Instruction]:
    """prlimit64(pid, resource, new, old): refused where pid is another's and new is not null."""
    return [
        _load_argument(0),
        (_IF_EQUAL, 5, 0, 0),
        _load_argument(2),
        (_IF_EQUAL, 0, 2, 0),
        _load_argument(2, high=True),
        (_IF_EQUAL, 1, 0, 0),
        _fail(errno.EPERM),
    ]
