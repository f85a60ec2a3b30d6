"""HTTP downloads that resume, fall back to the next address, and are verified before they get their final name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from socket import gaierror
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from c3n_model.complete_file import move_into_place
from c3n_model.messages.limits import MAX_DOWNLOAD_BYTES
from c3n_model.progress import Progress, silent

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0  # without receiving a byte
# Hosts that store their files elsewhere, and the domains to which they redirect.
REDIRECTS = {"github.com": ("githubusercontent.com",), "huggingface.co": ("huggingface.co", "hf.co")}
PAUSES_S = (0.0, 1.0, 4.0)  # before each attempt at an address


def download(
    urls: Sequence[str],
    target: Path,
    *,
    fault: Callable[[Path], str],
    size: int | None = None,
    limit: int = MAX_DOWNLOAD_BYTES,
    progress: Progress = silent,
) -> None:
    """Download `target` from the first address whose file passes `fault`.

    `fault` returns what is wrong with a file, "" if nothing. The download is written to `<target>.partial`, from which an
    interrupted one resumes; a file that `fault` rejects is kept as `<target>.corrupt`. If `size` in bytes is given, a response
    of another size is rejected before it is downloaded; otherwise at most `limit` bytes are accepted. Redirects are followed
    within a host and to its own storage (`REDIRECTS`), never from https to http.

    Raises:
        ConnectionError: every address failed; the message has the reason of each.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        for pause_s in PAUSES_S:
            time.sleep(pause_s)
            failure, retry = _attempt(url, target, fault, size, limit if size is None else size, progress)
            if not failure:
                return
            failures.append(f"{url}: {failure}")
            if not retry:
                break
    raise ConnectionError("; ".join(dict.fromkeys(failures)))


def _attempt(
    url: str, target: Path, fault: Callable[[Path], str], size: int | None, limit: int, progress: Progress
) -> tuple[str, bool]:
    """Download once. Returns the reason of a failure, "" if none, and whether to try the same address again."""
    partial = target.with_name(f"{target.name}.partial")
    resumed = partial.exists()
    try:
        _transfer(url, partial, size, limit, progress)
    except HTTPError as error:
        if error.code != 416:  # range not satisfiable: the file is already complete
            return f"HTTP {error.code} {error.reason}", error.code >= 500 or error.code in (408, 429)
    except ValueError as error:
        return str(error), False
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return str(reason) or type(reason).__name__, not isinstance(
            reason, gaierror
        )  # an unknown host is not tried again
    problem = fault(partial)
    if problem:
        partial.replace(target.with_name(f"{target.name}.corrupt"))
        return problem, resumed  # the resumed part may have been of another file
    move_into_place(partial, target)
    return "", False


def _transfer(url: str, partial: Path, size: int | None, limit: int, progress: Progress) -> None:
    """Append the missing bytes to `partial`.

    Raises ValueError if the response is not of the expected size, exceeds `limit`, or comes from another host.
    """
    present = partial.stat().st_size if partial.exists() else 0
    if present and present == size:
        return  # complete, but not verified yet
    headers = {"User-Agent": "c3n_ros"} | ({"Range": f"bytes={present}-"} if present else {})
    with _open(Request(url, headers=headers)) as response:
        if response.headers.get("Content-Range", "").split("-")[0] != f"bytes {present}":
            present = 0  # the server sends the whole file
        announced = response.headers.get("Content-Length")
        total = present + int(announced) if announced else size
        if size is not None and total != size:
            raise ValueError(f"expected {size} bytes, the server offers {total}")
        if total is not None and total > limit:
            raise ValueError(f"expected at most {limit} bytes, the server offers {total}")
        with partial.open("ab" if present else "wb") as file:
            for chunk in progress(_Chunks(response, total and total - present), f"{partial.stem} (MiB)"):
                present += len(chunk)
                if present > limit:
                    partial.unlink()
                    raise ValueError(f"expected at most {limit} bytes, the server sends more")
                file.write(chunk)
    if total is not None and partial.stat().st_size != total:
        raise ConnectionError(f"connection closed after {partial.stat().st_size} of {total} bytes")


def _open(request: Request) -> HTTPResponse:
    opener: OpenerDirector = build_opener(_SameHost)
    return opener.open(request, timeout=TIMEOUT_S)


class _SameHost(HTTPRedirectHandler):
    """Follows redirects only within the host and to its own storage (`REDIRECTS`)."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        first_host = req.origin_req_host
        allowed = (first_host, *REDIRECTS.get(first_host, ()))
        is_own = new.hostname in allowed or (new.hostname or "").endswith(tuple(f".{host}" for host in allowed[1:]))
        if not is_own or new.scheme not in ("https", old.scheme):
            raise ValueError(f"redirects to {new.scheme}://{new.hostname}, expected {old.scheme}://{first_host}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Chunks:
    """The body of a response in chunks of 1 MiB, with an estimate of their number."""

    def __init__(self, response: HTTPResponse, expected_bytes: int | None):
        self.response, self.expected_bytes = response, expected_bytes

    def __length_hint__(self) -> int:
        return -(-(self.expected_bytes or 0) // CHUNK_BYTES)

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.response.read(CHUNK_BYTES), b"")
