"""Downloads from a real server: resume, retry, mirrors, and no final name before verification."""

import random
from operator import length_hint
from socket import gaierror
from urllib.error import URLError

import pytest
from file_server import file_server

from c3n_model.weights import download as module
from c3n_model.weights.download import download

CONTENT = random.Random(0).randbytes(10_000)


def fault(path):
    return "" if path.read_bytes() == CONTENT else "other bytes"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "PAUSES_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(module, "CHUNK_BYTES", 1000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with file_server() as server:
        server.files["/a"] = CONTENT
        yield server


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "a.bin"


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


def test_plain(server, target):
    titles = []

    def progress(chunks, title):
        titles.append((title, length_hint(chunks)))
        return chunks

    download([server.url("/a")], target, fault=fault, size=10_000, progress=progress)
    assert target.read_bytes() == CONTENT
    assert names(target) == ["a.bin"]
    assert titles == [("a.bin (MiB)", 10)]


def test_resumes_after_the_server_closes_the_connection(server, target):
    server.breaks["/a"] = 4000
    download([server.url("/a")], target, fault=fault)
    assert target.read_bytes() == CONTENT
    assert server.requests == [("/a", None), ("/a", "bytes=4000-")]


def test_resumes_an_earlier_interrupted_run(server, target):
    target.parent.mkdir()
    target.with_name("a.bin.partial").write_bytes(CONTENT[:7000])
    download([server.url("/a")], target, fault=fault, size=10_000)
    assert target.read_bytes() == CONTENT
    assert server.requests == [("/a", "bytes=7000-")]


@pytest.mark.parametrize(("size", "requests"), [(10_000, 0), (None, 1)])
def test_a_complete_partial_file_only_needs_the_check(server, target, size, requests):
    target.parent.mkdir()
    target.with_name("a.bin.partial").write_bytes(CONTENT)
    download([server.url("/a")], target, fault=fault, size=size)
    assert names(target) == ["a.bin"]
    assert len(server.requests) == requests


def test_server_without_ranges_starts_over(server, target):
    server.ranges = False
    server.breaks["/a"] = 4000
    download([server.url("/a")], target, fault=fault)
    assert target.read_bytes() == CONTENT


def test_a_partial_file_of_another_download_is_dropped(server, target):
    target.parent.mkdir()
    target.with_name("a.bin.partial").write_bytes(b"x" * 7000)
    download([server.url("/a")], target, fault=fault)
    assert target.read_bytes() == CONTENT
    assert server.requests == [("/a", "bytes=7000-"), ("/a", None)]


def test_wrong_bytes_never_get_the_final_name(server, target):
    server.files["/a"] = b"forged"
    with pytest.raises(ConnectionError, match="/a: other bytes"):
        download([server.url("/a")], target, fault=fault)
    assert names(target) == ["a.bin.corrupt"]
    assert len(server.requests) == 1, "asking the same address again brings the same bytes"


def test_mirrors_in_turn(server, target):
    server.files["/forged"] = b"y" * 10_000
    urls = [server.url(path) for path in ("/missing", "/forged", "/a")]
    download(urls, target, fault=fault, size=10_000)
    assert target.read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/missing", "/forged", "/a"]


def test_another_size_is_refused_before_it_is_downloaded(server, target):
    server.files["/a"] = b"<html>please log in</html>"
    with pytest.raises(ConnectionError, match="10000 bytes.* 26"):
        download([server.url("/a")], target, fault=fault, size=10_000)
    assert names(target) == []


def test_no_server_answers(server, target):
    url = server.url("/a").replace(str(server.server_port), "1")
    with pytest.raises(ConnectionError, match="127.0.0.1:1/a: .*refused"):
        download([url], target, fault=fault)


def test_without_a_network_there_are_no_retries(monkeypatch, target):
    calls = []

    def no_network(request, timeout):
        calls.append(request.full_url)
        raise URLError(gaierror(-2, "Name or service not known"))

    monkeypatch.setattr(module.OpenerDirector, "open", lambda opener, request, timeout: no_network(request, timeout))
    with pytest.raises(ConnectionError, match="Name or service not known"):
        download(["https://nowhere.invalid/a"], target, fault=fault)
    assert len(calls) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.2:{port}/a", "http://localhost:{port}/a", "ftp://127.0.0.1/a"])
def test_a_redirect_to_another_host_is_refused(server, target, address):
    server.redirects["/b"] = address.format(port=server.server_port)
    with pytest.raises(ConnectionError, match="redirect|Redirect"):
        download([server.url("/b")], target, fault=fault)
    assert names(target) == []


def test_a_redirect_within_the_host_is_followed(server, target):
    server.redirects["/b"] = "/a"
    download([server.url("/b")], target, fault=fault)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "old, new, allowed",
    [
        ("https://github.com/a", "https://release-assets.githubusercontent.com/b", True),
        ("https://huggingface.co/a", "https://cas-bridge.xethub.hf.co/b", True),
        ("https://github.com/a", "https://githubusercontent.com.evil.org/b", False),
        ("https://github.com/a", "https://evilgithubusercontent.com/b", False),
        ("https://github.com/a", "http://github.com/b", False),
        ("https://zenodo.org/a", "https://githubusercontent.com/b", False),
    ],
)
def test_hosts_redirect_to_their_own_storage_only(old, new, allowed):
    follow = lambda: module._SameHost().redirect_request(module.Request(old), None, 302, "Found", {}, new)  # noqa: E731
    if allowed:
        assert follow().full_url == new
    else:
        with pytest.raises(ValueError, match="redirects to"):
            follow()


@pytest.mark.parametrize("announced", [True, False])
def test_downloads_stop_at_the_limit(server, target, announced):
    server.announces = announced
    with pytest.raises(ConnectionError, match="more than 4000 bytes|at most 4000"):
        download([server.url("/a")], target, fault=fault, limit=4000)
    assert names(target) == []
