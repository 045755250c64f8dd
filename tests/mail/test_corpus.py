"""Whatever comes is kept, and read or shown to a clerk; nothing waits for it."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.intake import keep
from otklik.channels.mail.parse import parse
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage
from tests.mail import letters

State = IncomingMessage.State
CHANNELS = {ChannelCode.EMAIL: MailChannel()}


@pytest.mark.django_db
def test_every_broken_letter_is_read_or_quarantined_and_none_delays_the_good_ones():
    names: dict[int, list[str]] = {}
    for name, raw in letters.corpus():
        names.setdefault(keep(raw).message.pk, []).append(name)
    good = keep(letters.letter()).message
    assert sum(map(len, names.values())) >= 200
    while inbox.parse_next(CHANNELS):
        pass
    good.refresh_from_db()
    assert good.state == State.NEW
    states = Counter(IncomingMessage.objects.filter(pk__in=names).values_list("state", flat=True))
    quarantined = IncomingMessage.objects.filter(state=State.QUARANTINED)
    for message in quarantined:
        sys.stdout.write(f"quarantined {names[message.pk]}: {message.problem}\n")
    sys.stdout.write(f"broken letters: {sum(map(len, names.values()))}, rows {dict(states)}\n")
    assert set(states) <= {State.NEW, State.QUARANTINED}
    assert all(message.problem for message in quarantined)


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
