"""Why a sandbox cannot be had, and what to do about it."""

from __future__ import annotations

import errno
import platform
from pathlib import Path

from tlcourse.errors import CourseError

ARCHITECTURES = ("x86_64", "aarch64")
KERNEL = (5, 14)
"""The first kernel that counts a user's processes for each user namespace and restricts mounts recursively."""

_TRUST = "or grade with --trust, which runs submissions with your own rights"


class SandboxError(CourseError):
    """A sandbox that this machine does not give, or a plan that it cannot carry out."""


def refuse_unfit_machine() -> None:
    """Raise where no attempt is needed to know that there can be no sandbox.

    Raises:
        SandboxError: not Linux, too old a kernel, or an architecture whose system calls are not known here.
    """
    if platform.system() != "Linux":
        raise SandboxError(
            f"A sandbox needs Linux; this is {platform.system()}.",
            f"Use a Linux machine, WSL 2 or a container, {_TRUST}.",
        )
    if "microsoft" in platform.release().lower() and _kernel() < (4, 19):
        raise SandboxError("WSL 1 has no namespaces.", f"Change to WSL 2 (wsl --set-version DISTRO 2), {_TRUST}.")
    if _kernel() < KERNEL:
        raise SandboxError(
            f"A sandbox needs Linux {'.'.join(map(str, KERNEL))} or newer; this is {platform.release()}.",
            f"Update the system, {_TRUST}.",
        )
    if platform.machine() not in ARCHITECTURES:
        raise SandboxError(
            f"The sandbox's system-call filter knows {' and '.join(ARCHITECTURES)}, not {platform.machine()}.",
            f"Use another machine, {_TRUST}.",
        )


def _kernel() -> tuple[int, int]:
    numbers = platform.release().replace("-", ".").split(".")
    return int(numbers[0]), int(numbers[1])


def explain(error: BaseException) -> SandboxError:
    """What the failure of a step of building the sandbox means here."""
    if isinstance(error, SandboxError):
        return error
    steps = ", ".join(getattr(error, "__notes__", []))
    said = f"{error}{f' ({steps})' if steps else ''}"
    refused = "unshare" in said or "uid_map" in said
    if (refused or isinstance(error, PermissionError)) and (switch := _switch_that_is_off()):
        name, cure = switch
        return SandboxError(
            f"This machine refuses user namespaces: {name} ({said}).",
            f"Ask an administrator to run `sudo sysctl {cure}`, {_TRUST}.",
        )
    if refused:
        return _no_namespaces(error, said)
    if "mount proc" in said:
        return SandboxError(
            f"The sandbox may not mount its own /proc: {said}.",
            f"In a container start it with --security-opt systempaths=unconfined (podman: unmask=ALL), {_TRUST}.",
        )
    return SandboxError(f"The sandbox cannot be built: {said}.", f"Run `tlcourse doctor`, {_TRUST}.")


def _no_namespaces(error: BaseException, said: str) -> SandboxError:
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EUSERS):
        return SandboxError(
            f"This machine has no user namespace left: {said}.",
            f"Ask an administrator to run `sudo sysctl user.max_user_namespaces=15000`, {_TRUST}.",
        )
    cure = (
        "In a container start it with --security-opt seccomp=unconfined; elsewhere allow unprivileged user namespaces"
    )
    return SandboxError(f"This machine refuses user namespaces: {said}.", f"{cure}, {_TRUST}.")


def _switch_that_is_off() -> tuple[str, str] | None:
    """The first known setting of the kernel that forbids user namespaces here, as `name is value`, and its cure."""
    for name, off, cure in _SWITCHES:
        if _setting(name) == off:
            return f"{name.replace('/', '.')} is {off}", cure
    return None


_SWITCHES = (
    ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
    ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
)


def _setting(name: str) -> str | None:
    try:
        return Path(f"/proc/sys/{name}").read_text().strip()
    except OSError:
        return None
