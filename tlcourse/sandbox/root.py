"""The small file system that the sandbox sees: the system and Python read-only, a home and a /tmp of its own.

It is built in two steps, since whoever opens the sandbox may read folders that the user inside may not enter:
`Sources.take` copies the mounts while the process is still the user outside, `build` puts them together afterwards.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tlcourse.sandbox import linux, places
from tlcourse.sandbox.plan import Plan
from tlcourse.sandbox.reasons import SandboxError

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/sys/devices/system/cpu")
"""Programs, libraries and what the processors are; nothing of a person's."""

CONFIGURATION = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""No /dev/zero: a shared mapping of it is memory that no limit counts."""

PYTHON_FOLDERS = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")
"""What Python needs of a prefix. A prefix may be somebody's project folder, with more in it."""

_OWN_FILES = {
    "/etc/passwd": f"{places.USER}:x:{places.UID}:{places.UID}::{places.HOME}:/bin/sh\n",
    "/etc/group": f"{places.USER}:x:{places.UID}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n",
    "/etc/hostname": "sandbox\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/resolv.conf": "",
}
_LINKS = {
    "/dev/fd": "/proc/self/fd",
    "/dev/stdin": "/proc/self/fd/0",
    "/dev/stdout": "/proc/self/fd/1",
    "/dev/stderr": "/proc/self/fd/2",
    "/dev/ptmx": "pts/ptmx",
    "/etc/mtab": "/proc/self/mounts",
    "/var/tmp": "/tmp",
}
_ALL_PROCESSES = "/run/processes"
_CACHE_SOURCE = "/run/cache"
_DISK = "/run/disk"
_KERNEL_SETTINGS = {
    # A nested user namespace would give its maker all rights in it.
    "user/max_user_namespaces": "0",
    # These count for who opened the sandbox, too.
    "user/max_inotify_instances": "32",
    "user/max_inotify_watches": "4096",
    # The bytes that a connection to oneself may hold, so that a few hundred cannot fill the machine.
    "net/ipv4/tcp_rmem": "4096 65536 131072",
    "net/ipv4/tcp_wmem": "4096 65536 131072",
}
_FRESH = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
_SAFE = linux.ATTR_RDONLY | linux.ATTR_NOSUID
_INODES = 50_000
"""Files on the writable disk, so that empty files cannot fill the kernel's memory."""


@dataclass(frozen=True)
class Sources:
    """What will be seen in the sandbox, held open.

    Args:
        mounts: place inside -> mount copied from the host.
        links: place inside -> target of a symbolic link of the host's root.
        cache, sockets: the mounts of those folders.
        work: (path relative to the working folder, mode, descriptor or None for a folder, or a link's target).
    """

    mounts: dict[str, int]
    links: dict[str, str]
    work: list[tuple[str, int, int | str | None]]
    cache: int | None
    sockets: int | None

    @classmethod
    def take(cls, plan: Plan) -> Sources:
        """Copy the mounts and open the files that `plan` names, as the user who opens the sandbox."""
        wanted = outermost([*python_paths(), *_named(plan)])
        links = {path: str(Path(path).readlink()) for path in SYSTEM if Path(path).is_symlink()}
        shown = [path for path in SYSTEM if path not in links and Path(path).exists()]
        shown += [path for path in wanted if not any(_lies_in(path, link) for link in links)]
        mounts = {path: _copied(path, linux.ATTR_NODEV) for path in outermost(shown)}
        mounts |= {path: _copied(path, linux.ATTR_NODEV) for path in CONFIGURATION if Path(path).exists()}
        mounts |= {path: _copied(path, linux.ATTR_NOEXEC) for path in DEVICES}
        cache = _copied(plan.cache, linux.ATTR_NODEV) if plan.cache else None
        sockets = _copied(plan.sockets, linux.ATTR_NODEV, linux.ATTR_NOSUID) if plan.sockets else None
        return cls(mounts, links, _opened(plan.work) if plan.work else [], cache, sockets)


def _copied(path: str, extra: int, safe: int = _SAFE) -> int:
    tree = linux.copy_mount(path)
    linux.restrict_mount(tree, safe | extra)
    return tree


def _named(plan: Plan) -> list[str]:
    missing = [path for path in plan.readable if not (path.startswith("/") and Path(path).exists())]
    if missing:
        raise SandboxError(
            f"The sandbox was to show {missing[0]}, which is not there.", "Name absolute paths that exist."
        )
    return list(plan.readable)


def outermost(paths: Iterable[str]) -> list[str]:
    """`paths` without those that lie in another of them, parents first."""
    kept: list[str] = []
    for path in sorted({os.path.normpath(path) for path in paths}, key=lambda path: path.split("/")):
        if not (kept and _lies_in(path, kept[-1])):
            kept.append(path)
    return kept


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def python_paths() -> list[str]:
    """What this Python needs of the host: its prefixes, its library folders, and packages imported from elsewhere."""
    prefixes = {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    found = [f"{prefix}/{name}" for prefix in prefixes for name in PYTHON_FOLDERS]
    found += [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    known = tuple(f"{path}/" for path in found)
    folders = [entry for entry in sys.path if entry.startswith("/") and Path(entry).is_dir()]
    elsewhere = [entry for entry in folders if not f"{entry}/".startswith(known)]
    found += [path for entry in elsewhere for path in _imported_from(entry)]
    found.append(str(Path(__file__).parents[1]))
    return [path for path in outermost(found) if Path(path).exists()]


def _imported_from(entry: str) -> list[str]:
    """The packages and modules in the folder `entry` that are imported: never the folder, which may be a checkout.

    Asks for each name in the folder, not for each imported module: to touch all of those costs a fork more time than
    everything else here together.
    """
    main = sys.modules["__main__"]
    return [
        path.path
        for path in os.scandir(entry)
        if (module := sys.modules.get(path.name.partition(".")[0]))
        and module is not main
        and _is_home(module, path.path)
    ]


def _is_home(module: ModuleType, path: str) -> bool:
    names = vars(module)
    return path in (names.get("__path__") or [names.get("__file__")])


def _opened(work: str) -> list[tuple[str, int, int | str | None]]:
    """Everything under `work`, in the order in which it can be made; no link is followed."""
    entries: list[tuple[str, int, int | str | None]] = []
    for folder, folders, files, handle in os.fwalk(work, follow_symlinks=False):
        here = os.path.relpath(folder, work)
        for name in sorted([*folders, *files]):
            entry = _open_entry(name, handle)
            if entry is not None:
                entries.append((os.path.normpath(f"{here}/{name}"), *entry))
    return entries


def _open_entry(name: str, folder: int) -> tuple[int, int | str | None] | None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        return 0o755, None
    if stat.S_ISLNK(mode):
        return 0o777, os.readlink(name, dir_fd=folder)
    if stat.S_ISREG(mode):
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        return 0o755 if mode & 0o100 else 0o644, handle
    return None


def build(plan: Plan, sources: Sources) -> int:
    """Put the root together, move into it, and return a descriptor of a /proc in which no process is hidden.

    Called as the user inside, with every capability, by the first process of the new namespaces.
    """
    _enter_empty_root()
    processes = _mount_processes()
    _make_disk(plan.limits.disk)
    _make_system(sources)
    _hide(plan.hidden)
    if sources.sockets is not None:
        _place(sources.sockets, places.SOCKETS)
    if sources.cache is not None:
        _show_cache(sources.cache, Path(_DISK, "cache"))
    _copy_work(sources.work)
    linux.unmount(_DISK)
    linux.mount("", "/", linux.MS_REMOUNT | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)
    return processes


def _enter_empty_root() -> None:
    """From here on every path is one inside, so that no link can lead out."""
    linux.mount("", "/", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/tmp", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=8m,nr_inodes=20k")
    os.chdir("/tmp")
    # The kernel gives a fresh /proc only to those who still see a whole one: before the old root goes.
    Path(_ALL_PROCESSES[1:]).mkdir(parents=True)
    linux.mount("proc", _ALL_PROCESSES[1:], _FRESH)
    linux.pivot_root_here()


def _mount_processes() -> int:
    """Mount /proc for the user inside, who sees only its own processes; return one that shows all."""
    handle = os.open(_ALL_PROCESSES, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    Path("/proc").mkdir()
    linux.mount("proc", "/proc", _FRESH, "hidepid=2")
    for name, value in _KERNEL_SETTINGS.items():
        Path("/proc/sys", name).write_text(value)
    linux.mount("", "/proc", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _FRESH)
    linux.unmount(_ALL_PROCESSES)
    return handle


def _make_disk(size: int) -> None:
    """One file system in memory for everything that can be written, so that one size bounds it."""
    disk = Path(_DISK)
    disk.mkdir()
    linux.mount("tmpfs", _DISK, linux.MS_NOSUID | linux.MS_NODEV, f"mode=755,size={size},nr_inodes={_INODES}")
    for path, mode in (("/tmp", 0o1777), ("/dev/shm", 0o1777), (places.HOME, 0o755)):
        part = disk / path.replace("/", "_")
        part.mkdir()
        part.chmod(mode)
        _place(_copied(str(part), linux.ATTR_NODEV, linux.ATTR_NOSUID), path)
    Path(places.WORK).mkdir()


def _make_system(sources: Sources) -> None:
    for path, target in sources.links.items():
        Path(path).symlink_to(target)
    for path, tree in sorted(sources.mounts.items()):
        _place(tree, path)
    Path("/dev/pts").mkdir()
    linux.mount("devpts", "/dev/pts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=600,max=32")
    for path, text in _OWN_FILES.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    for path, target in _LINKS.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if not Path(path).exists():
            Path(path).symlink_to(target)


def _hide(paths: Iterable[str]) -> None:
    """Lay something empty over what the user inside is not to read."""
    folder, file = Path("/run/nothing/folder"), Path("/run/nothing/file")
    folder.mkdir(parents=True)
    file.touch()
    for path in map(Path, paths):
        if path.exists():
            _lay_over(folder if path.is_dir() else file, path)


def _lay_over(empty: Path, path: Path) -> None:
    with linux.step(f"hiding {path}"):
        tree = _copied(str(empty), linux.ATTR_NODEV)
        linux.place_mount(tree, str(path))
        os.close(tree)


def _place(tree: int, path: str) -> None:
    with linux.step(f"showing {path}"):
        target = Path(path)
        if stat.S_ISDIR(os.fstat(tree).st_mode):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        linux.place_mount(tree, path)
        os.close(tree)


def _show_cache(source: int, layer: Path) -> None:
    """The host's cache with a private layer above it: a new file has a place, an old one cannot change."""
    _place(source, _CACHE_SOURCE)
    above, scratch = layer / "above", layer / "scratch"
    scratch.mkdir(parents=True)
    # Folders of the host belong to nobody here. One of the same name above them is the user's.
    for folder, _, _ in os.walk(_CACHE_SOURCE):
        (above / os.path.relpath(folder, _CACHE_SOURCE)).mkdir(parents=True, exist_ok=True)
    Path(places.CACHE).mkdir(parents=True)
    options = f"lowerdir={_CACHE_SOURCE},upperdir={above},workdir={scratch},userxattr"
    with linux.step("laying a private layer over the cache"):
        linux.mount("overlay", places.CACHE, linux.MS_NOSUID | linux.MS_NODEV, options)


def _copy_work(entries: list[tuple[str, int, int | str | None]]) -> None:
    with linux.step("copying the working folder"):
        for name, mode, content in entries:
            path = Path(places.WORK, name)
            if content is None:
                path.mkdir()
            elif isinstance(content, str):
                path.symlink_to(content)
            else:
                with path.open("wb") as target, os.fdopen(content, "rb") as source:
                    shutil.copyfileobj(source, target)
                path.chmod(mode)
