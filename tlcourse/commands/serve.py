"""Serve a model as a small web app: draw or upload a picture, see what the model says.

Without MODEL it serves one of 20 everyday things, made on first use. The app needs the package's extra `ship`:
pip install 'tlcourse[ship]'.
"""

from __future__ import annotations

import argparse
import ipaddress
import socket
from pathlib import Path

from tlcourse.errors import CourseError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a file that tl.models.export_onnx wrote")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8700, help="0 takes any free one (default: 8700)")
    parser.add_argument("--most", type=int, default=64, metavar="N", help="visitors answered at once (default: 64)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="pictures at the same moment (default: 2)")


def run(args: argparse.Namespace) -> int:
    from tlcourse.extras import require

    uvicorn = require("uvicorn", "ship")
    from tlcourse.app.web import LOOPBACK, create_app
    from tlcourse.models.exported import ExportedModel

    if min(args.most, args.workers) < 1:
        raise CourseError("An app that answers nobody is of no use.", "Give --most and --workers at least 1.")
    model = ExportedModel(args.model or _demo())
    app = create_app(model, workers=args.workers, most=args.most, hosts=LOOPBACK if _is_local(args.host) else ("*",))
    listening = _listen(args.host, args.port)
    shown = f"[{args.host}]" if ":" in args.host else args.host
    print(f"{model}\nhttp://{shown}:{listening.getsockname()[1]}/  (Ctrl+C stops)", flush=True)
    if not _is_local(args.host):
        print("Everyone who reaches this machine can ask. There is no password and no encryption.", flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False, server_header=False, timeout_keep_alive=10)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _demo() -> Path:
    from tlcourse.app.demo import demo_model

    print("Serving the demonstration model; the first time, it is made (some 20 seconds).", flush=True)
    return demo_model()


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise CourseError(f"Cannot listen on {host}, port {port}: {error}.", "Try --port 0.") from error
