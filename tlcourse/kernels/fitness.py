"""Whether a kernel that Jupyter asks for can be a warm fork. Imports nothing heavy and asks no GPU anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Read when the interpreter starts or a library is imported: a fork has the nursery's value, whatever it is told.
_EARLY_PREFIXES = (
    "ATEN_", "BLIS_", "CUDA_", "FASTAI_", "GLIBC_", "GOMP_", "HF_", "KMP_", "LC_", "LD_", "MALLOC_", "MKL_", "MPL",
    "NUMEXPR_", "OMP_", "OPENBLAS_", "PYTHON", "PYTORCH_", "TORCH", "XDG_",
)  # fmt: skip
_EARLY_NAMES = ("HOME", "LANG", "TZ")

# What a GPU shows in /dev: NVIDIA, NVIDIA under WSL, AMD.
_GPUS = ("nvidiactl", "dxg", "kfd")

# What `launch_kernel` may be told without going cold; the rest are rarer options of subprocess.Popen.
_UNDERSTOOD = frozenset({"env", "cwd", "stdin", "stdout", "stderr", "independent", "kernel_id", "extra_arguments"})


def why_cold(argv: Sequence[str], env: Mapping[str, str]) -> str | None:
    """Why the kernel `argv` cannot be warm on this machine; None if it can.

    Args:
        argv: its command line; placeholders and arguments after the module do not matter.
        env: the environment that it is to have.
    """
    if sys.platform != "linux":
        return "a fork of a process with libraries loaded is safe on Linux only"
    if not _runs_ipykernel(argv, env):
        return f"{' '.join(argv[:3])} is not this interpreter with ipykernel"
    if any(not place.startswith("/") for place in (env.get("PYTHONPATH") or "/").split(":")):
        return "PYTHONPATH names a folder by where the kernel stands"
    if not _gpu_is_hidden(env) and any((Path("/dev") / name).exists() for name in _GPUS):
        return "this machine has a GPU, and a fork cannot use it"
    return None


def why_unlike(env: Mapping[str, str], nursery_env: Mapping[str, str]) -> str | None:
    """Which variable the nursery's imports saw with another value than the kernel is to have; None if none."""
    for name in sorted(env.keys() | nursery_env.keys()):
        early = name in _EARLY_NAMES or name.startswith(_EARLY_PREFIXES)
        if early and env.get(name) != nursery_env.get(name):
            return f"{name} is not what it was when the libraries were imported"
    return None


def why_not_so(options: Mapping[str, Any]) -> str | None:
    """Which option of `launch_kernel` only a process of its own can honour; None if none."""
    if strange := set(options) - _UNDERSTOOD:
        return f"it is to be started with {', '.join(sorted(strange))}"
    if options.get("independent"):
        return "it is to outlive its owner"
    if options.get("stdin") not in (None, subprocess.DEVNULL):
        return "something is to be written to its standard input"
    if not Path(options.get("cwd") or "/").is_dir():
        return "its folder does not exist"
    if any(options.get(name) in (subprocess.PIPE, subprocess.STDOUT) for name in ("stdout", "stderr")):
        return "its output is to go through a pipe"
    return None


def _runs_ipykernel(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    if not argv:
        return False
    options = [arg for arg in argv[1:] if arg != "-Xfrozen_modules=off"]  # matters to those who debug the library
    named = shutil.which(argv[0], path=env.get("PATH"))
    return options[:1] == ["-m"] and options[1:2] in (["ipykernel_launcher"], ["ipykernel"]) and _is_this(named)


def _is_this(interpreter: str | None) -> bool:
    """The file alone does not tell: the interpreters of two environments are links to one file."""
    if interpreter is None:
        return False
    theirs, ours = Path(interpreter), Path(sys.executable)
    return theirs.resolve() == ours.resolve() and theirs.parent.resolve() == ours.parent.resolve()


def _gpu_is_hidden(env: Mapping[str, str]) -> bool:
    return env.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1")
