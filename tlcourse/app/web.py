"""The app's pages and its one question, as a Starlette application."""

from __future__ import annotations

import asyncio
import html
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from tlcourse.app.answers import answer
from tlcourse.app.pictures import MOST_BYTES, BadPictureError, too_large
from tlcourse.app.places import FullError, Places
from tlcourse.errors import CourseError
from tlcourse.extras import require
from tlcourse.models.exported import ExportedModel

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_log = logging.getLogger(__name__)

WORKERS = 2
MOST_AT_ONCE = 64
SLOWEST_UPLOAD = 15.0
"""Seconds that a visitor's bytes may take to arrive."""

MOST_DROPPED = 40_000_000
"""Bytes of a file that is too large which are read all the same, to be able to say so."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_HEADERS = {
    # Nothing from elsewhere, nothing inline: text in a model's facts cannot become a script.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
_KINDS = {"app.js": "text/javascript", "app.css": "text/css", "icon.svg": "image/svg+xml"}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def create_app(
    model: ExportedModel,
    *,
    workers: int = WORKERS,
    most: int = MOST_AT_ONCE,
    hosts: Sequence[str] = LOOPBACK,
) -> Starlette:
    """The application for one model.

    Args:
        model: what answers.
        workers: pictures that are worked on at the same moment.
        most: visitors with a question under way; one more is refused with status 503.
        hosts: the names under which it may be called, without port; `("*",)` allows any. A browser can be led to a
            local server under a stranger's name, and would then hand that stranger the answers.

    Raises:
        CourseError: the package's extra `ship` is not installed.
    """
    require("starlette", "ship")
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.routing import Route

    desk = _Desk(model, Places(most), ThreadPoolExecutor(workers, thread_name_prefix="answer"))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        yield
        desk.pool.shutdown(wait=False, cancel_futures=True)

    routes = [Route("/", desk.page), Route("/answer", desk.answer, methods=["POST"]), Route("/health", desk.health)]
    routes += [Route(f"/{name}", _file(name)) for name in _KINDS]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(_Guard, hosts=tuple(hosts))],
        exception_handlers={
            BadPictureError: _refusal,
            FullError: _refusal,
            HTTPException: _wrong_turn,
        },
    )


class _Desk:
    """Where questions are taken and answered."""

    def __init__(self, model: ExportedModel, places: Places, pool: ThreadPoolExecutor) -> None:
        self.model, self.places, self.pool, self.answered = model, places, pool, 0
        self._page = _page(model)

    async def page(self, request: Request) -> Response:
        from starlette.responses import HTMLResponse

        return HTMLResponse(self._page)

    async def health(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        counts = {"answered": self.answered, "refused": self.places.refused, "under way": self.places.taken}
        return JSONResponse({"well": True, **counts})

    async def answer(self, request: Request) -> Response:
        """The body is the picture's own bytes. Nothing of it is kept."""
        from starlette.responses import JSONResponse

        with self.places.one():
            data = await _body(request)
            said = await asyncio.get_running_loop().run_in_executor(self.pool, answer, self.model, data)
        self.answered += 1
        return JSONResponse(said)


async def _body(request: Request) -> bytes:
    """The bytes sent. Those past the limit are read and dropped, up to a point: a browser whose upload is cut off shows
    a broken connection, and never the reason."""
    told = request.headers.get("content-length", "0")
    if told.isdigit() and int(told) > MOST_DROPPED:
        raise too_large()
    try:
        async with asyncio.timeout(SLOWEST_UPLOAD):
            parts, size = [], 0
            async for part in request.stream():
                size += len(part)
                if size > MOST_DROPPED:
                    raise too_large()
                if size <= MOST_BYTES:
                    parts.append(part)
                else:
                    parts.clear()
    except TimeoutError as error:
        cure = "Try again, or take a smaller file."
        raise BadPictureError("too-slow", 408, "The picture did not arrive in time.", cure) from error
    if size > MOST_BYTES:
        raise too_large()
    return b"".join(parts)


def _page(model: ExportedModel) -> str:
    name = str(model.facts.get("name", model.path.stem))
    items = "\n".join(f"        <li>{html.escape(item)}</li>" for item in model.classes)
    facts = {**model.facts, "classes": f"{len(model.classes)}", "temperature": f"{model.temperature:.2f}"}
    rows = "\n".join(
        f"        <dt>{html.escape(str(key).replace('_', ' '))}</dt><dd>{html.escape(str(value))}</dd>"
        for key, value in facts.items()
        if key != "name"
    )
    page = Template((files("tlcourse.app") / "page" / "index.html").read_text(encoding="utf-8"))
    return page.substitute(name=html.escape(name), classes=items, facts=rows)


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = (files("tlcourse.app") / "page" / name).read_bytes()

    async def give(request: Request) -> Response:
        from starlette.responses import Response

        return Response(content, media_type=_KINDS[name])

    return give


def _problem(reason: str, status: int, error: CourseError, headers: dict[str, str] | None = None) -> Response:
    from starlette.responses import JSONResponse

    told = {"problem": reason, "message": error.fault, "cure": error.cure}
    return JSONResponse(told, status, headers)


async def _refusal(request: Request, error: Exception) -> Response:
    if isinstance(error, FullError):
        return _problem("full", 503, error, {"retry-after": str(error.wait)})
    assert isinstance(error, BadPictureError)
    # What was not read of a refused body would be taken for the next question.
    return _problem(error.reason, error.status, error, {"connection": "close"})


async def _wrong_turn(request: Request, error: Any) -> Response:
    said = {
        404: ("not-here", "There is no such page.", "The app is at /."),
        405: ("wrong-method", f"{request.method} does nothing here.", "Send a picture to /answer with POST."),
    }
    reason, fault, cure = said.get(error.status_code, ("wrong", str(error.detail), "The app is at /."))
    return _problem(reason, error.status_code, CourseError(fault, cure), dict(error.headers or {}))


class _Guard:
    """Around every answer, faults too: the safe headers, and no service under a stranger's name or for another page."""

    def __init__(self, app: Any, hosts: tuple[str, ...]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), *_encoded()]
            await send(message)

        answer = self._refused(scope) or self.app
        try:
            await answer(scope, receive, with_headers)
        except Exception:
            _log.exception("A question could not be answered.")
            if not started:
                fault = CourseError("Something went wrong here.", "It is not your picture's fault.")
                await _problem("broken", 500, fault)(scope, receive, with_headers)

    def _refused(self, scope: Scope) -> Response | None:
        """The answer to who may not ask, None for everyone else."""
        asked = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        if "*" not in self.hosts and _host(asked.get("host", "")) not in self.hosts:
            fault = CourseError("This app does not answer under that name.", "Use the address that was printed.")
            return _problem("wrong-host", 421, fault)
        if scope["method"] == "POST" and asked.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return _problem("other-site", 403, CourseError("Another site sent this question.", "Open the app itself."))
        return None


def _encoded() -> Iterator[tuple[bytes, bytes]]:
    for key, value in _HEADERS.items():
        yield key.encode(), value.encode()


def _host(value: str) -> str:
    """The name in a Host header, without port and brackets."""
    name = value.rpartition(":")[0] if value.rpartition(":")[2].isdigit() and not value.endswith("]") else value
    name = name.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name
