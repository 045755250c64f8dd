"""Letters as bytes: good ones, and every kind of broken one that mail brings."""

from __future__ import annotations

import base64
import io
import quopri
import random
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

TEXT = "Здравствуйте! Прошу предоставить сведения об аренде земельного участка и порядке выкупа."
CHARSETS = ("koi8-r", "windows-1251", "iso-8859-5", "cp866", "utf-8")


def letter(
    *,
    message_id: str = "<one@citizen.example>",
    sender: str = "Анна Тестова <anna@citizen.example>",
    subject: str = "Аренда участка",
    text: str = TEXT,
    html: str = "",
    files: list[tuple[str, bytes]] | None = None,
    **headers: str,
) -> bytes:
    """Return a letter a well-behaved program would send."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"] = sender, "info@department.example"
    made["Subject"], made["Date"] = subject, "Tue, 24 Nov 2026 10:00:00 +0700"
    if message_id:
        made["Message-ID"] = message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    for name, content in files or []:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


def raw(headers: bytes, body: bytes = b"") -> bytes:
    """Return a letter exactly as given."""
    return headers.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def encoded(charset: str, declared: str, encoding: str, text: str = TEXT) -> bytes:
    """Return a letter whose text is in one charset and whose header names another."""
    body = text.encode(charset)
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    kind = f"Content-Type: text/plain{f'; charset={declared}' if declared else ''}".encode()
    head = b"From: anna@citizen.example\nSubject: x\nMIME-Version: 1.0\n%s\nContent-Transfer-Encoding: %s"
    return raw(head % (kind, encoding.encode()), body)


def nested(depth: int) -> bytes:
    """Return a letter inside a letter, `depth` times."""
    inner = raw(b"From: a@b.example\nSubject: inner", b"text")
    for level in range(depth):
        inner = raw(b"From: a@b.example\nSubject: level %d\nContent-Type: message/rfc822" % level, inner)
    return inner


def multiparts(depth: int) -> bytes:
    """Return multiparts inside multiparts."""
    heads = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)
    )
    return b"From: a@b.example\r\nSubject: deep\r\n" + heads + b"Content-Type: text/plain\r\n\r\nbottom"


def parted(*parts: bytes, kind: bytes = b"mixed", end: bytes = b"--XX--\r\n") -> bytes:
    """Return a multipart letter of raw parts."""
    head = b"From: a@b.example\nSubject: parts\nContent-Type: multipart/%s; boundary=XX" % kind
    return raw(head, b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + end)


def report(about: str, *, action: str = "failed", status: str = "5.1.1", envelope: str = "") -> bytes:
    """Return a mail server's report about a letter of ours (RFC 3464)."""
    return raw(
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: info@department.example\nSubject: Undelivered\n"
        b"Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=R",
        b"--R\r\nContent-Type: text/plain\r\n\r\nNo such user\r\n"
        b"--R\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n"
        b"Original-Envelope-Id: %s\r\n\r\n"
        b"Final-Recipient: rfc822; anna@citizen.example\r\nAction: %s\r\nStatus: %s\r\n"
        b"Diagnostic-Code: smtp; 550 no such\r\n user here\r\n\r\n"
        b"--R\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: %s\r\nSubject: x\r\n\r\n--R--\r\n"
        % (envelope.encode(), action.encode(), status.encode(), about.encode()),
    )


def mangled(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield letters broken by chance, the same ones at every run: as programs, cables and people break them."""
    dice = random.Random(3_1)
    whole = [
        letter(html="<p>Прошу <b>ответить</b></p>", files=[("план.pdf", b"%PDF-1.7" + bytes(range(256)) * 4)]),
        letter(subject="Договор № 12 " * 20, Cc="a@b.example, =?koi8-r?B?8NLJ18XU?= <c@d.example>"),
        encoded("koi8-r", "windows-1251", "base64"),
        encoded("windows-1251", "", "8bit"),
        report("<1@department.example>"),
        nested(3),
    ]
    for number in range(count):
        broken = bytearray(dice.choice(whole))
        blow = dice.choice(BLOWS)
        for _ in range(dice.randint(1, 12)):
            blow(broken, dice)
        yield f"mangled {number}, {blow.__name__}", b"X-Broken: %d\r\n" % number + bytes(broken)


def flip(raw: bytearray, dice: random.Random) -> None:
    """Change a byte."""
    if raw:
        raw[dice.randrange(len(raw))] = dice.randrange(256)


def cut(raw: bytearray, dice: random.Random) -> None:
    """Lose the end."""
    del raw[dice.randrange(len(raw) // 2, len(raw) + 1) :]


def drop(raw: bytearray, dice: random.Random) -> None:
    """Lose a piece."""
    start = dice.randrange(len(raw) + 1)
    del raw[start : start + dice.randint(1, 60)]


def repeat(raw: bytearray, dice: random.Random) -> None:
    """Say a piece twice."""
    start = dice.randrange(len(raw) + 1)
    raw[start:start] = raw[start : start + dice.randint(1, 400)]


def stuff(raw: bytearray, dice: random.Random) -> None:
    """Put in what stood nowhere: zeros, line ends, boundaries, half of an encoded word."""
    start = dice.randrange(len(raw) + 1)
    raw[start:start] = dice.choice(
        (b"\x00" * 40, b"\r\n\r\n", b"\r", b"--", b"=?utf-8?b?", b"\xff\xfe", b"=", b'"', b"\r\n--XX--\r\n", b"<" * 50)
    )


def swap(raw: bytearray, dice: random.Random) -> None:
    """Put a line where another stood."""
    lines = bytes(raw).split(b"\r\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    raw[:] = b"\r\n".join(lines)


def shout(raw: bytearray, dice: random.Random) -> None:
    """Turn the small letters of a stretch into capitals: names of headers bear it, base64 does not."""
    start = dice.randrange(len(raw) + 1)
    raw[start : start + 200] = raw[start : start + 200].upper()


BLOWS = (flip, cut, drop, repeat, stuff, swap, shout)


def archives() -> Iterator[tuple[str, bytes]]:
    """Yield letters with archives that would grow beyond measure, climb out of their folder, or are none."""
    for name, content in (
        ("bomb.zip", packed("a.txt", bytes(8 * 1024 * 1024))),
        ("climbs.zip", packed("../../../../tmp/otklik-escaped", b"x")),
        ("empty.zip", b"PK\x05\x06" + bytes(18)),
        ("cut.zip", packed("a.txt", b"text")[:40]),
        ("inside.zip", packed("inner.zip", packed("inner.zip", bytes(1024 * 1024)))),
        ("..", b"x"),
        ("../../etc/passwd", b"root"),
        ("C:\\boot.ini", b"x"),
        ("план\u202efdp.exe", b"MZ"),
        ("con", b"x"),
        ("." * 300, b"x"),
    ):
        made = letter(message_id=f"<{len(name)}.{len(content)}@c.example>", files=[("план.pdf", content)])
        yield f"archive {name[:20]!r}", made.replace(b"filename*=utf-8''%D0%BF%D0%BB%D0%B0%D0%BD.pdf", _named(name))
    for damage in (b"====", b"A" * 77 + b"\r\n", b"\xff\x00" * 20, b"!!!!\r\n" * 10, b"QUJD\r\n--XX\r\nQUJD"):
        part = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + damage
        yield f"base64 {damage[:6]!r}", parted(part, b"Content-Type: text/plain\r\n\r\nlast words")
    for tnef in (b"", b"\x78\x9f\x3e\x22" + bytes(5), b"\x78\x9f\x3e\x22" + b"\xff" * 3_000):
        yield f"winmail {len(tnef)}", parted(b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n" + tnef)


def packed(name: str, content: bytes) -> bytes:
    """Return an archive of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def _named(name: str) -> bytes:
    return b"filename*=utf-8''" + quote(name).encode()


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield named broken letters, at least two hundred."""
    for charset in CHARSETS:
        for declared in (
            *CHARSETS,
            "",
            "us-ascii",
            "x-unknown",
            "windows-1258",
            "utf-7",
            "utf-16",
            "\udcff".encode("utf-8", "surrogatepass").hex(),
        ):
            for encoding in ("8bit", "base64", "quoted-printable"):
                yield f"{charset} said to be {declared or 'nothing'}, {encoding}", encoded(charset, declared, encoding)
    for header in (
        b"",
        b"From:",
        b"From: ",
        b"From: <>",
        b"From: nobody",
        b"From: a@b@c",
        b"From: \xff\xfe <a@b.example>",
        b"From: =?utf-8?b?0?= <a@b.example>",
        b"From: =?nope?q?x?= <a@b.example>",
        b"From: \x00 <a\x00@b.example>",
        b"From: " + b"x" * 100_000 + b"@b.example",
        b'From: "unclosed <a@b.example>',
        b"From: a@b.example, c@d.example",
        b"From: =?koi8-r?B?8NLJ18XU?= <a@b.example>",
        b"From: (comment (nested) <a@b.example>",
        b"From: @b.example",
    ):
        yield f"sender {header[:30]!r}", raw(header + b"\nSubject: s" if header else b"Subject: s", b"text")
    for date in (
        b"",
        b"never",
        b"Tue, 99 Nov 2026 99:99:99 +9999",
        b"Mon, 01 Jan 0001 00:00:00 +0000",
        b"1 Jan 99999 00:00 +0000",
        b"Tue, 24 Nov 2099 10:00:00 +0700",
        b"-1",
        b"Tue, 24 Nov 2026 10:00:00 +99999999",
        b"\xff\xff",
    ):
        yield f"date {date!r}", raw(b"From: a@b.example\nSubject: s\nDate: " + date, b"text")
    for subject in (
        b"",
        b"=?utf-8?q?",
        b"=?utf-8?b?!!!?=",
        b"\xcf\xf0\xee\xf1\xfc\xe1\xe0",
        b"\x00\x00",
        b"a" * 200_000,
        b"=?koi8-r?q?=F0=D2?= =?windows-1251?b?7w==?=",
        b"=?utf-8?b?7aCA?=",
        b"x\n\tfolded\n y",
        b"=?utf-16?b?//4=?=",
    ):
        yield f"subject {subject[:30]!r}", raw(b"From: a@b.example\nSubject: " + subject, b"text")
    for name in (
        b"filename=\xff\xfe",
        b"filename*=utf-8''%D0%9F",
        b"filename*=koi8-r''%F0%F2",
        b"filename*0*=utf-8''%D0;filename*1=%9F",
        b"filename*=nope''%FF",
        b"filename*=utf-8",
        b"filename*0=a;filename*0=b",
        b"filename=../../etc/passwd",
        b'filename="a\x00b"',
        b"filename=" + b"x" * 5000,
        b"filename==?koi8-r?b?8NLJ18XU?=",
        b"filename*1*=x",
        b"filename*xx*=y",
        b'filename=""',
    ):
        part = b"Content-Type: application/pdf\r\nContent-Disposition: attachment; " + name + b"\r\n\r\n%PDF"
        yield f"file name {name[:30]!r}", parted(part)
    for kind in (
        b"",
        b"text",
        b"/",
        b"text/plain; charset",
        b'text/plain; charset="',
        b"multipart/mixed",
        b"multipart/mixed; boundary=",
        b"multipart/mixed; boundary=absent",
        b"multipart/alternative; boundary=\xff",
        b"message/rfc822",
        b"message/partial; id=1",
        b"message/external-body",
        b"message/delivery-status",
        b"multipart/report",
        b"application/ms-tnef; name=winmail.dat",
        b"multipart/signed; boundary=XX",
        b"text/html; charset=utf-16",
        b"image/png",
        b"text/calendar",
        b"\x00/\x00",
    ):
        yield f"type {kind!r}", raw(b"From: a@b.example\nSubject: s\nContent-Type: " + kind, b"text \x00 \xff")
    for encoding in (b"base64", b"quoted-printable", b"uuencode", b"x-uue", b"binary", b"nope", b"", b"7bit"):
        for body in (b"=ZZ=\xff=", b"A", b"begin 666 f\r\nbroken\r\nend\r\n", b"\x00" * 1000):
            yield (
                f"encoding {encoding!r} over {body[:8]!r}",
                raw(
                    b"From: a@b.example\nSubject: s\nContent-Type: text/plain\nContent-Transfer-Encoding: " + encoding,
                    body,
                ),
            )
    for html in (
        b"<script>alert(1)</script>",
        b"<img src=http://evil.example/t.gif>",
        b"<div>" * 3000,
        b"<![CDATA[",
        b"<!--",
        b"&#0;&#xD800;",
        b"<a href='javascript:x'>y</a>",
        b"<style>" * 50,
        b"<p" * 2000,
        b"\x00<b>\x00",
        b"<table>" * 200 + b"x",
    ):
        yield f"html {html[:20]!r}", raw(b"From: a@b.example\nContent-Type: text/html; charset=utf-8", html)
    yield "nothing at all", b""
    yield "one line end", b"\r\n"
    yield "only NUL bytes", b"\x00" * 5000
    yield "random bytes", bytes(range(256)) * 200
    yield "headers without an end", b"From: a@b.example\r\nSubject: s"
    yield "a header of a megabyte", raw(b"From: a@b.example\nX-Long: " + b"y" * 1_000_000, b"text")
    yield (
        "ten thousand headers",
        raw(b"From: a@b.example\n" + b"\n".join(b"X-%d: y" % n for n in range(10_000)), b"text"),
    )
    yield "no line ends", b"From: a@b.example " * 10_000
    yield "only carriage returns", b"From: a@b.example\rSubject: s\r\rtext"
    yield "mbox line first", b"From a@b.example Tue Nov 24 10:00:00 2026\n" + letter()
    yield "byte order mark first", b"\xef\xbb\xbf" + letter()
    yield "five hundred files", letter(files=[(f"скан {n}.pdf", b"%%PDF %d" % n) for n in range(500)])
    yield "three thousand parts", parted(*[b"Content-Type: text/plain\r\n\r\nx"] * 3000)
    yield "a part never closed", parted(b"Content-Type: text/plain\r\n\r\nx", end=b"")
    yield "the same boundary inside", parted(b"Content-Type: multipart/mixed; boundary=XX\r\n\r\n--XX\r\n\r\nx")
    yield "winmail.dat", parted(b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22")
    for depth in (1, 5, 30, 200):
        yield f"letters inside letters {depth}", nested(depth)
        yield f"multiparts inside multiparts {depth}", multiparts(depth)
    yield "multiparts inside multiparts 5000", multiparts(5000)
    yield (
        "a message id too long",
        letter(message_id="")[:0] + raw(b"From: a@b.example\nMessage-ID: <" + b"i" * 3000 + b"@b>", b"t"),
    )
    yield "a message id in pieces", raw(b"From: a@b.example\nMessage-ID: <a b@\n\tc>", b"t")
    yield "a message id of bytes", raw(b"From: a@b.example\nMessage-ID: <\xff\x00@c>", b"t")
    yield (
        "ten thousand references",
        raw(b"From: a@b.example\nReferences: " + b" ".join(b"<%d@r>" % n for n in range(10_000)), b"t"),
    )
