"""Download a file over HTTP: resumed where it broke off, from the next mirror if one fails, checked before it gets its name."""

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
TIMEOUT_S = 30.0  # without a byte
# Hosts that keep their files elsewhere, and the domains they send to.
REDIRECTS = {"github.com": ("githubusercontent.com",), "huggingface.co": ("huggingface.co", "hf.co")}
PAUSES_S = (0.0, 1.0, 4.0)  # before each attempt at one address


def download(
    urls: Sequence[str],
    target: Path,
    *,
    fault: Callable[[Path], str],
    size: int | None = None,
    limit: int = MAX_DOWNLOAD_BYTES,
    progress: Progress = silent,
) -> None:
    """Write `target` from the first address that gives what `fault` (what is wrong, or "") has no objection to.

    Meanwhile the bytes lie in `<target>.partial`, and an interrupted download goes on from there. What `fault` rejects is
    kept as `<target>.corrupt`. `size` in bytes, where known, refuses a wrong answer before it is downloaded; without it no
    more than `limit` bytes are taken. Redirects are followed within a host, and from it to its own stores (`REDIRECTS`), never
    from https to http.

    Raises:
        ConnectionError: no address gave it; the message has the reason of each.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        for pause_s in PAUSES_S:
            time.sleep(pause_s)
            failure, worth_repeating = _attempt(url, target, fault, size, limit if size is None else size, progress)
            if not failure:
                return
            failures.append(f"{url}: {failure}")
            if not worth_repeating:
                break
    raise ConnectionError("; ".join(dict.fromkeys(failures)))


def _attempt(
    url: str, target: Path, fault: Callable[[Path], str], size: int | None, limit: int, progress: Progress
) -> tuple[str, bool]:
    """Return what failed, "" if nothing, and whether the same address may do better the next time."""
    partial = target.with_name(f"{target.name}.partial")
    resumed = partial.exists()
    try:
        _transfer(url, partial, size, limit, progress)
    except HTTPError as error:
        if error.code != 416:  # which says that nothing is left to send: what is here gets checked
            return f"HTTP {error.code} {error.reason}", error.code >= 500 or error.code in (408, 429)
    except ValueError as error:
        return str(error), False
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return str(reason) or type(reason).__name__, not isinstance(reason, gaierror)  # an unknown host: no network
    wrong = fault(partial)
    if wrong:
        partial.replace(target.with_name(f"{target.name}.corrupt"))
        return wrong, resumed  # the beginning may have been of another file
    move_into_place(partial, target)
    return "", False


def _transfer(url: str, partial: Path, size: int | None, limit: int, progress: Progress) -> None:
    """Append to `partial` what it lacks. Raises ValueError if the answer has another size than it should, or comes from
    another host."""
    have = partial.stat().st_size if partial.exists() else 0
    if have and have == size:
        return  # all was there, only the check had not been done
    headers = {"User-Agent": "c3n_ros"} | ({"Range": f"bytes={have}-"} if have else {})
    with _open(Request(url, headers=headers)) as response:
        if response.headers.get("Content-Range", "").split("-")[0] != f"bytes {have}":
            have = 0  # the server sends all of it
        announced = response.headers.get("Content-Length")
        total = have + int(announced) if announced else size
        if size is not None and total != size:
            raise ValueError(f"offers {total} bytes instead of {size}")
        if total is not None and total > limit:
            raise ValueError(f"offers {total} bytes, expected at most {limit}")
        with partial.open("ab" if have else "wb") as file:
            for chunk in progress(_Chunks(response, total and total - have), f"{partial.stem} (MiB)"):
                have += len(chunk)
                if have > limit:
                    partial.unlink()
                    raise ValueError(f"sends more than {limit} bytes")
                file.write(chunk)
    if total is not None and partial.stat().st_size != total:
        raise ConnectionError(f"broke off after {partial.stat().st_size} of {total} bytes")


def _open(request: Request) -> HTTPResponse:
    opener: OpenerDirector = build_opener(_SameHost)
    return opener.open(request, timeout=TIMEOUT_S)


class _SameHost(HTTPRedirectHandler):
    """Follows redirects to where the file may come from, and no others: names and proxies can lead anywhere."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        first_host = req.origin_req_host
        allowed = (first_host, *REDIRECTS.get(first_host, ()))
        is_own = new.hostname in allowed or (new.hostname or "").endswith(tuple(f".{host}" for host in allowed[1:]))
        if not is_own or new.scheme not in ("https", old.scheme):
            raise ValueError(f"redirects to {new.scheme}://{new.hostname}, expected {old.scheme}://{first_host}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Chunks:
    """A response's body in chunks of 1 MiB, with an estimate of how many."""

    def __init__(self, response: HTTPResponse, expected_bytes: int | None):
        self.response, self.expected_bytes = response, expected_bytes

    def __length_hint__(self) -> int:
        return -(-(self.expected_bytes or 0) // CHUNK_BYTES)

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.response.read(CHUNK_BYTES), b"")
