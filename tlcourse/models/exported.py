"""Running an exported network: onnxruntime, without PyTorch."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.errors import DataError, WeightsError
from tlcourse.extras import require

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT, LOGITS, EVIDENCE = "images", "logits", "evidence"
"""The names that an exported file gives to its input and outputs."""

FACTS = "tlcourse"
"""Under this key of the file's metadata stand its facts, as JSON."""


@dataclass(frozen=True)
class Latency:
    """How long an answer takes, in milliseconds.

    Args:
        median: half the answers are faster.
        low, high: the middle nine tenths lie between.
        repeats: how many were timed.
    """

    median: float
    low: float
    high: float
    repeats: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ms [{self.low:.2f}, {self.high:.2f}], {self.repeats} times"


class ExportedModel:
    """A network from a file of `export_onnx` or `quantise`. Several threads may ask it at once.

    Args:
        path: the file.
        threads: cores that one answer may use.

    Raises:
        CourseError: the package's extra `ship` is not installed.
        WeightsError: there is no such file, it is damaged, or it lacks the facts that `export_onnx` writes.
    """

    def __init__(self, path: str | Path, threads: int = 1) -> None:
        self.path = Path(path).expanduser()
        self._session = _session(self.path, threads)
        self.facts = parse_facts(self._session.get_modelmeta().custom_metadata_map, self.path)
        self.classes: tuple[str, ...] = tuple(self.facts["classes"])
        self.image_size = int(self.facts["image_size"])
        self.temperature = float(self.facts["temperature"])
        self._outputs = [output.name for output in self._session.get_outputs()]
        if [node.name for node in self._session.get_inputs()] != [INPUT] or LOGITS not in self._outputs:
            raise WeightsError(
                f"{self.path} does not take `{INPUT}` and give `{LOGITS}`.", "Write it with `tl.models.export_onnx`."
            )

    def __repr__(self) -> str:
        return f"{self.path.name}: {len(self.classes)} classes, pictures of {self.image_size} px"

    @property
    def explains(self) -> bool:
        """Whether the file says what each place of a picture gives to each class."""
        return EVIDENCE in self._outputs

    def logits(self, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """What the network says before softmax: float32, shape (N, C).

        Args:
            images: uint8, shape (N, 3, image_size, image_size).
            batch_size: images at a time.

        Raises:
            DataError: images of another type or shape.
        """
        starts = range(0, max(len(images), 1), batch_size)  # no image at all is refused, too
        return np.concatenate([self._run([LOGITS], images[start : start + batch_size])[0] for start in starts])

    def probabilities(self, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
        """Calibrated probabilities, softmax(logits / temperature), shape (N, C). Arguments as for `logits`."""
        z = self.logits(images, batch_size).astype(float) / self.temperature
        z = np.exp(z - z.max(1, keepdims=True))
        return z / z.sum(1, keepdims=True)

    def explain(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """One picture's logits (C,) and the evidence of each place for each class (C, h, w); None if there is none.

        Args:
            image: uint8, shape (3, image_size, image_size).
        """
        if not self.explains:
            return self._run([LOGITS], image[None])[0][0], None
        logits, evidence = self._run([LOGITS, EVIDENCE], image[None])
        return logits[0], evidence[0]

    def latency(self, image: np.ndarray, repeats: int = 100) -> Latency:
        """Time of an answer to one picture, uint8 (3, image_size, image_size), after a few that are not counted."""
        times = []
        for turn in range(repeats + 5):
            started = time.perf_counter()
            self._run([LOGITS], image[None])
            if turn >= 5:
                times.append(1000 * (time.perf_counter() - started))
        low, median, high = np.quantile(times, (0.05, 0.5, 0.95))
        return Latency(float(median), float(low), float(high), repeats)

    def _run(self, outputs: list[str], images: np.ndarray) -> list[np.ndarray]:
        side = self.image_size
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (3, side, side) or not len(images):
            raise DataError(
                f"{self.path.name} takes uint8 images of shape (N, 3, {side}, {side}), not {images.dtype} of shape "
                f"{images.shape}.",
                "Scale the pictures to that size and leave their bytes as they are.",
            )
        return self._session.run(outputs, {INPUT: np.ascontiguousarray(images)})


def _session(path: Path, threads: int) -> InferenceSession:
    runtime: Any = require("onnxruntime", "ship")
    if not path.is_file():
        raise WeightsError(f"There is no model file {path}.", "Check the path; `tl.models.export_onnx` writes one.")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors alone; they are raised as well
    # Waiting threads must not burn a core that another visitor's picture needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no public base of its errors
        raise WeightsError(f"{path} is not an ONNX file that can be run.", "Write or copy it again.") from error


def parse_facts(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """The facts from a file's metadata.

    Raises:
        WeightsError: there are none, or what a user needs is not among them.
    """
    try:
        facts = json.loads(metadata[FACTS])
        usable = len(facts["classes"]) > 1 and int(facts["image_size"]) > 0 and float(facts["temperature"]) > 0
    except (KeyError, TypeError, ValueError):
        usable = False
    if not usable:
        raise WeightsError(
            f"{path} does not say which classes it knows, the size of its pictures and its temperature.",
            "Write it with `tl.models.export_onnx`, which puts them into the file.",
        )
    return facts
