"""The page of a live view and its data, for browsers on this machine only.

| address | what |
|---|---|
| `/`, `/page.js`, `/page.css` | the page; nothing of it comes from elsewhere |
| `/about` | classes, note, names of the feeds |
| `/events` | server-sent events, ten a second: level, problems, new seconds |
| `/video` | the picture with its mask, as motion JPEG |
| `POST /settings` | `{"threshold": 0.5, "classes": ["dog"]}`, each optional |
| `POST /bag` | saves the last seconds |
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from c3n_model.live.last_seconds import PICTURES_PER_S
from c3n_model.live.view import LiveView

HOST = "127.0.0.1"
EVENT_S = 0.1
_PAGE = Path(__file__).parent / "page"
# Nothing from elsewhere, and no other site may show or script this page.
_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
_BOUNDARY = "picture"


def make_app(view: LiveView) -> Starlette:
    """The web application of a view."""

    def file(name: str, kind: str) -> Route:
        async def answer(request: Request) -> Response:
            headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
            return FileResponse(_PAGE / name, media_type=kind, headers=headers)

        return Route("/" if name == "page.html" else f"/{name}", answer)

    async def about(request: Request) -> Response:
        return JSONResponse(view.about())

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(view), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def video(request: Request) -> Response:
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return StreamingResponse(_pictures(view), media_type=kind, headers={"Cache-Control": "no-store"})

    async def settings(request: Request) -> Response:
        return await _answer(request, lambda values: _change(view, values))

    async def bag(request: Request) -> Response:
        return await _answer(request, lambda values: view.save_bag())

    routes = [
        file("page.html", "text/html"),
        file("page.js", "text/javascript"),
        file("page.css", "text/css"),
        Route("/about", about),
        Route("/events", events),
        Route("/video", video),
        Route("/settings", settings, methods=["POST"]),
        Route("/bag", bag, methods=["POST"]),
    ]
    hosts = Middleware(
        TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]
    )  # other names could be made to lead here
    return Starlette(routes=routes, middleware=[hosts])


def listen(port: int) -> socket.socket:
    """Return a listening socket of the loopback. Raises OSError that says what to do if the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # already now: a browser that comes before the server waits
    except OSError as error:
        listener.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}): choose another, --port 0 takes a free one"
        ) from error
    return listener


def make_server(view: LiveView) -> uvicorn.Server:
    """The server of a view; `server.run(sockets=[listen(port)])` serves until a signal or `should_exit`."""
    # Pages keep connections open that never end; after a second they are closed.
    config = uvicorn.Config(make_app(view), log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


async def _answer(request: Request, act) -> Response:
    """Run `act` on the JSON object of a request. 403 for a request of another site, 400 with the reason for a wrong value."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return JSONResponse({"error": "this page only"}, status_code=403)
    if (
        request.headers.get("content-type", "").partition(";")[0] != "application/json"
    ):  # forms of other sites cannot send it
        return JSONResponse({"error": "expected application/json"}, status_code=415)
    try:
        values = await request.json()
        return JSONResponse(await run_in_threadpool(act, values))
    except (ValueError, TypeError, OSError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)


def _change(view: LiveView, values: dict) -> dict:
    if view.engine is None:
        raise ValueError("the model is still loading")
    threshold, classes = values.get("threshold"), values.get("classes")
    settings = view.engine.change(threshold=None if threshold is None else float(threshold), classes=classes)
    return {"threshold": settings.threshold, "classes": list(settings.classes)}


async def _events(view: LiveView) -> AsyncIterator[str]:
    newest = 0
    while not view.stopped.is_set():
        state = view.describe(newest)
        newest = max([newest, *(second["number"] for second in state["seconds"])])
        yield f"data: {json.dumps(state)}\n\n"
        await asyncio.sleep(EVENT_S)


async def _pictures(view: LiveView) -> AsyncIterator[bytes]:
    while not view.stopped.is_set():
        jpeg = await run_in_threadpool(view.engine.screen.jpeg) if view.engine is not None else None
        if jpeg is not None:
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield head.encode() + jpeg + b"\r\n"
        await asyncio.sleep(1 / PICTURES_PER_S)
