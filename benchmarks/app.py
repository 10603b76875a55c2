"""How fast the web app answers a picture, and how it bears visitors: `tlcourse serve` on the loopback.

Phases: one visitor with drawings; one with photos of 12 million pixels; 50 visitors at once; 200 at once, which is past
the limit and must be refused in so many words; then one visitor again. The visitors run on the same cores as the app.

    python benchmarks/app.py [MODEL] [--visitors 50] [--each 20]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

PATIENCE = 60.0


@dataclass
class Visits:
    """What visitors met: seconds of the answers, and how often each status came; 0 stands for a broken connection."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, float]:
        p50, p95 = (1000 * np.quantile(self.seconds, (0.5, 0.95))) if self.seconds else (float("nan"),) * 2
        refused = self.statuses[503]
        errors = sum(n for status, n in self.statuses.items() if status not in (200, 503))
        return {
            "answered": self.statuses[200],
            "p50_ms": round(float(p50), 1),
            "p95_ms": round(float(p95), 1),
            "refused": refused,
            "errors": errors,
        }


async def visit(port: int, body: bytes, times: int, visits: Visits) -> None:
    """One visitor's questions, one after another, on one connection."""
    head = f"POST /answer HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE)
    except (OSError, TimeoutError):
        visits.statuses[0] += times
        return
    for turn in range(times):
        started = time.perf_counter()
        try:
            writer.write(head + body)
            status = await asyncio.wait_for(_status(reader), PATIENCE)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            visits.statuses[0] += times - turn
            break
        visits.statuses[status] += 1
        if status == 200:
            visits.seconds.append(time.perf_counter() - started)
    writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line for line in head.splitlines() if line.startswith("content-length:"))
    await reader.readexactly(int(length.split(":")[1]))
    return int(head.split()[1])


async def at_once(port: int, body: bytes, visitors: int, each: int) -> Visits:
    visits = Visits()
    await asyncio.gather(*(visit(port, body, each, visits) for _ in range(visitors)))
    return visits


def drawing() -> bytes:
    picture = Image.new("RGB", (336, 336), "white")
    brush = ImageDraw.Draw(picture)
    brush.rectangle((48, 100, 288, 250), outline="black", width=22)
    brush.line((48, 100, 168, 190, 288, 100), fill="black", width=22)
    return _file(picture, "PNG")


def photo() -> bytes:
    """12 million pixels with the detail of a photo: some megabytes of JPEG."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    return _file(coarse.resize((4000, 3000), Image.Resampling.BICUBIC), "JPEG", quality=90)


def _file(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="", help="an exported file; the demonstration model if left out")
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--each", type=int, default=20, help="pictures of each visitor")
    args = parser.parse_args()
    command = [sys.executable, "-m", "tlcourse.cli", "serve", "--port", "0", *([args.model] if args.model else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(line for line in process.stdout if line.startswith("http://"))
        figures = measured(int(address.split()[0].rstrip("/").rpartition(":")[2]), args.visitors, args.each)
    finally:
        process.terminate()
        process.wait()
    for name, row in figures.items():
        print(f"{name:22} " + "  ".join(f"{key} {value:>7}" for key, value in row.items()))
    crowd = figures[f"{args.visitors} visitors"]
    summary = {
        "answer_p50_ms": figures["alone, a drawing"]["p50_ms"],
        "answer_p95_ms": figures["alone, a drawing"]["p95_ms"],
    }
    summary |= {"photo_p50_ms": figures["alone, a photo"]["p50_ms"], "visitors": args.visitors}
    summary |= {key: crowd[key] for key in ("p50_ms", "p95_ms", "refused", "errors")}
    summary |= {f"past_limit_{key}": figures["200 visitors"][key] for key in ("answered", "refused", "errors")}
    print(json.dumps(summary | {"up_afterwards": figures["alone, afterwards"]["answered"] == 20}))


def measured(port: int, visitors: int, each: int) -> dict[str, dict[str, float]]:
    """The figures of each phase."""
    sketch, large = drawing(), photo()
    asyncio.run(at_once(port, sketch, 1, 10))  # not counted
    return {
        "alone, a drawing": asyncio.run(at_once(port, sketch, 1, 200)).figures(),
        "alone, a photo": asyncio.run(at_once(port, large, 1, 20)).figures(),
        f"{visitors} visitors": asyncio.run(at_once(port, sketch, visitors, each)).figures(),
        "200 visitors": asyncio.run(at_once(port, sketch, 200, 3)).figures(),
        "alone, afterwards": asyncio.run(at_once(port, sketch, 1, 20)).figures(),
    }


if __name__ == "__main__":
    main()
