"""Where a training stands, so that one that was cut off goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tlcourse import storage


def save(
    path: Path, recipe: dict[str, Any], model: nn.Module, optimiser: torch.optim.Optimizer, done: int, seconds: float
) -> None:
    """Keep a training's state, whole or not at all.

    Args:
        path: the file.
        recipe: all that the training depends on, as plain data: only an equal one goes on from here.
        model, optimiser: as they are now.
        done: how many of its parts are done.
        seconds: spent on them.
    """
    state = {
        "recipe": recipe,
        "done": done,
        "seconds": seconds,
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    with storage.atomic_file(path) as file:
        torch.save(state, file)


def resume(
    path: Path | None, recipe: dict[str, Any], model: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[int, float]:
    """Load what `save` kept of an equal recipe; returns how many parts are done and the seconds spent on them."""
    if path is None or not path.exists():
        return 0, 0.0
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # a checkpoint is only a short cut: a damaged one means starting again
        return 0, 0.0
    if not isinstance(state, dict) or state.get("recipe") != recipe or "done" not in state:
        return 0, 0.0
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["done"], state["seconds"]
