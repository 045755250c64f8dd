"""What VKontakte tells of: which events are words of a citizen, what each is called, what hangs on it. No network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from otklik.channels.envelope import Wanted, digest, mapping, mappings, number, words
from otklik.correspondence.social import CHATS

SCHEMA: Final = "vk/1"
HOST: Final = "vk.invalid"  # RFC 2606: ids of ours look like those of letters and lead nowhere
DEEPEST: Final = 5  # of messages forwarded within messages

Thing = Literal["message", "comment", "post"]
Turn = Literal["new", "edit", "delete", "restore"]

_KINDS: Final[Mapping[str, tuple[Thing, Turn]]] = {
    "message_new": ("message", "new"),
    "message_edit": ("message", "edit"),
    "wall_reply_new": ("comment", "new"),
    "wall_reply_edit": ("comment", "edit"),
    "wall_reply_delete": ("comment", "delete"),
    "wall_reply_restore": ("comment", "restore"),
    "wall_post_new": ("post", "new"),
}


@dataclass(frozen=True)
class Event:
    """Something a citizen wrote, edited, deleted or restored. `named` is False where its numbers are missing."""

    thing: Thing
    turn: Turn
    said: Mapping[str, Any]
    mark: str  # event_id, the same in every repeat
    named: bool
    whole_id: str  # what the message, comment or post is called, whatever happens to it
    message_id: str
    digest: str

    @property
    def external_id(self) -> str:
        """Return what this event is called: an edit of a message is another message."""
        return self.whole_id if self.turn == "new" else f"{self.whole_id}:{self.turn}:{self.mark}"

    @property
    def author(self) -> int:
        """Return who wrote: a person's number, below zero that of a community."""
        return number(self.said.get("from_id"))

    @property
    def sender_address(self) -> str:
        """Return the page of who wrote."""
        if not self.author:
            return ""
        return f"vk.com/id{self.author}" if self.author > 0 else f"vk.com/club{-self.author}"

    @property
    def answer_address(self) -> str:
        """Return where an answer goes: back into the same dialogue, or under the same post."""
        if self.thing == "message":
            peer = number(self.said.get("peer_id")) or self.author
            if peer > CHATS:
                return f"vk.com/im?sel=c{peer - CHATS}"
            return f"vk.com/id{peer}" if peer > 0 else self.sender_address
        owner, post = _wall(self.thing, self.said)
        if self.suggested:
            return self.sender_address
        if not (owner and post):
            return ""
        return f"vk.com/wall{owner}_{post}" + (f"?reply={self._id}" if self.thing == "comment" else "")

    @property
    def suggested(self) -> bool:
        """Say whether it is a post nobody but us sees: there are no comments under it."""
        return self.thing == "post" and words(self.said.get("post_type")) == "suggest"

    @property
    def answers(self) -> list[str]:
        """Return what this continues, the nearest last: ids of earlier messages of the same conversation."""
        if self.turn != "new":
            return [self.message_id]
        if self.thing == "message":
            quoted = mapping(self.said.get("reply_message"))
            peer, turn = number(self.said.get("peer_id")), number(quoted.get("conversation_message_id"))
            return [f"<message.{peer}.{turn}@{HOST}>"] if peer and turn and number(quoted.get("from_id")) > 0 else []
        if self.thing == "comment":
            stack = self.said.get("parents_stack")
            above = [number(one) for one in stack] if isinstance(stack, list) else []
            above.append(number(self.said.get("reply_to_comment")))
            owner, post = _wall(self.thing, self.said)
            return [f"<wall.{owner}_{post}.{one}@{HOST}>" for one in dict.fromkeys(above) if one]
        return []

    @property
    def own_id(self) -> str:
        """Return the id this event bears in its conversation."""
        return self.message_id if self.turn == "new" else self.message_id.replace("@", f".{self.turn}.{self.mark}@")

    @property
    def _id(self) -> int:
        return number(self.said.get("id"))


def read(update: Mapping[str, Any], group: int) -> Event | None:
    """Return what an update tells; None where no citizen said anything: our own words, other kinds of events."""
    kind = _KINDS.get(words(update.get("type")))
    if kind is None:
        return None
    thing, turn = kind
    said = mapping(update.get("object"))
    if thing == "message":
        said = mapping(said.get("message")) or said
    if turn != "delete" and (number(said.get("from_id")) == -group or number(said.get("out")) == 1):
        return None
    if thing == "message" and _pressed(said):
        return None
    if thing == "post" and words(said.get("post_type")) not in {"post", "suggest", ""}:
        return None
    content = digest([thing, turn, _told(said)])
    mark = words(update.get("event_id")) or content[:16]
    whole_id, message_id = _named(thing, said)
    named = bool(whole_id)
    return Event(
        thing,
        turn,
        said,
        mark,
        named,
        whole_id or f"event:{mark}",
        message_id or f"<event.{mark}@{HOST}>",
        content,
    )


def _pressed(said: Mapping[str, Any]) -> bool:
    """Say whether nobody wrote: «Начать» was pressed, or somebody came into a chat or left it."""
    return bool(mapping(said.get("action"))) or words(said.get("payload")).replace(" ", "") == '{"command":"start"}'


def message_id_of(external_id: str) -> str:
    """Return the id a message of a dialogue bears, by what it is called here."""
    peer, turn = external_id.split(":")[1:3]
    return f"<message.{peer}.{turn}@{HOST}>"


def _named(thing: Thing, said: Mapping[str, Any]) -> tuple[str, str]:
    one = number(said.get("id"))
    if thing == "message":
        peer, turn = number(said.get("peer_id")), number(said.get("conversation_message_id"))
        return (f"message:{peer}:{turn}", f"<message.{peer}.{turn}@{HOST}>") if peer and turn else ("", "")
    owner, post = _wall(thing, said)
    if not (owner and post and one):
        return "", ""
    if thing == "post":
        return f"post:{owner}_{post}", f"<wall.{owner}_{post}@{HOST}>"
    return f"wall:{owner}_{post}:{one}", f"<wall.{owner}_{post}.{one}@{HOST}>"


def _wall(thing: Thing, said: Mapping[str, Any]) -> tuple[int, int]:
    owner = number(said.get("owner_id")) or number(said.get("post_owner_id"))
    return owner, number(said.get("id" if thing == "post" else "post_id"))


def _told(said: Mapping[str, Any]) -> list[Any]:
    """Return what delivery does not change: addresses of attachments are signed anew each time."""
    attached = [(words(one.get("type")), _numbers(one)) for one in mappings(said.get("attachments"))]
    names = ("id", "from_id", "date", "text", "deleter_id")
    return [[said.get(name) for name in names], attached, [_told(one) for one in _forwarded(said)]]


def _numbers(attachment: Mapping[str, Any]) -> list[int]:
    inside = mapping(attachment.get(words(attachment.get("type"))))
    return [number(inside.get(name)) for name in ("owner_id", "id", "sticker_id")]


def _forwarded(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return mappings(said.get("fwd_messages"))


# --- what hangs on it -------------------------------------------------------------------------------------------------


def wanted(said: Mapping[str, Any], depth: int = 0) -> Iterator[Wanted]:
    """Return the files of a message and of what is forwarded in it."""
    for one in mappings(said.get("attachments")):
        kind = words(one.get("type"))
        inside = mapping(one.get(kind))
        if kind == "photo":
            yield Wanted(f"фото {number(inside.get('id'))}.jpg", _largest(inside), "image/jpeg")
        elif kind == "doc":
            yield Wanted(_with_end(words(inside.get("title")), words(inside.get("ext"))), words(inside.get("url")))
        elif kind == "audio_message":
            url = words(inside.get("link_mp3")) or words(inside.get("link_ogg"))
            yield Wanted(f"голосовое {number(inside.get('id'))}.{'mp3' if '.mp3' in url else 'ogg'}", url, "audio/mpeg")
    if depth < DEEPEST:
        for one in _forwarded(said):
            yield from wanted(one, depth + 1)


def lines(said: Mapping[str, Any]) -> Iterator[str]:
    """Return in words what is attached and is no file: stickers, videos, links, posts."""
    for one in mappings(said.get("attachments")):
        kind = words(one.get("type"))
        yield from _line(kind, mapping(one.get(kind)))
    geo = mapping(said.get("geo"))
    if place := mapping(geo.get("place")):
        yield f"Место: {words(place.get('title'))}"
    elif at := mapping(geo.get("coordinates")):
        yield f"Место на карте: {at.get('latitude')}, {at.get('longitude')}"


def _line(kind: str, inside: Mapping[str, Any]) -> Iterator[str]:
    title, url, text = (words(inside.get(name)) for name in ("title", "url", "text"))
    there = f"{number(inside.get('owner_id')) or number(inside.get('to_id'))}_{number(inside.get('id'))}"
    told = {
        "sticker": "[стикер]",
        "video": f"Видео: {title} https://vk.com/video{there}",
        "audio": f"Аудиозапись: {words(inside.get('artist'))} — {title}",
        "link": f"Ссылка: {title} {url}",
        "wall": f"Запись: https://vk.com/wall{there}",
        "wall_reply": f"Комментарий: {text}",
    }
    heard = words(inside.get("transcript"))
    if kind in told:
        yield " ".join(told[kind].split())
        if kind == "wall" and text:
            yield _quoted(text)
    elif kind == "audio_message" and heard:
        yield f"Голосовое сообщение, распознано ВКонтакте: {heard}"
    elif kind not in {"photo", "doc", "audio_message"}:
        yield f"[вложение «{kind or 'без вида'}»: откройте сообщение во ВКонтакте]"


def text_of(said: Mapping[str, Any], depth: int = 0) -> str:
    """Return everything a message says, with what is attached, quoted and forwarded."""
    pieces = [words(said.get("text")).strip(), *lines(said)]
    quoted = words(mapping(said.get("reply_message")).get("text"))
    if quoted and not depth:
        pieces.append(f"В ответ на:\n{_quoted(quoted)}")
    for one in _forwarded(said):
        if depth >= DEEPEST:
            pieces.append("> [переслано ещё: откройте сообщение во ВКонтакте]")
            break
        pieces.append(f"Переслано:\n{_quoted(text_of(one, depth + 1))}")
    return "\n\n".join(piece for piece in pieces if piece)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _largest(photo: Mapping[str, Any]) -> str:
    whole = mapping(photo.get("orig_photo"))
    sizes = mappings(photo.get("sizes"))
    best = max(sizes, key=lambda one: number(one.get("width")) * number(one.get("height")), default={})
    return words(whole.get("url")) or words(best.get("url"))


def _with_end(title: str, end: str) -> str:
    return title if not end or title.lower().endswith(f".{end.lower()}") else f"{title}.{end}"
