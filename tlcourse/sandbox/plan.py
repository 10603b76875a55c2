"""What a sandbox may use and see, as plain data that travels as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MB = 2**20
GB = 2**30


@dataclass(frozen=True)
class Limits:
    """How much the sandbox may use; all of its processes together, unless it says otherwise.

    Args:
        memory: bytes that may be added to what the process was forked with. One process that asks for more gets a
            MemoryError; several that use more together end the sandbox.
        processes: how many processes and threads may live at one time.
        file_size: bytes of one file. A longer write fails.
        disk: bytes of all files in the home, /tmp and /dev/shm, held in memory beside `memory`. A fuller disk refuses.
        cpu_seconds: processor time.
        wall_seconds: time on the clock, counted from the start of the body.
    """

    memory: int = 2 * GB
    processes: int = 128
    file_size: int = 256 * MB
    disk: int = 512 * MB
    cpu_seconds: float = 600.0
    wall_seconds: float = 600.0


@dataclass(frozen=True)
class Plan:
    """One sandbox.

    Args:
        limits: what it may use.
        readable: absolute host paths, seen read-only at the same place, beside the system's and Python's own.
        hidden: absolute paths of files and folders that are seen empty, where they would be seen at all.
        work: host folder whose content is copied into the working folder; symbolic links stay links.
        cache: host folder of the course's cache, seen read-only in `CACHE`; what is written there is private.
        sockets: host folder seen at `SOCKETS` until the sandbox is sealed. Where root opens the sandbox it is given to
            the user inside: keep it in a folder that only its owner may enter.
        env: the environment, beside a small default.
    """

    limits: Limits = field(default_factory=Limits)
    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    work: str | None = None
    cache: str | None = None
    sockets: str | None = None
    env: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """The inverse of `as_json`."""
        lists = {name: tuple(data[name]) for name in ("readable", "hidden")}
        return cls(**{**data, "limits": Limits(**data["limits"]), **lists})
