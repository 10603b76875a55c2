"""How long until a notebook's kernel answers with fastai imported: an ordinary kernel beside a warm one. Linux only.

python benchmarks/kernels.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a warm kernel is for machines without a GPU, and so is the comparison

from jupyter_client.manager import KernelManager

PROVISIONERS = {"cold": "local-provisioner", "warm": "tlcourse-warm"}
FIRST_CELL = "from fastai.vision.all import *"


def seconds(provisioner: str) -> float:
    """From the order of a kernel to the answer to its first cell."""
    manager = KernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": provisioner}
    began = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=120)
    reply = client.execute_interactive(FIRST_CELL, timeout=120, output_hook=lambda message: None)
    spent = time.perf_counter() - began
    assert reply["content"]["status"] == "ok", reply["content"]
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return spent


def main() -> None:
    """Rounds in turn, after one warm kernel that waits for the nursery's imports; the median counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (%(default)s)")
    rounds = parser.parse_args().rounds
    first = seconds(PROVISIONERS["warm"])
    times: dict[str, list[float]] = {name: [] for name in PROVISIONERS}
    for _ in range(rounds):
        for name, provisioner in PROVISIONERS.items():
            times[name].append(seconds(provisioner))
    cold, warm = (statistics.median(times[name]) for name in ("cold", "warm"))
    print(f"{'kernel, fastai imported':34}{'median s':>9}{'best s':>9}{'worst s':>9}")
    for name, values in times.items():
        print(f"{name:34}{statistics.median(values):9.2f}{min(values):9.2f}{max(values):9.2f}")
    print(f"{'the first warm one, imports and all':34}{first:8.2f}")
    print(json.dumps({"cold_s": round(cold, 3), "warm_s": round(warm, 3), "ratio": round(cold / warm, 1)}))


if __name__ == "__main__":
    main()
