"""What an address inside a message gives is fetched from the other side's own hosts only, however it leads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from otklik.channels import wire
from otklik.correspondence.channel import SourceError

HOSTS = ("vk.com", "userapi.com")


class Answer:
    """An answer of a server, as `requests` gives it."""

    def __init__(self, status: int = 200, content: bytes = b"", to: str = "") -> None:
        self.status_code, self.content, self.is_redirect = status, content, bool(to)
        self.headers = {"Location": to}

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""

    def iter_content(self, _: int) -> Iterator[bytes]:
        yield from (self.content[:3], self.content[3:])


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    pages: dict[str, Any] = {}

    def get(url: str, **_: Any) -> Answer:
        found: Answer = pages[url]
        return found

    monkeypatch.setattr(requests, "get", get)
    return pages


def test_a_document_is_followed_to_where_the_network_keeps_it(web, tmp_path):
    web["https://vk.com/doc1_2?hash=a"] = Answer(302, to="https://psv4.userapi.com/d.pdf")
    web["https://psv4.userapi.com/d.pdf"] = Answer(content=b"%PDF-1")
    wire.download("https://vk.com/doc1_2?hash=a", tmp_path / "d", hosts=HOSTS, limit=100)
    assert (tmp_path / "d").read_bytes() == b"%PDF-1"


@pytest.mark.parametrize(
    "to",
    [
        "http://psv4.userapi.com/d.pdf",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "https://vk.com.evil.example/",
        "//[::1",
    ],
)
def test_a_redirect_that_leads_elsewhere_is_not_followed(web, tmp_path, to):
    web["https://vk.com/doc1_2"] = Answer(302, to=to)
    with pytest.raises(SourceError, match="не скачан"):
        wire.download("https://vk.com/doc1_2", tmp_path / "d", hosts=HOSTS, limit=100)
    assert not (tmp_path / "d").exists()


def test_a_ring_of_redirects_ends(web, tmp_path):
    web["https://vk.com/a"] = Answer(302, to="https://vk.com/a")
    with pytest.raises(SourceError, match="ответил 302"):
        wire.download("https://vk.com/a", tmp_path / "d", hosts=HOSTS, limit=100)


def test_what_is_too_large_or_comes_drop_by_drop_is_given_up(web, tmp_path, monkeypatch):
    web["https://vk.com/a"] = Answer(content=b"x" * 50)
    with pytest.raises(SourceError, match="больше"):
        wire.download("https://vk.com/a", tmp_path / "d", hosts=HOSTS, limit=10)
    monkeypatch.setattr(wire, "LONGEST_DOWNLOAD", -1.0)
    with pytest.raises(SourceError, match="слишком долго"):
        wire.download("https://vk.com/a", tmp_path / "d", hosts=HOSTS, limit=100)
