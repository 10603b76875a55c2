"""What a lesson computes on, in four lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """The machine that a lesson runs on; shows itself as a short list."""

    device: str
    precision: str
    cores: int
    memory: str
    torch: str

    def __repr__(self) -> str:
        return (
            f"computes on   {self.device}, in {self.precision}\n"
            f"processor     {self.cores} cores\n"
            f"memory        {self.memory}\n"
            f"PyTorch       {self.torch}"
        )


def machine() -> Machine:
    """Look at this machine: device, precision, cores, memory, PyTorch. `tlcourse doctor` says more."""
    import torch

    from tlcourse import doctor
    from tlcourse.models.device import best_device, fast_dtype

    device = best_device()
    name = {"cuda": lambda: torch.cuda.get_device_name(device), "mps": lambda: "an Apple GPU"}.get(
        device.type, lambda: "the processor (no GPU is needed)"
    )()
    return Machine(
        device=name,
        precision=str(fast_dtype(device)).removeprefix("torch."),
        cores=doctor.cores(),
        memory=doctor.memory().detail,
        torch=torch.__version__,
    )
