"""The page of `c3n review` and its data, for browsers on this machine only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from c3n_model.review.dataset_writer import Written
from c3n_model.review.seconds import Review
from c3n_model.web.local_server import action, local_app


def make_review_app(review: Review, write: Callable[[], Written]) -> Starlette:
    """The application: `/seconds`, `/picture/N`, `POST /change` and `POST /write`."""

    async def seconds(request: Request) -> Response:
        return JSONResponse(review.describe())

    async def picture(request: Request) -> Response:
        try:
            jpeg = await run_in_threadpool(_jpeg, review, request.path_params["number"])
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    def change(values: Any) -> list[dict]:
        review.change(int(values["number"]), values)
        return review.describe()

    def write_now(_: Any) -> dict:
        written = write()
        return {"clips": [list(one) for one in written.clips], "left_over": written.left_over}

    routes = [
        Route("/seconds", seconds),
        Route("/picture/{number:int}", picture),
        action("/change", change),
        action("/write", write_now),
    ]
    return local_app("c3n review", Path(__file__).parent / "page", routes)


def _jpeg(review: Review, number: int) -> bytes:
    bgr = cv2.cvtColor(review.picture(number), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
