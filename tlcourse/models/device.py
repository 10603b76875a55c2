"""Which processor to compute on, and how: precision and memory layout follow what the processor does fast."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from tlcourse.errors import CourseError


def best_device() -> torch.device:
    """CUDA if there is a usable one, else Apple's MPS, else the CPU; `TLCOURSE_DEVICE` overrides.

    Raises:
        CourseError: `TLCOURSE_DEVICE` names a device that this machine does not have.
    """
    if chosen := os.environ.get("TLCOURSE_DEVICE"):
        return _chosen_device(chosen)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _chosen_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise CourseError(
            f"TLCOURSE_DEVICE is {name!r}, which PyTorch cannot use on this machine.",
            "Set it to cpu, or leave it unset to take the best device there is.",
        ) from error
    return device


def fast_dtype(device: torch.device | str) -> torch.dtype:
    """The number format in which `device` convolves fastest: bfloat16, float16 or float32.

    A CPU gets bfloat16 only where it has AMX tiles; elsewhere bfloat16 is emulated and slower than float32.
    Apple's MPS stays in float32, where autocast gains little.
    """
    device = torch.device(device)
    if device.type == "cpu":
        return torch.bfloat16 if _cpu_has_amx() else torch.float32
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    return torch.float32


def autocast_context(device: torch.device | str) -> AbstractContextManager:
    """Mixed precision for inference or training on `device`, where that is faster; else nothing."""
    device, dtype = torch.device(device), fast_dtype(device)
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def memory_format(device: torch.device | str) -> torch.memory_format:
    """The layout in which `device` convolves fastest: channels last on a CPU and CUDA, else the usual one."""
    return torch.contiguous_format if torch.device(device).type == "mps" else torch.channels_last


def _cpu_has_amx() -> bool:
    # A private probe of PyTorch's: where a version lacks it, float32 is slower but right.
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(probe and probe())
