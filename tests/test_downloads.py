"""Downloads from a server that misbehaves: what is resumed, what is tried again, what is refused, and what is said."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from loopback import (
    Answer,
    chunked,
    corrupt,
    cut,
    drip,
    endless,
    good,
    moved,
    no_range,
    packed,
    page,
    part,
    refused_range,
    serving,
    silent,
    stall,
    status,
    wrong_range,
)

from tlcourse import downloads
from tlcourse.downloads import Expected, Patience, fetch
from tlcourse.errors import DownloadError

CONTENT = bytes(range(256)) * 400
SHA = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(tries=3, timeout=5, wait=0.01, longest_wait=0.05)
# For servers that say nothing for 0.6 s. A busy machine may be as slow once or twice, so there are more tries.
SOON = Patience(tries=6, timeout=0.3, wait=0.01, longest_wait=0.05)
KNOWN = Expected(sha256=SHA)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is never reached through a proxy, and nobody's mirrors are asked."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("TLCOURSE_MIRRORS", raising=False)


def left(folder: Path) -> list[str]:
    """What lies in the folder besides locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize("expected", [KNOWN, Expected(), Expected(sha256=SHA[:8], size=len(CONTENT))])
def test_a_file_comes_once(tmp_path: Path, expected: Expected) -> None:
    with serving(CONTENT, good) as server:
        for _ in range(2):
            fetch(f"{server.address}/a.bin", tmp_path / "deep" / "a.bin", expected, patience=QUICK)
        assert server.asked == [("/a.bin", None)]
    assert (tmp_path / "deep" / "a.bin").read_bytes() == CONTENT
    assert left(tmp_path / "deep") == ["a.bin"]


@pytest.mark.parametrize("expected", [KNOWN, Expected()])
@pytest.mark.parametrize("broken", [cut(50_000), stall])
def test_a_broken_download_is_continued_where_it_broke(tmp_path: Path, broken: Answer, expected: Expected) -> None:
    with serving(CONTENT, broken, good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", expected, patience=SOON)
        (_, first), (_, second) = server.asked[:2]
    assert first is None and second and int(second[6:-1]) in (50_000, len(CONTENT) // 2)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT and left(tmp_path) == ["a.bin"]


def test_it_may_break_again_and_again_while_it_gets_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PROGRESS", 10_000)
    with serving(CONTENT, cut(20_000)) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert len(server.asked) == 6


def test_it_is_continued_by_the_next_run(tmp_path: Path) -> None:
    once = Patience(tries=1, timeout=5)
    with serving(CONTENT, cut(60_000), good) as server:
        with pytest.raises(DownloadError, match="the connection ended after 60,000 of 102,400 bytes"):
            fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=once)
        assert "a.bin" not in left(tmp_path)
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=once)
        assert server.asked[1] == ("/a.bin", "bytes=60000-")


def test_a_file_that_changed_meanwhile_is_not_patched_together(tmp_path: Path) -> None:
    """No checksum is known, so the server's own version decides."""
    with serving(CONTENT, cut(60_000), lambda handler, _: part(handler, CONTENT[::-1], 10**9, '"v2"')) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", patience=QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


def test_without_checksum_and_version_it_starts_again(tmp_path: Path) -> None:
    def unnamed(handler, content):  # type: ignore[no-untyped-def]
        handler.send(200, content[:70_000], len(content))

    with serving(CONTENT, unnamed, no_range) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", patience=QUICK)
        assert [asked for _, asked in server.asked] == [None, None]
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("second", [no_range, wrong_range, refused_range])
def test_a_server_without_ranges_sends_it_again(tmp_path: Path, second: Answer) -> None:
    with serving(CONTENT, cut(50_000), second, no_range) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("broken", [silent, chunked(30_000), cut(0)])
@pytest.mark.parametrize("expected", [KNOWN, Expected()])
def test_what_breaks_without_a_trace_is_noticed(tmp_path: Path, broken: Answer, expected: Expected) -> None:
    with serving(CONTENT, broken, chunked(len(CONTENT))) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", expected, patience=SOON)
        assert len(server.asked) >= 2
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_an_encoded_answer_is_not_taken_for_the_file(tmp_path: Path) -> None:
    with serving(CONTENT, packed) as server, pytest.raises(DownloadError, match="in another encoding"):
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", patience=QUICK)
    assert left(tmp_path) == []


def test_two_that_want_the_same_file_fetch_it_once(tmp_path: Path) -> None:
    with serving(CONTENT, good) as server, ThreadPoolExecutor() as both:
        ask = partial(fetch, f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert [one.result().read_bytes() == CONTENT for one in [both.submit(ask) for _ in range(3)]] == [True] * 3
        assert len(server.asked) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_busy_server_is_asked_again(tmp_path: Path, code: int) -> None:
    with serving(CONTENT, status(code), status(code, Retry_After="9999"), good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert len(server.asked) == 3


def test_what_is_not_there_is_asked_for_once_and_again_in_the_next_run(tmp_path: Path) -> None:
    with serving(CONTENT, status(404), good) as server:
        url = f"{server.address}/a.bin"
        with pytest.raises(DownloadError, match=f"{url}: the server answers 404") as caught:
            fetch(url, tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert len(server.asked) == 1 and str(tmp_path / "a.bin") in caught.value.cure
        fetch(url, tmp_path / "a.bin", KNOWN, patience=QUICK)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (corrupt, "damaged or another: its SHA-256 is not"),
        (page, "what came is a web page"),
        (status(503), "answers 503 Service Unavailable, 3 times in a row"),
        (cut(0), "ended after 0 of 102,400"),
    ],
)
def test_patience_ends_with_a_reason_and_nothing_wrong_is_left(tmp_path: Path, answer: Answer, message: str) -> None:
    with serving(CONTENT, answer) as server:
        with pytest.raises(DownloadError, match=message):
            fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert len(server.asked) == QUICK.tries
    assert "a.bin" not in left(tmp_path)


def test_a_server_that_drips_has_stalled(tmp_path: Path) -> None:
    with serving(CONTENT, drip) as server, pytest.raises(DownloadError, match=r"sent \d+ bytes in 0 s|nothing came"):
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=replace(SOON, tries=2))


def test_one_damaged_download_is_made_again(tmp_path: Path) -> None:
    with serving(CONTENT, corrupt, good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        (Expected(md5=hashlib.md5(CONTENT).hexdigest()), None),
        (Expected(size=len(CONTENT), md5_start=hashlib.md5(CONTENT).hexdigest()), None),
        (Expected(md5="0" * 32), "its MD5 is not"),
        (Expected(md5_start="0" * 32), "the MD5 of its first MiB is not"),
        (Expected(size=7), "the file there has 102,400 bytes, not 7"),
    ],
)
def test_every_kind_of_check_is_made(tmp_path: Path, expected: Expected, why: str | None) -> None:
    with serving(CONTENT, good) as server:
        if why is None:
            fetch(f"{server.address}/a.bin", tmp_path / "a.bin", expected, patience=QUICK)
            return
        with pytest.raises(DownloadError, match=why):
            fetch(f"{server.address}/a.bin", tmp_path / "a.bin", expected, patience=QUICK)
    assert left(tmp_path) == []


@pytest.mark.parametrize("expected", [Expected(), Expected(size=len(CONTENT), sha256=SHA)])
def test_an_endless_body_is_cut_off(tmp_path: Path, expected: Expected) -> None:
    with serving(CONTENT, endless) as server:
        with pytest.raises(DownloadError, match="it sends more than"):
            fetch(f"{server.address}/a.bin", tmp_path / "a.bin", expected, largest=2**20, patience=QUICK)
        assert len(server.asked) == 1
    assert left(tmp_path) == []


def test_a_file_said_to_be_too_large_is_not_begun(tmp_path: Path) -> None:
    with serving(CONTENT, good) as server, pytest.raises(DownloadError, match=r"more than 1,000 are not accepted"):
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", largest=1000, patience=QUICK)
    assert left(tmp_path) == []


def test_a_disk_without_room_is_told_before_anything_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 9})())
    with serving(CONTENT, good) as server, pytest.raises(DownloadError, match="needs 0 MiB") as caught:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", patience=QUICK)
    assert "TLCOURSE_CACHE" in caught.value.cure


class TestMirrors:
    """Several addresses, and folders of one's own."""

    def test_the_next_address_goes_on_where_the_first_broke(self, tmp_path: Path) -> None:
        once = Patience(tries=1, timeout=5)
        with serving(CONTENT, cut(40_000)) as first, serving(CONTENT, good) as second:
            fetch([f"{first.address}/a.bin", f"{second.address}/b.bin"], tmp_path / "a.bin", KNOWN, patience=once)
            assert second.asked == [("/b.bin", "bytes=40000-")]
        assert (tmp_path / "a.bin").read_bytes() == CONTENT

    def test_all_that_failed_are_named(self, tmp_path: Path) -> None:
        with serving(CONTENT, status(403)) as first, serving(CONTENT, page) as second:
            urls = [f"{first.address}/a.bin", f"{second.address}/a.bin"]
            with pytest.raises(DownloadError, match=rf"{urls[0]}: .*403.*; {urls[1]}: .*web page"):
                fetch(urls, tmp_path / "a.bin", KNOWN, patience=QUICK)

    def test_nobody_at_the_door_is_soon_noticed(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.bin"
            with pytest.raises(DownloadError, match="refused, 2 times in a row"):
                fetch(url, tmp_path / "a.bin", KNOWN, patience=Patience(tries=9, wait=0.01))

    @pytest.mark.parametrize("as_url", [False, True])
    def test_a_local_folder_serves_as_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_url: bool) -> None:
        shelf = tmp_path / "shelf"
        shelf.mkdir()
        (shelf / "a.bin").write_bytes(CONTENT)
        monkeypatch.setenv("TLCOURSE_MIRRORS", f"/no/such/folder {shelf.as_uri() if as_url else shelf}")
        fetch("http://127.0.0.1:9/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT == (shelf / "a.bin").read_bytes()

    def test_a_mirror_on_the_net_is_asked_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with serving(CONTENT, good) as server:
            monkeypatch.setenv("TLCOURSE_MIRRORS", f"{server.address}/course/")
            fetch("http://127.0.0.1:9/x.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
            assert server.asked == [("/course/a.bin", None)]

    def test_a_wrong_file_in_a_folder_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "wrong.bin").write_bytes(b"other")
        with serving(CONTENT, good) as server:
            fetch([str(tmp_path / "wrong.bin"), f"{server.address}/a.bin"], tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_redirects_are_followed_but_not_out_of_encryption(tmp_path: Path) -> None:
    with serving(CONTENT, moved, good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
        assert [path for path, _ in server.asked] == ["/a.bin", "/elsewhere.bin"]
    request = downloads.urllib.request.Request("https://example.org/a.bin")
    with pytest.raises(Exception, match="not encrypted"):
        downloads._SafeRedirects().redirect_request(request, None, 302, "", {}, "http://example.org/a.bin")


def test_a_damaged_file_of_an_earlier_download_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"half")
    with serving(CONTENT, good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, patience=QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(CONTENT, good) as server:
        fetch(f"{server.address}/a.bin", tmp_path / "a.bin", KNOWN, report=lambda *now: seen.append(now))
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)


def test_a_killed_download_leaves_its_place_free_and_is_continued(tmp_path: Path) -> None:
    code = (
        "import os, sys; from tlcourse.downloads import fetch, Expected\n"
        f"fetch(sys.argv[1], {str(tmp_path / 'a.bin')!r}, Expected(sha256={SHA!r}), "
        "report=lambda have, _: os._exit(9) if have > 60_000 else None)"
    )
    with serving(CONTENT, good) as server:
        url = f"{server.address}/a.bin"
        assert subprocess.run([sys.executable, "-c", code, url], env=os.environ).returncode == 9
        assert "a.bin" not in left(tmp_path)
        fetch(url, tmp_path / "a.bin", KNOWN, patience=QUICK)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
