"""What `tlcourse --help` and `import tlcourse` cost, beside a bare Python, nbgrader's help and PyTorch's import.

python benchmarks/cli.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import tlcourse": ["-c", "import tlcourse"],
    "tlcourse --help": ["-m", "tlcourse.cli", "--help"],
    "nbgrader --help": ["-m", "nbgrader", "--help"],
    "import torch": ["-c", "import torch"],
}


def seconds(words: list[str]) -> float:
    """The wall time of one fresh Python."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Rounds in turn after one that warms the disk; the median counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="rounds (%(default)s)")
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, words in COMMANDS.items():
            spent = seconds(words)
            if number:
                times[name].append(spent)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["python -c pass"]
    print(f"{'command':18}{'ms':>8}{'times python -c pass':>23}")
    for name, spent in medians.items():
        print(f"{name:18}{1000 * spent:8.0f}{spent / bare:22.1f}x")
    figures = {
        "help_ms": round(1000 * medians["tlcourse --help"]),
        "import_ms": round(1000 * medians["import tlcourse"]),
        "help_over_python": round(medians["tlcourse --help"] / bare, 2),
        "import_over_python": round(medians["import tlcourse"] / bare, 2),
        "nbgrader_help_over_ours": round(medians["nbgrader --help"] / medians["tlcourse --help"], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
