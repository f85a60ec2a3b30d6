"""The page of a live view and its data, for browsers on this machine only.

| address | what |
|---|---|
| `/`, `/page.*`, `/common.*` | the page; nothing of it comes from elsewhere |
| `/about` | classes, note, names of the feeds |
| `/events` | server-sent events, ten a second: level, problems, new seconds |
| `/video` | the picture with its mask, as motion JPEG |
| `POST /settings` | `{"threshold": 0.5, "classes": ["dog"], "max_sources": 2, "compare_motion": true}`, each optional |
| `POST /bag` | saves the last seconds |
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from c3n_model.live.last_seconds import PICTURES_PER_S
from c3n_model.live.view import LiveView
from c3n_model.web.local_server import action, local_app

EVENT_S = 0.1
_BOUNDARY = "picture"
_NEVER_STORED = {"Cache-Control": "no-store"}


def make_app(view: LiveView) -> Starlette:
    """The web application of a view."""

    async def about(request: Request) -> Response:
        return JSONResponse(view.about())

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(view), media_type="text/event-stream", headers=_NEVER_STORED)

    async def video(request: Request) -> Response:
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return StreamingResponse(_pictures(view), media_type=kind, headers=_NEVER_STORED)

    routes = [
        Route("/about", about),
        Route("/events", events),
        Route("/video", video),
        action("/settings", lambda values: _change(view, values)),
        action("/bag", lambda values: view.save_bag()),
    ]
    return local_app("c3n live", Path(__file__).parent / "page", routes)


def _change(view: LiveView, values: dict) -> dict:
    if view.engine is None:
        raise ValueError("the model is still loading")
    threshold = values.get("threshold")
    settings = view.engine.change(
        threshold=None if threshold is None else float(threshold),
        **{name: values.get(name) for name in ("classes", "max_sources", "compare_motion")},
    )
    return asdict(settings)


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
