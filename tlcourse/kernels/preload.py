"""What a warm parent imports before it forks, and how: nothing but imports, as a notebook would see them."""

from __future__ import annotations

import builtins
import importlib
import inspect
import logging
import multiprocessing.process
import os
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

# A name that ends in `.*` stands for a package and all its modules. What is not installed here is left out.
PRELOAD = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.embed",
    "ipykernel.debugger",
    "IPython.core.magics.*",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    # An error's first traceback imports these.
    "stack_data",
    "pygments.formatters.terminal256",
    "comm",
    "ipywidgets",
    "matplotlib.pyplot",
    "torch",
    "torchvision",
    "fastai.vision.all",
    "sklearn.datasets",
    "tlcourse.checks.*",
    "tlcourse.worlds.*",
    "tlcourse.models.*",
    "tlcourse.transfer.*",
    "tlcourse.measure.*",
    "tlcourse.plots.*",
)

# What the imports left for a notebook that was not there yet: see `settle`.
_callbacks: list[tuple[str, Any]] = []
_log_handlers: list[logging.StreamHandler] = []


def load(modules: Sequence[str]) -> dict[str, str]:
    """Import `modules` as if from a notebook's cell.

    Returns:
        Why a module was left out, by its name. Whoever imports it later meets the same error in the open.
    """
    left_out: dict[str, str] = {}
    with _in_a_notebook(), _without_warnings():
        for name in modules:
            try:
                _load(name)
            except Exception as error:
                left_out[name] = f"{type(error).__name__}: {error}"
    _log_handlers.extend(_terminal_handlers())
    _know_modules()
    return left_out


def _know_modules() -> None:
    """Let `inspect` find out which module is in which file: with so many, an error's first traceback waits for it."""
    inspect.getmodule(compile("", "<in no file>", "exec"))


def settle(shell: Any) -> None:
    """Tell the shell of a real kernel, whose output is captured by now, what the imports had for it.

    Callbacks that a library registered with the stand-in are registered again, log handlers that took the terminal for
    the place to write to get the notebook's stderr, and processes that are started anew begin in the notebook's folder.
    """
    multiprocessing.process.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined]  # noqa: PTH109
    for event, callback in _callbacks:
        shell.events.register(event, callback)
    for handler in _log_handlers:
        handler.setStream(sys.stderr)
    shell.events.register("pre_run_cell", partial(_know_cell, shell))


def _know_cell(shell: Any, info: Any) -> None:
    """Tell `inspect` what a cell belongs to: at each frame of a traceback it would look through all modules for it."""
    name = shell.compile.get_code_name(info.raw_cell, info.raw_cell, shell.execution_count)
    inspect.modulesbyfile[name] = "__main__"


def _terminal_handlers() -> list[logging.StreamHandler]:
    handlers = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    streams = (sys.stdout, sys.stderr)
    return [one for one in handlers if isinstance(one, logging.StreamHandler) and one.stream in streams]


def _load(name: str) -> None:
    package, star, _ = name.partition(".*")
    module = importlib.import_module(package)
    if star:
        for info in pkgutil.walk_packages(module.__path__, f"{package}."):
            importlib.import_module(info.name)


@contextmanager
def _in_a_notebook() -> Iterator[None]:
    """Let libraries that look once, at import, for a notebook find one: fastai's progress bars, matplotlib, widgets."""
    try:
        from ipykernel import zmqshell
        from IPython.core.interactiveshell import InteractiveShell
    except ImportError:
        yield
        return
    shell = _stand_in(zmqshell.ZMQInteractiveShell)
    InteractiveShell._instance = shell
    builtins.get_ipython = lambda: shell  # type: ignore[attr-defined]
    try:
        yield
    finally:
        InteractiveShell._instance = None
        del builtins.get_ipython  # type: ignore[attr-defined]


def _stand_in(shell: type) -> Any:
    """Looks like a kernel's shell as far as an import goes. Libraries know a notebook by the name of this class."""
    from traitlets.config import Config

    class Events:
        def register(self, event: str, callback: Any) -> None:
            _callbacks.append((event, callback))

    class ZMQInteractiveShell(shell):
        config = Config({"IPKernelApp": {}})
        events = Events()

        def __init__(self) -> None:
            """The real one starts threads and opens files."""

    return ZMQInteractiveShell()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Nobody reads what is said here, and libraries' own filters must outlive the imports."""
    shown = warnings.showwarning
    warnings.showwarning = lambda *args, **keywords: None
    try:
        yield
    finally:
        warnings.showwarning = shown


def loaded_files() -> dict[str, tuple[int, int]]:
    """The state of every loaded module's file, by absolute path."""
    files: dict[str, tuple[int, int]] = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.startswith("/") and (state := file_state(path)):
            files[path] = state
    return files


def file_state(path: str) -> tuple[int, int] | None:
    """Size in bytes and time of change in nanoseconds; None where there is no such file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path is slower, and thousands are looked at before each fork
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
