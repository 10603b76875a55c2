"""A kernel that ends while a question is on its way to it: the learner's code did that, not the grader."""

from __future__ import annotations

import sys
import time

import pytest

from tlcourse.grading.kernel import Allowance, Kernel, KernelEnded
from tlcourse.grading.verdicts import Verdict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops a process as Linux does")

# Nobody reads the question in a process that has been stopped: when it is killed, the line breaks off.
STOP_THEN_KILL = """\
import os, subprocess
me = os.getpid()
subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -STOP {me}; sleep 1; kill -KILL {me}"])
"""


@pytest.mark.parametrize("wait", [1.0, 2.5], ids=["while-it-is-on-its-way", "before-it-is-sent"])
def test_a_question_to_a_kernel_that_ends_has_a_verdict(wait: float) -> None:
    with Kernel(Allowance(trust=True, cell_seconds=20.0), {}) as kernel:
        kernel.run(STOP_THEN_KILL)
        time.sleep(wait)
        with pytest.raises(KernelEnded) as ended:
            kernel.ask("files", "abc", known={})
    assert ended.value.verdict is Verdict.CRASHED
