"""What tests stand on, remembered before a learner's code runs, and put back before each question.

This runs beside the learner's code and so cannot be the last word: points need evidence that is judged outside. It
takes the ground from under the common tricks: a patched `np.allclose`, a builtin that says yes, a transformer of
IPython that drops asserts.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterable
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_LIBRARIES = (
    "math",
    "cmath",
    "operator",
    "statistics",
    "unittest.case",
    "json",
    "json.decoder",
    "json.encoder",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "numpy.testing",
    "torch",
    "torch.testing",
    "torch.nn.functional",
    "pandas.testing",
)
_COURSE = ("tlcourse.checks", "tlcourse.grading", "tlcourse.kernels")
_MACHINERY = ("IPython", "ipykernel", "jupyter_client")
# Hooks between cells that are set when the first figure is drawn, by module.
_DRAWING = {"matplotlib.pyplot": "_draw_all_if_interactive", "matplotlib_inline.backend_inline": "flush_figures"}
_Code = tuple[Any, Any, Any]
_Snapshot = dict[ModuleType, dict[str, Any]]


class Pristine:
    """A snapshot of modules and of IPython's hooks.

    Args:
        kernel: the kernel (`ipykernel`), before any learner's code ran.
    """

    def __init__(self, kernel: Any) -> None:
        shell = kernel.shell
        of_libraries, code_of_libraries = libraries()
        libraries.cache_clear()  # nobody else may get hold of what is put back
        own = _snapshot(["builtins", *(name for name in sys.modules if name.startswith(_COURSE))])
        self._modules = {**of_libraries, **own}
        self._code = {**code_of_libraries, **_code_in(own)}
        self._drawing = drawing_hooks()
        self._classes = {
            kind: dict(vars(kind))
            for module, kept in self._modules.items()
            if module.__name__.startswith(_COURSE)
            for kind in kept.values()
            if isinstance(kind, type) and kind.__module__.startswith(_COURSE)
        }
        self._shell = shell
        self._machinery = [kernel, kernel.session, shell, shell.compile, shell.display_pub, shell.displayhook]
        self._kinds = {
            kind: dict(vars(kind))
            for part in self._machinery
            for kind in type(part).__mro__
            if kind.__module__.startswith(_MACHINERY)
        }
        self._laid_over = {id(part): _methods(part) for part in self._machinery}
        self._handlers = dict(kernel.shell_handlers)
        self._callbacks = {event: list(callbacks) for event, callbacks in shell.events.callbacks.items()}
        self._kernel = kernel
        manager = shell.input_transformer_manager
        self._transformers = {
            name: list(getattr(manager, name))
            for name in ("cleanup_transforms", "line_transforms", "token_transformers")
        }

    def restore(self) -> list[str]:
        """Put everything back.

        Returns:
            the names of what had been changed, such as `numpy.allclose`.
        """
        sys.settrace(None)
        sys.setprofile(None)
        threading.settrace(None)
        threading.setprofile(None)
        changed = [*self._restore_modules(), *self._restore_code(), *self._restore_classes()]
        return [*changed, *self._restore_shell()]

    def _restore_modules(self) -> list[str]:
        changed = []
        for module, kept in self._modules.items():
            if sys.modules.get(module.__name__) is not module:
                sys.modules[module.__name__] = module
                changed.append(module.__name__)
            now = vars(module)
            for name, value in kept.items():
                if now.get(name) is not value and callable(value):
                    now[name] = value
                    changed.append(f"{module.__name__}.{name}")
        return changed

    def _restore_code(self) -> list[str]:
        changed = []
        for function, code in self._code.items():
            if _code(function) != code:
                function.__code__, function.__defaults__, function.__kwdefaults__ = code
                changed.append(f"{function.__module__}.{function.__qualname__}")
        return changed

    def _restore_classes(self) -> list[str]:
        changed = []
        for kind, kept in [*self._classes.items(), *self._kinds.items()]:
            now = vars(kind)
            for name, value in kept.items():
                if name not in ("__dict__", "__weakref__") and now.get(name) is not value and callable(value):
                    type.__setattr__(kind, name, value)
                    changed.append(f"{kind.__module__}.{kind.__qualname__}.{name}")
        return changed

    def _restore_shell(self) -> list[str]:
        changed = []
        shell = self._shell
        if shell.user_ns.get("__builtins__") is not builtins:
            shell.user_ns["__builtins__"] = builtins
            changed.append("__builtins__")
        if self._kernel.shell_handlers != self._handlers:
            self._kernel.shell_handlers = dict(self._handlers)
            changed.append("get_ipython().kernel.shell_handlers")
        # A method laid over the class's own, such as `shell.showtraceback = ...`.
        for part in self._machinery:
            before, now = self._laid_over[id(part)], _methods(part)
            for name in [name for name in now if now[name] is not before.get(name)]:
                del vars(part)[name]
                changed.append(f"{type(part).__name__}.{name}")
        for name in ("ast_transformers", "input_transformers_post"):
            if getattr(shell, name, None):
                setattr(shell, name, [])
                changed.append(f"get_ipython().{name}")
        for name, kept in self._transformers.items():
            if getattr(shell.input_transformer_manager, name) != kept:
                setattr(shell.input_transformer_manager, name, list(kept))
                changed.append(f"get_ipython().input_transformer_manager.{name}")
        if shell.ast_node_interactivity != "last_expr":
            shell.ast_node_interactivity = "last_expr"
        if shell.custom_exceptions:
            shell.custom_exceptions, shell.CustomTB = (), None
            changed.append("get_ipython().set_custom_exc")
        for event, callbacks in shell.events.callbacks.items():
            known = self._callbacks[event]
            for callback in [back for back in callbacks if back not in known and not self._draws(back)]:
                callbacks.remove(callback)
                changed.append(f"get_ipython().events.{event}")
        return changed

    def _draws(self, callback: Any) -> bool:
        """Whether a callback is one of matplotlib's own, by its code: its modules may be imported late."""
        if not isinstance(callback, FunctionType) or callback.__code__ not in self._drawing:
            return False
        return any(callback.__globals__ is getattr(sys.modules.get(name), "__dict__", None) for name in _DRAWING)


@cache
def drawing_hooks() -> frozenset[CodeType]:
    """The code of what matplotlib runs after each cell, as it is on the disk; nothing where that cannot be read."""
    found = []
    for module, name in _DRAWING.items():
        package, _, part = module.partition(".")
        # Nothing is imported: the second one changes the shell as soon as it is there.
        if (spec := importlib.util.find_spec(package)) and spec.origin:
            code = SourceFileLoader(module, str(Path(spec.origin).with_name(f"{part}.py"))).get_code(module)
            found += [each for each in (code.co_consts if code else ()) if getattr(each, "co_name", "") == name]
    return frozenset(found)


@cache
def libraries() -> tuple[_Snapshot, dict[FunctionType, _Code]]:
    """Libraries' modules and the code of their functions, looked at once: a warm parent does it for all its forks."""
    found = _snapshot(_LIBRARIES)
    return found, _code_in(found)


def _snapshot(names: Iterable[str]) -> _Snapshot:
    return {module: dict(vars(module)) for name in names if (module := _loaded(name)) is not None}


def _code_in(snapshot: _Snapshot) -> dict[FunctionType, _Code]:
    return {function: _code(function) for kept in snapshot.values() for function in _functions(kept)}


def _methods(part: Any) -> dict[str, Any]:
    """What stands in an object itself under the name of a method of its class."""
    kind = type(part)
    return {
        name: value for name, value in vars(part).items() if callable(getattr(kind, name, None)) and callable(value)
    }


def _loaded(name: str) -> ModuleType | None:
    """A module that is there already, or light enough to import; None if it is not installed."""
    if name in sys.modules or name.partition(".")[0] in ("unittest", "statistics", "cmath"):
        return importlib.import_module(name)
    return None


def _functions(kept: dict[str, Any]) -> list[FunctionType]:
    found = []
    for value in kept.values():
        while value is not None:
            if isinstance(value, FunctionType):
                found.append(value)
            value = getattr(value, "__wrapped__", None) if callable(value) and not isinstance(value, type) else None
    return found


def _code(function: FunctionType) -> _Code:
    return function.__code__, function.__defaults__, function.__kwdefaults__
