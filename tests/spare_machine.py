"""A machine of a test's own: this one's programs, in namespaces with an empty disk for all that a server would write.

Whoever is root here is root there too: accounts are made, ports opened and servers started as on any machine, and
nothing of it reaches the machine that runs the tests. It has no network but its own loopback.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "class-server"
STAND_INS = Path("/usr/local/sbin")
"""On that machine: programs here are found before all others, by sudo as well."""

_NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")
_EMPTY = ("/home", "/opt", "/srv", "/run", "/var/lib", "/var/log", "/usr/local/share", str(STAND_INS))
_SET_UP = """\
set -e
ip link set lo up
hostname {name}
mount -t tmpfs -o mode=755 spare /mnt
{stash}
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
echo "127.0.0.1 localhost {name}" > /etc/hosts
for folder in {empty}; do mount -t tmpfs -o mode=755 spare "$folder"; done
{restore}
echo ready
# Whoever loses its parent becomes this process's child, and is forgotten when it ends.
exec env --ignore-signal=CHLD sleep infinity
"""


class Machine:
    """A running spare machine.

    Args:
        root: the process there with which it begins and ends.
    """

    def __init__(self, root: int) -> None:
        self._enter = ["nsenter", f"--target={root}", *_NAMESPACES, "--wd=/"]
        self.network = ["nsenter", f"--target={root}", "--net"]
        """Put before a command of this machine: it runs here, in that machine's network."""

    def run(self, script: str, *, patience: float = 300) -> str:
        """Give commands to root's shell, as if typed; the first that fails ends them. Returns what they printed."""
        done = subprocess.run(
            [*self._enter, "bash", "-e"],
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=patience,
            env=_ENVIRONMENT,
        )
        assert done.returncode == 0, (
            f"{script}\n--- exit status {done.returncode}, and this was printed:\n{done.stdout}"
        )
        return done.stdout

    def start(self, command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start what stays in the foreground, for instance a server."""
        with log.open("wb") as file:
            return subprocess.Popen(
                [*self._enter, "bash", "-ec", command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=_ENVIRONMENT,
            )

    def write(self, file: str, text: str, mode: int = 0o644) -> None:
        """Write a file there, and make its folder."""
        name = shlex.quote(file)
        self.run(
            f"mkdir -p $(dirname {name})\ncat > {name} <<'END OF FILE'\n{text}\nEND OF FILE\nchmod {mode:o} {name}"
        )


# As after a login: nothing of the environment in which the tests run.
_ENVIRONMENT = {"PATH": f"{STAND_INS}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


@contextmanager
def spare_machine(*keep: Path) -> Iterator[Machine]:
    """Start one; at the end of the block nothing of it is left. Where it cannot be had the test is skipped.

    Args:
        keep: folders that it shall have as they are, and that everybody there can reach.
    """
    if os.geteuid() != 0:
        pytest.skip("a spare machine needs root, whose namespaces it makes")
    script = _set_up([*keep, Path(sys.prefix), Path(sys.base_prefix)])
    # The errors go to a file: nobody reads a pipe for them.
    with tempfile.TemporaryFile("w+") as errors:
        # Each ends with whoever started it: a test run that is killed leaves nothing.
        begin = ["setpriv", "--pdeathsig=KILL", "unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
        command = [*begin, "--propagation=private", "sh", "-c", script]
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert first.stdout is not None
            if first.stdout.readline() != "ready\n":
                errors.seek(0)
                pytest.skip(f"no spare machine can be had here: {errors.read().strip()}")
            children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text()
            yield Machine(int(children.split()[0]))
        finally:
            first.kill()
            first.wait()


def _set_up(keep: list[Path]) -> str:
    """How the machine becomes one of its own: what a server writes to is empty, but for what shall be kept."""
    closed = {next((up for up in reversed(path.parents) if not up.stat().st_mode & 0o001), None) for path in keep}
    empty = [folder for folder in (*_EMPTY, *map(str, closed - {None})) if Path(folder).is_dir()]
    stash, restore = [], []
    for number, path in enumerate(keep):
        stash.append(f"mkdir /mnt/{number} && mount --rbind {shlex.quote(str(path))} /mnt/{number}")
        if any(path.is_relative_to(folder) for folder in empty):
            place = shlex.quote(str(path))
            restore.append(f"mkdir -p {place} && mount --rbind /mnt/{number} {place}")
    return _SET_UP.format(name=NAME, stash="\n".join(stash), empty=" ".join(empty), restore="\n".join(restore))
