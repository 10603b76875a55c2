"""Two processes train one network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

from tlcourse.models import vision_learner
from tlcourse.transfer import distributed
from tlcourse.transfer.multi_process import fingerprint, processes
from tlcourse.worlds import glyphs


def test_two_processes_end_with_equal_weights() -> None:
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("accelerate is not installed (pip install 'tlcourse[distributed]')")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = subprocess.run(
        [*command, "-m", "tlcourse.transfer.multi_process"], capture_output=True, text=True, timeout=300, check=False
    )
    weights = dict(re.findall(r"process (\d) of 2: weights (\w+)", run.stdout))
    assert set(weights) == {"0", "1"}, run.stderr[-2000:]
    assert weights["0"] == weights["1"]


def test_alone_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    data = glyphs("digits", 2, size=24, seed=1, cache=False)
    learner = vision_learner(data.dataloaders(data, batch_size=10), "glyphnet", head="linear")
    before, callbacks = fingerprint(learner.model), len(learner.cbs)
    with distributed(learner) as same:
        assert same is learner and len(learner.cbs) == callbacks
    assert processes() == 1 and fingerprint(learner.model) == before
    learner.model[0][0][1].running_mean.add_(1e-3)
    assert fingerprint(learner.model) != before
