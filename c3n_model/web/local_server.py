"""Serve pages on the loopback: the files of a folder, and requests that only these pages may send."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

HOST = "127.0.0.1"
_COMMON = Path(__file__).parent / "page"
_KINDS = {".js": "text/javascript", ".css": "text/css"}
# Nothing from elsewhere, and no other site may show or script a page.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def local_app(title: str, page: Path, routes: Sequence[Route]) -> Starlette:
    """The application with the page of the folder `page` at `/`, and `routes`.

    `page/page.html` is the body of the document; its head, and the style and script that all pages share, are in web/page/.
    """
    frame = Template((_COMMON / "frame.html").read_text(encoding="utf-8"))
    html = frame.substitute(title=title, body=(page / "page.html").read_text(encoding="utf-8"))
    paths = [path for folder in (_COMMON, page) for path in sorted(folder.iterdir()) if path.suffix in _KINDS]
    files = [_document(html), *map(_file, paths)]
    hosts = Middleware(
        TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]
    )  # other names could be made to lead here
    return Starlette(routes=[*files, *routes], middleware=[hosts])


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


def make_server(app: Starlette) -> uvicorn.Server:
    """The server of an application; `server.run(sockets=[listen(port)])` serves until a signal or `should_exit`."""
    # Pages keep connections open that never end; after a second they are closed.
    return uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))


def action(address: str, act: Callable[[Any], Any]) -> Route:
    """A POST with a JSON value that `act` answers with another, in a thread of its own.

    403 for a request of another site, 415 for another content type, 400 with the reason where `act` raises ValueError, TypeError
    or OSError.
    """

    async def answer(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return JSONResponse({"error": "this page only"}, status_code=403)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":  # forms cannot send it
            return JSONResponse({"error": "expected application/json"}, status_code=415)
        try:
            return JSONResponse(await run_in_threadpool(act, await request.json()))
        except (ValueError, TypeError, OSError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return Route(address, answer, methods=["POST"])


def _document(html: str) -> Route:
    async def answer(request: Request) -> Response:
        return HTMLResponse(html, headers=_HEADERS)

    return Route("/", answer)


def _file(path: Path) -> Route:
    async def answer(request: Request) -> Response:
        return FileResponse(path, media_type=_KINDS[path.suffix], headers=_HEADERS)

    return Route(f"/{path.name}", answer)
