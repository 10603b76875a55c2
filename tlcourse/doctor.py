"""What this machine has and lacks for the course: one small probe a question, each answering with findings.

Whatever may crash or hang when it is imported is asked in a process of its own, with a time limit, so a
broken library becomes a finding and never ends the doctor. `python -m tlcourse.doctor stack SECONDS` and
`... kernel SECONDS` are those processes: they print one JSON object a stage and stop where they break.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO, Any, Literal

from tlcourse import storage
from tlcourse.errors import CourseError, StorageError

Status = Literal["ok", "warn", "fault"]

OLDEST, NEWEST = (3, 11), (3, 13)
LAB = ("jupyterlab", "ipykernel", "ipywidgets", "nbclient", "nbformat")
# What lesson 14 exports and serves with; the lab brings it.
SHIP = ("onnx", "onnxscript", "onnxruntime", "starlette", "uvicorn")
BASE = (
    "fastai",
    "torch",
    "torchvision",
    "numpy",
    "matplotlib",
    "scikit-learn",
    "safetensors",
    "platformdirs",
    "filelock",
    "rich",
    "ipython",
)
GLYPH_FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSerif.ttf",
    "STIXGeneral.ttf",
    "cmr10.ttf",
)
GIB = 2**30
# All probes run side by side; none may keep the learner longer than this, unless told to wait.
SECONDS = 14.0
_WAIT = "The first start after an installation is slow: run `tlcourse doctor --wait 60`."
_REINSTALL = "python -m pip install --force-reinstall"
_PAIR = "python -m pip uninstall -y torch torchvision && python -m pip install torch torchvision"


@dataclass(frozen=True)
class Finding:
    """One row of the report.

    Args:
        name: what was looked at.
        status: fine, worth a look, or in the way of the course.
        detail: what was found.
        cure: what to do about a warning or a fault.
        answered: False if the time was over before anything could be told.
    """

    name: str
    status: Status
    detail: str
    cure: str = ""
    answered: bool = True


def examine(seconds: float = SECONDS) -> list[Finding]:
    """Run every probe, side by side. Takes as long as the slowest, at most about `seconds`."""
    ask = partial(_ask, seconds=seconds)
    probes: list[Callable[[], list[Finding]]] = [
        lambda: [python_version()],
        lambda: [packages()],
        lambda: stack(ask),
        lambda: [memory()],
        lambda: [disk(storage.cache_dir())],
        lambda: [lab()],
        lambda: [kernel(ask)],
        lambda: [folder("cache folder", storage.cache_dir())],
        lambda: [folder("state folder", storage.state_dir())],
        lambda: [fonts()],
        lambda: [grading_sandbox()],
    ]
    with ThreadPoolExecutor(len(probes)) as pool:
        return [finding for findings in pool.map(lambda probe: probe(), probes) for finding in findings]


# --- quick questions ------------------------------------------------------------------------------


def python_version(version: tuple[int, int, int] = sys.version_info[:3]) -> Finding:
    """Whether this Python is one that the course supports."""
    detail = f"{'.'.join(map(str, version))} at {sys.executable}"
    if OLDEST <= version[:2] <= NEWEST:
        return Finding("Python", "ok", detail)
    return Finding("Python", "fault", detail, "Use Python 3.11, 3.12 or 3.13: make learn PYTHON=/path/to/python3.12")


def packages(names: Iterable[str] = BASE) -> Finding:
    """Whether everything that the course stands on is installed."""
    return _installed(
        "packages", names, "fault", "Run `make learn` in the course's folder: it installs what is missing."
    )


def lab(names: Iterable[str] = (*LAB, *SHIP)) -> Finding:
    """Whether JupyterLab is here. Without it the course still runs in VS Code and Colab."""
    cure = "For `tlcourse learn`: run `make learn`, or python -m pip install -e '.[lab]' in the course's folder."
    return _installed("JupyterLab", names, "warn", cure)


def _installed(row: str, names: Iterable[str], otherwise: Status, cure: str) -> Finding:
    found = {name: _version(name) for name in names}
    missing = [name for name, version in found.items() if version is None]
    if missing:
        return Finding(row, otherwise, f"not installed: {', '.join(missing)}", cure)
    first, version = next(iter(found.items()))
    return Finding(row, "ok", f"{first} {version} and {len(found) - 1} more")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def memory(amounts: tuple[int, int] | None = None) -> Finding:
    """Total and available memory in bytes; a lesson needs about 1.5 GiB (fastai alone takes 1)."""
    total, available = amounts or _memory()
    if not total:
        return Finding("memory", "ok", "this system does not say how much it has")
    detail = f"{available / GIB:.1f} GiB available of {total / GIB:.1f}"
    if available < 1.5 * GIB:
        return Finding("memory", "warn", detail, "Close other programs: a lesson needs about 1.5 GiB.")
    return Finding("memory", "ok", detail)


def _memory() -> tuple[int, int]:
    """Total and available bytes, within a container's limit if there is one; zeros where nobody says."""
    try:
        import psutil

        seen = psutil.virtual_memory()
        total, available = seen.total, seen.available
    except ImportError:
        if not hasattr(os, "sysconf") or "SC_AVPHYS_PAGES" not in os.sysconf_names:
            return 0, 0
        page = os.sysconf("SC_PAGE_SIZE")
        total, available = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    if limit is None or limit >= total:
        return total, available
    return limit, min(available, limit - (used or 0))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def disk(path: Path, free: int | None = None) -> Finding:
    """Free space where the course keeps its files."""
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if free is None:
        free = shutil.disk_usage(there).free
    detail = f"{free / GIB:.1f} GiB free at {there}"
    cure = "Free some space, or set TLCOURSE_CACHE to a folder on a larger disk."
    if free < 0.2 * GIB:
        return Finding("disk", "fault", detail, cure)
    return Finding("disk", "warn", detail, cure) if free < 2 * GIB else Finding("disk", "ok", detail)


def folder(name: str, path: Path) -> Finding:
    """Whether the course may write into a folder of its own."""
    try:
        storage.make_folder(path)
        with storage.disk_errors(path), tempfile.TemporaryFile(dir=path) as file:
            file.write(b"tlcourse")
    except StorageError as error:
        return Finding(name, "fault", error.fault, error.cure)
    return Finding(name, "ok", str(path))


def fonts(where: Path | None = None) -> Finding:
    """Whether the fonts that the glyph world draws with are there (they come with matplotlib)."""
    if where is None:
        spec = importlib.util.find_spec("matplotlib")
        if spec is None or not spec.origin:
            return Finding("glyph fonts", "fault", "matplotlib is not installed", "Run `make learn` to install it.")
        where = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    missing = [name for name in GLYPH_FONTS if not (where / name).is_file()]
    if missing:
        cure = f"They come with matplotlib: {_REINSTALL} --no-deps matplotlib"
        return Finding("glyph fonts", "fault", f"not in {where}: {', '.join(missing)}", cure)
    return Finding("glyph fonts", "ok", f"{len(list(where.glob('*.ttf')))} fonts")


def grading_sandbox() -> Finding:
    """Whether submissions can be graded in a sandbox: learners need none, so its absence is a warning."""
    from tlcourse import sandbox

    try:
        sandbox.insist()
    except CourseError as error:
        return Finding("sandbox", "warn", f"for grading a class: {error.fault}", error.cure)
    return Finding("sandbox", "ok", "submissions can be graded safely")


# --- questions asked in a process of their own ----------------------------------------------------


def stack(ask: Callable[[str], Answer] | None = None) -> list[Finding]:
    """torch, the device, torchvision (and whether the two match) and fastai, imported one after the other."""
    answer = (ask or _ask)("stack")
    rows = [
        _imported("torch", answer),
        _device(answer.stages.get("torch")),
        _imported("torchvision", answer),
        _imported("fastai", answer),
    ]
    return [row for row in rows if row is not None]


def kernel(ask: Callable[[str], Answer] | None = None) -> Finding:
    """Whether the notebooks' kernel starts, runs this environment's Python and can import the course."""
    answer = (ask or _ask)("kernel")
    found = answer.stages.get("kernel")
    cure = "python -m ipykernel install --sys-prefix --name python3"
    if answer.late or "hangs" in answer.stages:
        again = f"{_WAIT} If it stays so: {cure}"
        return Finding("kernel", "warn", "python3 did not answer in time", again, answered=False)
    if found is None:
        return Finding("kernel", "fault", answer.last_words, cure)
    if found["prefix"] != sys.prefix:
        return Finding("kernel", "fault", f"the kernel python3 runs {found['python']}, not {sys.executable}", cure)
    return Finding("kernel", "ok", f"python3 starts in {found['seconds']:.1f} s and imports tlcourse")


@dataclass(frozen=True)
class Answer:
    """What a process told before it ended: its stages by name, its last complaint, whether it was late."""

    stages: dict[str, dict[str, Any]]
    last_words: str = ""
    late: bool = False


def _ask(question: str, seconds: float = SECONDS) -> Answer:
    """Run `python -m tlcourse.doctor QUESTION SECONDS` and gather what it tells."""
    command = [sys.executable, "-m", "tlcourse.doctor", question, str(seconds)]
    # Files and not pipes: a pipe stays open, and is waited for, as long as a kernel left behind holds it.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            status = None
        told, complaint = _text(out), _text(err)
    words = complaint.strip().splitlines()
    last = words[-1] if words else f"ended with status {status}"
    return Answer(_stages(told), last, late=status is None)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _stages(told: str) -> dict[str, dict[str, Any]]:
    """The lines that `_tell` printed; libraries may print lines of their own."""
    stages = {}
    for line in told.splitlines():
        if line.startswith('{"stage"'):
            stage = json.loads(line)
            stages[stage["stage"]] = stage
    return stages


def _end(process: subprocess.Popen) -> None:
    """End a process and whatever it started."""
    if os.name == "posix":
        import signal

        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _imported(name: str, answer: Answer) -> Finding | None:
    """The row of one library of the stack; none if it was not reached because an earlier one broke."""
    order = ("torch", "torchvision", "fastai")
    version = _version(name)
    mixed = mix() if name == "torchvision" else ""
    if name in answer.stages and not mixed:
        return Finding(name, "ok", answer.stages[name]["version"])
    if name in answer.stages:
        return Finding(name, "warn", mixed, f"Take both from one place, in one command: {_PAIR}")
    if any(earlier not in answer.stages for earlier in order[: order.index(name)]):
        return None
    if version is None:
        return Finding(name, "fault", "not installed", "Run `make learn` in the course's folder to install it.")
    if answer.late:
        return Finding(name, "warn", f"{version} was still loading when the time was up", _WAIT, answered=False)
    if mixed:
        detail = f"{mixed}; so it fails with: {answer.last_words}"
        return Finding(name, "fault", detail, f"Take both from one place, in one command: {_PAIR}")
    cure = f"Install the two together: {_PAIR}" if name == "torchvision" else f"Install it afresh: {_REINSTALL} {name}"
    return Finding(name, "fault", f"{version} cannot be imported: {answer.last_words}", cure)


def mix(torch_build: str | None = None, vision_build: str | None = None) -> str:
    """Names a torch and a torchvision built for different machines; empty if they agree or nobody can tell.

    A build is the part of a version after "+", such as cpu or cu132.
    """
    torch_build = _build("torch") if torch_build is None else torch_build
    vision_build = _build("torchvision") if vision_build is None else vision_build
    if not torch_build or not vision_build or torch_build == vision_build:
        return ""
    named = {"cpu": "a CPU-only"}
    return (
        f"{named.get(torch_build, f'a {torch_build}')} torch stands beside "
        f"{named.get(vision_build, f'a {vision_build}')} torchvision"
    )


def _build(package: str) -> str:
    """cpu, cu132, ... as the package's own version file says, read without an import; else empty."""
    # On the path, not among what this process has imported: the doctor reports what a new process would find.
    spec = PathFinder.find_spec(package)
    if spec is None or not spec.origin:
        return ""
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"__version__\s*=\s*['\"][^'\"+]*\+(cpu|cu\d+|rocm[\d.]+|xpu)", text)
    return found.group(1) if found else ""


def _device(torch: dict[str, Any] | None) -> Finding | None:
    if torch is None:
        return None
    cores = f"{torch['cores']} core{'s' if torch['cores'] != 1 else ''}"
    if torch["cuda"]:
        named = ", ".join(f"{gpu['name']} ({gpu['memory'] / GIB:.0f} GiB)" for gpu in torch["cuda"])
        return Finding("device", "ok", f"CUDA: {named}; {cores}")
    if torch["mps"]:
        return Finding("device", "ok", f"MPS (Apple GPU); {cores}")
    if shutil.which("nvidia-smi") and not torch["built_for_cuda"]:
        cure = "The lessons run as they are. For the GPU, install CUDA builds of torch and torchvision."
        return Finding("device", "warn", f"CPU, {cores}; there is a GPU, but this torch is CPU-only", cure)
    return Finding("device", "ok", f"CPU, {cores}")


# --- those processes ------------------------------------------------------------------------------


def _tell(stage: str, **facts: Any) -> None:
    print(json.dumps({"stage": stage, **facts}), flush=True)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _tell_stack(_seconds: float) -> None:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = [torch.cuda.get_device_properties(index) for index in range(count)]
    _tell(
        "torch",
        version=torch.__version__,
        cores=cores(),
        built_for_cuda=torch.version.cuda is not None,
        cuda=[{"name": gpu.name, "memory": gpu.total_memory} for gpu in gpus],
        mps=torch.backends.mps.is_available(),
    )
    import torchvision

    _tell("torchvision", version=torchvision.__version__)
    import fastai
    import fastai.vision.all

    _tell("fastai", version=fastai.__version__)


def _tell_kernel(seconds: float) -> None:
    import time

    from jupyter_client.manager import KernelManager

    begun = time.monotonic()
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        # Less than the asker's patience, so that a kernel that hangs is ended here and not left behind.
        client.wait_for_ready(timeout=max(1.0, seconds - 4))
        prefix, executable = json.loads(_run(client, _WHO, seconds))
        _tell("kernel", prefix=prefix, python=executable, seconds=time.monotonic() - begun)
    except RuntimeError as error:
        if manager.is_alive():
            _tell("hangs")
        sys.exit(str(error))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


_WHO = "import json, sys, tlcourse; print(json.dumps([sys.prefix, sys.executable]))"


def _run(client: Any, code: str, seconds: float) -> str:
    """What `code` prints in the kernel; ends this process with a message if it raises."""
    told: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            told.append(content["text"])

    reply = client.execute_interactive(code, timeout=seconds, output_hook=listen)["content"]
    if reply["status"] != "ok":
        sys.exit(f"the kernel python3 starts but cannot import tlcourse: {reply['ename']}: {reply['evalue']}")
    return "".join(told)


if __name__ == "__main__":
    {"stack": _tell_stack, "kernel": _tell_kernel}[sys.argv[1]](float(sys.argv[2]))
