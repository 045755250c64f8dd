"""Whatever comes is kept, and read or shown to a clerk; nothing waits for it."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import pytest

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.intake import Letter, keep, keep_each
from otklik.channels.mail.parse import parse
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingFile, IncomingMessage
from tests.mail import letters
from tests.sizes import size

State = IncomingMessage.State
T = TypeVar("T")
CHANNELS = {ChannelCode.EMAIL: MailChannel()}


@pytest.mark.django_db
def test_every_broken_letter_is_read_and_none_delays_the_good_ones(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # the disk is not what is tried here
    names: dict[int, list[str]] = {}
    broken = chain(letters.corpus(), letters.archives(), letters.mangled(size(90, full=2_000)))
    for portion in batched(broken, 200):
        kept = keep_each([Letter(raw) for _, raw in portion])
        for (name, _), accepted in zip(portion, kept, strict=True):
            assert accepted is not None, name
            names.setdefault(accepted.message.pk, []).append(name)
    IncomingMessage.objects.update(parse_started_at=None, parse_attempts=0)
    good = keep(letters.letter()).message
    assert len(names) >= 200  # several differ in their headers only, and are one letter
    while inbox.parse_next(CHANNELS):
        pass
    good.refresh_from_db()
    assert good.state == State.NEW
    states = Counter(IncomingMessage.objects.filter(pk__in=names).values_list("state", flat=True))
    quarantined = IncomingMessage.objects.filter(state=State.QUARANTINED)
    for message in quarantined:
        sys.stdout.write(f"quarantined {names[message.pk]}: {message.problem}\n")
    sys.stdout.write(f"broken letters: {sum(map(len, names.values()))}, rows {dict(states)}\n")
    assert set(states) == {State.NEW}  # a letter that cannot be read at all has not been found yet
    assert not quarantined.exists()
    assert not list(Path("/tmp").glob("otklik-escaped*"))
    for paper in IncomingFile.objects.exclude(name="").values_list("name", flat=True):
        assert not {"/", "\\", "\x00"} & set(paper)
        assert paper not in {".", ".."}


def batched(items: Iterable[T], count: int) -> Iterator[list[T]]:
    """Yield lists of up to `count` items."""
    there = iter(items)
    while portion := list(islice(there, count)):
        yield portion


def test_no_letter_however_broken_takes_long_to_read(tmp_path):
    path, slowest = tmp_path / "one.eml", (0.0, "")
    for name, raw in chain(letters.archives(), letters.mangled(size(150, full=5_000))):
        path.write_bytes(raw)
        began = time.process_time()
        parse(path)
        slowest = max(slowest, (time.process_time() - began, name))
    sys.stdout.write(f"slowest: {slowest[1]}, {slowest[0]:.2f} s\n")
    assert slowest[0] < 2


@pytest.mark.django_db
@pytest.mark.parametrize("charset", letters.CHARSETS)
@pytest.mark.parametrize("declared", [*letters.CHARSETS, "", "us-ascii", "iso-8859-1", "x-unknown", "windows-1258"])
def test_russian_text_is_read_whatever_charset_its_letter_names(charset, declared):
    message = keep(letters.encoded(charset, declared, "base64")).message
    inbox.parse(message, CHANNELS)
    assert message.text == letters.TEXT
    if charset not in {declared, "utf-8"}:
        assert any("кодировка" in note for note in message.notes)


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><title>Письмо<body><p>Прошу ответить</p>",
        "<head><meta charset=utf-8><p>Прошу ответить</p>",
        "<title>Письмо<div>Прошу ответить</div>",
        "<HTML><HEAD><TITLE>Письмо</TITLE><P>Прошу ответить",
    ],
)
def test_a_head_that_never_ends_does_not_swallow_the_letter(html, tmp_path):
    path = tmp_path / "one.eml"
    path.write_bytes(letters.raw(b"From: a@b.example\nContent-Type: text/html; charset=utf-8", html.encode()))
    read = parse(path)
    assert "Прошу ответить" in read.text
    assert "Прошу ответить" in read.html
