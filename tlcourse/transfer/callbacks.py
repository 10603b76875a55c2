"""fastai callbacks: a body whose batch norm sleeps, and the number format and layout that the machine likes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.callback.core import Callback, TrainEvalCallback
from fastai.callback.fp16 import MixedPrecision
from fastai.learner import Learner
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.models.device import fast_dtype

Precision = Literal["auto", "bf16", "fp16", "fp32"]
_DTYPES = {torch.bfloat16: "bf16", torch.float16: "fp16", torch.float32: "fp32"}


class BatchNormAsleep(Callback):
    """Batch norm of the body (`model[0]`) computes with the source's statistics and leaves them alone.

    Its weights and biases train as the others do, if the Learner lets them. fastai's `freeze()` does the opposite: it
    leaves batch norm's weights free and its statistics moving. Dropout stays as it is.
    """

    run_after = TrainEvalCallback

    def before_train(self) -> None:
        """fastai has just put the whole model in training mode."""
        for module in self.model[0].modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


class ProcessorPrecision(Callback):
    """bfloat16 on a processor, where fastai's own `MixedPrecision` does nothing: it speaks to CUDA alone."""

    order = 10

    def before_fit(self) -> None:
        """Nothing is open yet."""
        self.context: AbstractContextManager = nullcontext()

    def before_batch(self) -> None:
        """From here to the loss."""
        self.context = torch.autocast("cpu", dtype=torch.bfloat16)
        self.context.__enter__()

    def after_pred(self) -> None:
        """The loss is computed in float32."""
        self.learn.pred = self.pred.float()
        self._close()

    def after_cancel_batch(self) -> None:
        """A batch that ends early must not leave the whole process in bfloat16."""
        self._close()

    def after_cancel_fit(self) -> None:
        """As for a batch."""
        self._close()

    def _close(self) -> None:
        self.context.__exit__(None, None, None)
        self.context = nullcontext()


def speed_up(learner: Learner, precision: Precision = "auto", *, channels_last: bool = True) -> Learner:
    """Train in the number format and layout in which this machine convolves fastest.

    Args:
        learner: changed in place.
        precision: "auto" for bfloat16 on a card or processor that computes in it, float16 on an older card, else
            float32; or one of the three. float16 scales the loss (Micikevicius et al. 2018, "Mixed
            Precision Training").
        channels_last: keep an image's channels side by side, as tensor cores and the processor's kernels want them.

    Returns:
        The same Learner.

    Raises:
        CourseError: a format that this machine cannot train in.
    """
    device = torch.device(learner.dls.device)
    chosen = _DTYPES[fast_dtype(device)] if precision == "auto" else precision
    callbacks: list[Any] = [] if device.type == "mps" or not channels_last else [ChannelsLast()]
    if chosen != "fp32":
        callbacks.append(_mixed(chosen, device.type))
    learner.add_cbs([callback for callback in callbacks if not _has(learner, callback)])
    return learner


def _mixed(precision: str, device: str) -> Callback:
    if precision not in _DTYPES.values():
        raise CourseError(f"There is no precision {precision!r}.", 'Give "auto", "bf16", "fp16" or "fp32".')
    if device == "cuda":
        return MixedPrecision(precision)
    if device == "cpu" and precision == "bf16":
        return ProcessorPrecision()
    raise CourseError(f"This course does not train in {precision} on {device}.", 'Leave precision at "auto".')


def _has(learner: Learner, callback: Callback) -> bool:
    return any(type(own) is type(callback) for own in learner.cbs)
