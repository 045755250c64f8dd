"""What Odnoklassniki tells of: messages to the group and comments on its topics. No network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from otklik.channels.envelope import Wanted, digest, mapping, mappings, number, words

SCHEMA: Final = "ok/1"
HOST: Final = "ok.invalid"
CREATED: Final = "MESSAGE_CREATED"

_FILES: Final = {"IMAGE": ("фото", "jpg"), "FILE": ("файл", ""), "AUDIO": ("аудио", "mp3")}
_WORDS: Final = {
    "STICKER": "[стикер]",
    "CALL": "[звонок]",
    "PRESENT": "[подарок]",
    "CONTACT": "[контакт: откройте сообщение в Одноклассниках]",
    "MUSIC": "[музыка]",
}


@dataclass(frozen=True)
class Event:
    """Something a person wrote to the group. `named` is False where its ids are missing."""

    thing: Literal["message", "comment"]
    said: Mapping[str, Any]
    author: str
    author_name: str
    seconds: float
    named: bool
    external_id: str
    message_id: str
    answers: list[str]
    answer_address: str
    digest: str

    @property
    def sender_address(self) -> str:
        """Return the page of who wrote."""
        return f"ok.ru/profile/{self.author}" if self.author else ""


def read(update: Mapping[str, Any], group: int) -> Event | None:
    """Return what an update tells; None where nobody wrote to us: our own words, news of the chat itself."""
    if isinstance(update.get("comment"), dict):
        return _comment(update, group)
    if words(update.get("webhookType")) not in {CREATED, ""} or "message" not in update:
        return None
    sender, said = mapping(update.get("sender")), mapping(update.get("message"))
    user = words(sender.get("user_id"))
    if user.startswith("group:"):
        return None
    mid, chat = words(said.get("mid")), words(mapping(update.get("recipient")).get("chat_id"))
    named = mid.startswith("mid:") and len(mid) < 200
    author = _digits(user.removeprefix("user:"))
    content = digest(["message", user, chat, *_told(said)])
    quoted = said.get("reply_to")
    quoted_mid = words(quoted) or words(mapping(quoted).get("mid"))
    return Event(
        thing="message",
        said=said,
        author=author,
        author_name=words(sender.get("name")).strip(),
        seconds=number(update.get("timestamp")) / 1000,
        named=named,
        external_id=mid if named else f"event:{content[:32]}",
        message_id=message_id_of(mid) if named else f"<event.{content[:32]}@{HOST}>",
        answers=[message_id_of(quoted_mid)] if quoted_mid else [],
        answer_address=f"ok.ru/messages/{chat}"
        if chat.startswith("chat:")
        else f"ok.ru/profile/{author}"
        if author
        else "",
        digest=content,
    )


def message_id_of(mid: str) -> str:
    """Return the id a message bears, by what Odnoklassniki calls it."""
    return f"<{mid.replace(':', '.')}@{HOST}>"


def _comment(update: Mapping[str, Any], group: int) -> Event | None:
    said, topic = mapping(update.get("comment")), _digits(words(update.get("topic")))
    author = _digits(words(said.get("author_id")))
    if author == str(group) or words(said.get("author_type")) == "GROUP" or said.get("as_admin") is True:
        return None
    one, above = words(said.get("id"))[:80], words(said.get("reply_to_comment_id"))[:80]
    named = bool(one and topic)
    content = digest(["comment", topic, one, author, *_told(said)])
    return Event(
        thing="comment",
        said=said,
        author=author,
        author_name=words(said.get("author_name")).strip(),
        seconds=number(said.get("date_ms")) / 1000,
        named=named,
        external_id=f"comment:{topic}:{one}" if named else f"event:{content[:32]}",
        message_id=f"<comment.{topic}.{one}@{HOST}>" if named else f"<event.{content[:32]}@{HOST}>",
        answers=[f"<comment.{topic}.{above}@{HOST}>"] if above else [],
        answer_address=f"ok.ru/group/{group}/topic/{topic}?comment={one}" if named else "",
        digest=content,
    )


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdecimal() and len(text) < 19 and text.strip("0") else ""


def _told(said: Mapping[str, Any]) -> list[Any]:
    """Return what delivery does not change: addresses of attachments are signed anew each time."""
    return [said.get("mid"), said.get("text"), [words(one.get("type")) for one in mappings(said.get("attachments"))]]


def wanted(said: Mapping[str, Any]) -> Iterator[Wanted]:
    """Return the files of a message."""
    for place, one in enumerate(mappings(said.get("attachments")), start=1):
        kind, inside = words(one.get("type")).upper(), mapping(one.get("payload"))
        if kind in _FILES:
            word, end = _FILES[kind]
            name = words(inside.get("name")) or words(inside.get("filename"))
            yield Wanted(name or f"{word} {place}" + (f".{end}" if end else ""), words(inside.get("url")))


def text_of(said: Mapping[str, Any]) -> str:
    """Return everything a message says, with what is attached and is no file."""
    return "\n\n".join(piece for piece in [words(said.get("text")).strip(), *_lines(said)] if piece)


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    for one in mappings(said.get("attachments")):
        kind, inside = words(one.get("type")).upper(), mapping(one.get("payload"))
        if kind in _FILES or kind == "INLINE_KEYBOARD":
            continue
        if kind in _WORDS:
            yield _WORDS[kind]
        elif kind == "LOCATION":
            yield f"Место на карте: {inside.get('latitude')}, {inside.get('longitude')}"
        elif url := words(inside.get("url")):
            yield f"{'Видео' if kind == 'VIDEO' else 'Ссылка'}: {url}"
        else:
            yield f"[вложение «{kind or 'без вида'}»: откройте сообщение в Одноклассниках]"
