"""One training in several processes: fastai over Hugging Face accelerate, on cards or on the processor.

    torchrun --nproc-per-node 2 -m tlcourse.transfer.multi_process

shows it working: two processes train one network, and each prints the fingerprint of its weights.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import torch
from fastai.learner import Learner
from torch import nn

from tlcourse.extras import require


@contextmanager
def distributed(learner: Learner) -> Iterator[Learner]:
    """Inside this context the Learner trains together with those of the other processes that were started with it.

    Each process takes its share of every batch, and gradients are averaged (Li et al. 2020, "PyTorch Distributed:
    Experiences on Accelerating Data Parallel Training"). In a single process nothing changes. At the end all have equal
    weights and statistics.

    fastai's own `distrib_ctx` moves the order of the batches over CUDA alone; on the processor this does it over gloo.

    Args:
        learner: the same in every process: same data, same seed.

    Raises:
        CourseError: accelerate is not installed.
    """
    if processes() < 2:
        yield learner
        return
    require("accelerate", "distributed")
    import fastai.distributed as fastai_distributed

    on_card = torch.cuda.is_available()
    order = patch.object(fastai_distributed.DistributedDL, "_broadcast", _broadcast)
    # Batch norm over all processes exists for cards alone; on the processor each has its share's statistics.
    with nullcontext() if on_card else order, learner.distrib_ctx(sync_bn=on_card, cpu=not on_card):
        yield learner
    _share_buffers(learner.model)


def processes() -> int:
    """How many processes `torchrun` or `accelerate launch` has started; 1 without."""
    return int(os.environ.get("WORLD_SIZE", 1))


def fingerprint(model: nn.Module) -> str:
    """Twelve hexadecimal digits that change with any bit of any weight or statistic."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:12]


def _broadcast(_: object, values: list[int], rank: int) -> list[int]:
    shared = torch.tensor(values)
    torch.distributed.broadcast(shared, rank)
    return shared.tolist()


def _share_buffers(model: nn.Module) -> None:
    """Everybody takes the first process's running statistics; the weights are equal already."""
    for buffer in model.buffers():
        torch.distributed.broadcast(buffer.data, 0)


def demonstrate(per_class: int = 8, epochs: int = 2) -> str:
    """Train GlyphNet on a few glyphs with whoever was started with this process; gives what to print."""
    from tlcourse.models import vision_learner
    from tlcourse.worlds import glyphs

    torch.manual_seed(0)
    train, valid = glyphs("digits", per_class, size=32, seed=1), glyphs("digits", 10, size=32, seed=2)
    learner = vision_learner(train.dataloaders(valid, batch_size=20), "glyphnet", head="linear")
    with learner.no_bar(), learner.no_logging(), distributed(learner):
        learner.fit(epochs, 3e-3)
    rank = os.environ.get("RANK", "0")
    loss = float(learner.recorder.values[-1][1])
    return f"process {rank} of {processes()}: weights {fingerprint(learner.model)}, validation loss {loss:.3f}"


if __name__ == "__main__":
    print(demonstrate(), flush=True)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
