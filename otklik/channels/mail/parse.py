"""A letter's bytes to what the letter says: a pure function, forgiving to whatever people's programs write."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import nh3

from otklik.channels.mail import charsets, large, reports
from otklik.correspondence.channel import Parsed, ParsedFile

MOST_PARTS: Final = 2000
DEEPEST: Final = 20
MOST_TEXT: Final = 1_000_000  # characters of text shown; the rest stays in the original
TAGS: Final = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "img", "li", "ol", "p", "pre",
    "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES: Final = {"a": {"href"}, "img": {"src", "alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
OWN_MARKS: Final = ("x-loop", "x-autoreply", "x-autorespond", "x-auto-response-suppress")


@dataclass
class _Found:
    """What the walk has collected so far."""

    raw: Path
    spans: list[large.Span]
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    files: list[ParsedFile] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)  # a set that keeps its order
    parts: int = 0

    def note(self, text: str) -> None:
        self.notes[text] = None


def parse(raw: Path) -> Parsed:
    """Read a letter. Missing or broken headers are empty, and the clerk is told in `notes`."""
    # The older policy keeps broken headers as they came; the newer one would replace their bytes or raise.
    if raw.stat().st_size > large.LIMIT:
        source, spans = large.skeleton(raw)
    else:
        source, spans = raw.read_bytes(), []
    found = _Found(raw, spans)
    letter = _letter(source, found)
    _walk(letter, found, 0)
    markup = _with_heads_closed("\n".join(found.html))
    html = _clean_html(markup, found)
    text = "\n".join(found.plain).strip() or html_to_text(markup)
    if len(text) > MOST_TEXT:
        found.note("текст очень длинный: показано начало, остальное в оригинале")
    if not text and not found.files:
        found.note("в письме нет текста")
    names = _addresses(letter, "from", found) or _addresses(letter, "sender", found)
    name, address = names[0] if names else ("", "")
    if not address:
        found.note("отправитель не указан")
    report = reports.read(letter, text)
    return Parsed(
        text=charsets.clean(text[:MOST_TEXT]),
        subject=_header(letter, "subject", found)[:500],
        html=charsets.clean(html[:MOST_TEXT]) if found.html else "",
        sender_name=name[:300],
        sender_address=address[:320],
        recipients=[one for key in ("to", "cc", "delivered-to") for _, one in _addresses(letter, key, found)][:100],
        sent_at=_date(letter, found),
        message_id=_ids(letter, "message-id")[:1][0] if _ids(letter, "message-id") else "",
        in_reply_to=(_ids(letter, "in-reply-to") or [""])[0],
        references=_ids(letter, "references")[-50:],
        machine=_machine(letter, address),
        bounce_of=report.about,
        bounce_permanent=report.permanent,
        bounce_action=report.action,
        bounce_status=report.status,
        bounce_said=report.said,
        notes=list(found.notes),
        files=found.files,
    )


def envelope(head: bytes) -> tuple[str, str]:
    """Return the sender's address and the subject, read of headers alone; empty where there is none."""
    letter = BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)
    found = _Found(Path(), [])
    names = _addresses(letter, "from", found) or _addresses(letter, "sender", found)
    return (names[0][1] if names else ""), _header(letter, "subject", found)


def _letter(source: bytes, found: _Found) -> Message:
    """Return the letter in parts; one with thousands of levels, which nobody writes, as its headers and one text."""
    try:
        return email.message_from_bytes(source, policy=email.policy.compat32)
    except RecursionError:
        found.note("письмо устроено слишком сложно: показано, как пришло, вложения остались в оригинале")
    letter = BytesHeaderParser(policy=email.policy.compat32).parsebytes(source)
    for name in ("content-type", "content-transfer-encoding"):
        del letter[name]
    return letter


def _with_heads_closed(html: str) -> str:
    """Take out heads and titles that never end: by the letter of HTML they swallow what the person wrote."""
    for tag in ("head", "title"):
        if not re.search(rf"</{tag}\s*>", html, re.IGNORECASE):
            html = re.sub(rf"<{tag}\b[^>]*>", "", html, flags=re.IGNORECASE)
    return html


def html_to_text(html: str) -> str:
    """Return the words of a marked-up letter, a line per block."""
    reader = _Words()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    BLOCKS: Final = frozenset(
        (
            "p",
            "div",
            "br",
            "tr",
            "li",
            "ul",
            "ol",
            "table",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "hr",
        )
    )
    SILENT: Final = frozenset(("script", "style", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in self.SILENT
        if tag in self.BLOCKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= bool(self.silent) and tag in self.SILENT
        if tag in self.BLOCKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data.replace("\n", " "))


def _walk(part: Message, found: _Found, depth: int) -> None:
    found.parts += 1
    if found.parts > MOST_PARTS or depth > DEEPEST:
        found.note("письмо устроено слишком сложно: часть вложений осталась только в оригинале")
        return
    kind = part.get_content_type()
    children = part.get_payload() if part.is_multipart() else None
    if (
        kind == "message/rfc822"
        and not _left_out(part, found)
        and isinstance(children, list)
        and isinstance(children[0], Message)
    ):
        found.files.append(_letter_inside(children[0], found))
    elif part.is_multipart() and not _left_out(part, found):
        for child in _parts(part):
            _walk(child, found, depth + 1)
    elif kind in {"text/plain", "text/html"} and not _is_attachment(part) and not _left_out(part, found):
        body = _body(part)
        text, wrong = charsets.decode(body, part.get_content_charset())
        if wrong:
            found.note("кодировка указана неверно и определена по содержанию")
        (found.plain if kind == "text/plain" else found.html).append(charsets.clean(text))
    else:
        found.files.append(_file(part, kind, found))


def _body(part: Message) -> bytes:
    body = part.get_payload(decode=True)
    return body if isinstance(body, bytes) else str(part.get_payload()).encode("utf-8", "surrogateescape")


def _left_out(part: Message, found: _Found) -> large.Span | None:
    number = part.get(large.MARK)
    if not found.spans or not number or not str(number).isdigit() or int(number) >= len(found.spans):
        return None
    span = found.spans[int(number)]
    return span if span.end > span.start else None


def _file(part: Message, kind: str, found: _Found) -> ParsedFile:
    name = _filename(part, kind, len(found.files) + 1)
    content_id = str(part.get("content-id", "")).strip("<> \t")
    inline = bool(content_id) and not _is_attachment(part, strictly=True)
    if span := _left_out(part, found):
        path, problem = large.extract(found.raw, span, str(part.get("content-transfer-encoding", "")))
        return ParsedFile(name, kind, path, inline, content_id, problem, temporary=True)
    body = _body(part)
    return ParsedFile(name, kind, body, inline, content_id, "" if body else "пустой файл")


def _letter_inside(letter: Message, found: _Found) -> ParsedFile:
    subject = _header(letter, "subject", found) or "письмо"
    try:
        body = letter.as_bytes()
    except Exception:  # the standard generator refuses some headers it has read itself
        body = letter.as_string().encode("utf-8", "surrogateescape")
    return ParsedFile(f"{_safe(subject)[:100]}.eml", "message/rfc822", body)


def _is_attachment(part: Message, *, strictly: bool = False) -> bool:
    disposition = str(part.get("content-disposition", "")).strip().lower()
    return disposition.startswith("attachment") or (not strictly and bool(_param_name(part)))


def _param_name(part: Message) -> str:
    try:
        return part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError, UnicodeError):
        return ""


def _filename(part: Message, kind: str, number: int) -> str:
    if kind == "application/ms-tnef":
        return "winmail.dat"
    if kind == "message/rfc822":
        return f"письмо {number}.eml"
    name = _safe(_words(_param_name(part)))
    return name or f"вложение {number}.{kind.rpartition('/')[2][:10]}"


def _safe(name: str) -> str:
    return re.sub(r"[\x00-\x1f/\\:*?\"<>|]+", " ", charsets.clean(name)).strip(" .")[:200]


def _header(letter: Message, name: str, found: _Found) -> str:
    value = next((raw for key, raw in letter.raw_items() if key.lower() == name), "")
    return " ".join(charsets.clean(_words(str(value), found)).split())


def _words(value: str, found: _Found | None = None) -> str:
    """Decode encoded words and bare 8-bit bytes of a header, each by its charset or by its content."""
    raw = value.encode("utf-8", "surrogateescape")
    if not raw.isascii():
        value, _ = charsets.decode(raw, "utf-8" if max(value) < "\udc80" else None)
    try:
        pieces = decode_header(value)
    except (ValueError, LookupError, email.errors.HeaderParseError):
        return value
    words = []
    for piece, charset in pieces:
        if isinstance(piece, str):
            words.append(piece)
            continue
        text, wrong = charsets.decode(piece, charset) if charset else (piece.decode("utf-8", "replace"), False)
        if wrong and found:
            found.note("кодировка указана неверно и определена по содержанию")
        words.append(text)
    return "".join(words)


def _addresses(letter: Message, name: str, found: _Found) -> list[tuple[str, str]]:
    """Return (name, address) pairs; commas in encoded names do not split them."""
    values = [str(raw) for key, raw in letter.raw_items() if key.lower() == name]
    pairs = []
    for value in values[:20]:
        flat = value.replace("\r", "").replace("\n", "")
        try:
            there = getaddresses([flat if flat.isascii() else _words(flat)])
        except RecursionError:  # thousands of words without a comma
            continue
        for shown, address in there:
            if "@" in address:
                pairs.append((" ".join(charsets.clean(_words(shown, found)).split()), charsets.clean(address).strip()))
    return pairs


def _ids(letter: Message, name: str) -> list[str]:
    value = " ".join(str(raw) for key, raw in letter.raw_items() if key.lower() == name)
    return [charsets.clean(one) for one in re.findall(r"<[^<>\s]{1,450}>", value)]


def _date(letter: Message, found: _Found) -> datetime | None:
    value = letter.get("date")
    if value is None:
        return None
    try:
        written = parsedate_to_datetime(str(value))
        written = written if written.tzinfo else written.replace(tzinfo=UTC)
        if datetime(1990, 1, 1, tzinfo=UTC) < written < datetime.now(UTC) + timedelta(days=1):
            return written.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    found.note("дата в письме неверна: считается время поступления")
    return None


def _machine(letter: Message, address: str) -> str:
    """Tell who wrote: nobody answers automatically to a machine (RFC 3834)."""

    def value(name: str) -> str:
        return str(letter.get(name, "")).strip().lower()

    if reports.is_report(letter, address):
        return "bounce"
    if value("precedence") in {"bulk", "list", "junk"} or letter.get("list-id") or letter.get("list-unsubscribe"):
        return "bulk"
    automatic = value("auto-submitted") not in {"", "no"} or value("return-path") == "<>"
    return "auto" if automatic or any(letter.get(name) for name in OWN_MARKS) else ""


def _parts(letter: Message) -> Iterator[Message]:
    children = letter.get_payload() if letter.is_multipart() else None  # a text may name a charset that is none
    for child in children if isinstance(children, list) else []:
        if isinstance(child, Message):
            yield child


def _clean_html(html: str, found: _Found) -> str:
    """Return harmless markup: no scripts, no styles, pictures only from the letter itself."""
    if not html:
        return ""

    def keep(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src" and not value.lower().startswith("cid:"):
            found.note("картинки из интернета не показаны")
            return None
        return value

    return nh3.clean(
        html[:MOST_TEXT],
        tags=TAGS,
        clean_content_tags={"script", "style", "head", "title"},
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )
