"""What an update of MAX says: pure functions of what MAX gave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from otklik.channels.envelope import moment
from otklik.channels.messenger import (
    Json,
    Sorted,
    Wanted,
    list_of,
    number_of,
    part,
    text_of,
    tokens,
)
from otklik.correspondence.channel import Parsed, ParseError

UPDATES: Final = (
    "message_created", "message_edited", "message_removed", "message_callback", "bot_started",
)  # fmt: skip
LARGEST: Final = 50 * 1024 * 1024  # our own choice: a call must be answered within 30 seconds
COMMANDS: Final = ("/start", "/help")
NAMED: Final = {"image": "Фото.jpg", "video": "Видео.mp4", "audio": "Аудиозапись.mp3", "file": "Документ"}
BY_VIDEO: Final = "video:"  # before the mark of a video, whose address must be asked for
_VCARD: Final = re.compile(r"^(FN|TEL)[^:\r\n]*:(.+?)\r?$", re.MULTILINE)


def sort(update: Any, *, groups: bool) -> Sorted:
    """Say what an update is to us; what has no shape we know is a message: it is kept, and a person looks at it."""
    kind = text_of(update, "update_type")
    if kind == "message_callback":
        return Sorted("button")
    stamp = number_of(update, "timestamp")
    day = f"{at:%Y-%m-%d}" if (at := moment((stamp or 0) / 1000)) else ""
    if kind == "bot_started":
        return Sorted("start", chat=_writer(part(update, "user")), day=day)
    if kind == "message_removed":
        chat, mid = number_of(update, "chat_id"), text_of(update, "message_id")
        return Sorted("message", external_id=f"{chat}:{mid}:removed", content="removed")
    if kind not in {"message_created", "message_edited"}:
        return Sorted("ignored", f"событие «{kind[:40]}»") if kind else Sorted("message", content=update)
    return _sort_message(update, part(update, "message"), edited=kind == "message_edited", groups=groups, day=day)


def _sort_message(update: Json, message: Json, *, edited: bool, groups: bool, day: str) -> Sorted:
    sender, chat_type = part(message, "sender"), text_of(part(message, "recipient"), "chat_type")
    if sender.get("is_bot") is True:
        return Sorted("ignored", "сообщение бота")
    if chat_type == "channel":
        return Sorted("ignored", "запись в канале")
    if chat_type == "chat" and not groups:
        return Sorted("ignored", "сообщение в группе")
    writer = _writer(sender) if chat_type != "chat" else ""
    if not edited and writer and text_of(part(message, "body"), "text").strip().partition(" ")[0] in COMMANDS:
        return Sorted("start", chat=writer, day=day)
    edit = f":edit:{number_of(update, 'timestamp') or 0}" if edited else ""
    chat = number_of(part(message, "recipient"), "chat_id")
    goes_on = writer and not edited and text_of(part(message, "link"), "type") != "reply"
    return Sorted(
        "message",
        external_id=f"{chat}:{_mid(message)}{edit}",
        content=_lasting(message),
        chat="" if edit else writer,
        day=day,
        wanted=wanted(message),
        named=_id(_mid(message)),
        dialogue=f"{chat}:" if goes_on and chat is not None else "",
    )


def _writer(user: Json) -> str:
    return f"max:{number_of(user, 'user_id')}" if number_of(user, "user_id") else ""


def wanted(message: Json) -> tuple[Wanted, ...]:
    """Return the files of a message and of what it forwards."""
    bodies = [part(message, "body")]
    if text_of(part(message, "link"), "type") == "forward":
        bodies.append(part(message, "link", "message"))
    return tuple(
        _file(one, NAMED[text_of(one, "type")])
        for body in bodies
        for one in list_of(body, "attachments")
        if text_of(one, "type") in NAMED
    )


def _file(there: Json, name: str) -> Wanted:
    url, token = text_of(part(there, "payload"), "url"), text_of(part(there, "payload"), "token")
    of = f"{BY_VIDEO}{token}" if text_of(there, "type") == "video" and token else url
    problem = "" if of else "MAX не назвал адрес файла: попросите прислать его ещё раз."
    if (number_of(there, "size") or 0) > LARGEST:
        problem = f"Файл больше {LARGEST // 1024 // 1024} МБ: не скачан. Попросите прислать его другим способом."
    return Wanted(of, text_of(there, "filename") or name, problem=problem)


def _lasting(message: Json) -> list[Any]:
    """Return what of a message is the same at every delivery: addresses of files and activity of people are not."""
    files = [
        [one.get("type"), one.get("filename"), one.get("size"), part(one, "payload").get("photo_id")]
        for one in list_of(part(message, "body"), "attachments")
    ]
    return [
        message.get("timestamp"),
        part(message, "body").get("text"),
        files,
        part(message, "link", "message").get("mid"),
    ]


def _mid(message: Json) -> str:
    """Return what MAX calls a message; one that only forwards another has no body and is told by its moment."""
    return text_of(part(message, "body"), "mid") or f"at-{number_of(message, 'timestamp')}"


# --- reading ---------------------------------------------------------------------------------------------------------


def read(updates: Sequence[Json]) -> Parsed:
    """Read a message. Raise ParseError where there is none."""
    update = updates[0]
    if text_of(update, "update_type") == "message_removed":
        return _removed(update)
    message, edited = part(update, "message"), text_of(update, "update_type") == "message_edited"
    sender, link = part(message, "sender"), part(message, "link")
    user = number_of(sender, "user_id")
    if user is None or not (part(message, "body") or link):
        raise ParseError("В событии MAX нет сообщения или отправителя: откройте оригинал.")
    public = text_of(part(message, "recipient"), "chat_type") == "chat"
    address = f"max:chat:{number_of(part(message, 'recipient'), 'chat_id') or 0}" if public else f"max:{user}"
    named = _id(_mid(message))
    stamp = number_of(update if edited else message, "timestamp")
    replied = part(link, "message") if text_of(link, "type") == "reply" else {}
    return Parsed(
        text=_text(message) or "(сообщение без текста)",
        sender_name=_name(sender),
        sender_address=f"max:{user}",
        recipients=[f"max+{token}@max.invalid" for token in tokens(text_of(replied, "text"))[:5]],
        sent_at=moment((stamp or 0) / 1000),
        message_id=_id(f"{_mid(message)}.edit-{stamp}") if edited else named,
        in_reply_to=named if edited else _id(text_of(replied, "mid")) if text_of(replied, "mid") else "",
        notes=list(_notes(message, edited=edited, public=public)),
        facts={
            "applicant": {
                "last_name": text_of(sender, "last_name"),
                "first_name": text_of(sender, "first_name") or text_of(sender, "name"),
            },
            "answer": {"channel": "max", "address": address},
            "identified": False,
            "username": text_of(sender, "username"),
            "public": public,
        },
    )


def _removed(update: Json) -> Parsed:
    mid, user = text_of(update, "message_id"), number_of(update, "user_id")
    if not mid or user is None:
        raise ParseError("В событии MAX об удалении не сказано, что удалено: откройте оригинал.")
    stamp = number_of(update, "timestamp")
    return Parsed(
        text="Отправитель удалил своё сообщение в MAX.",
        sender_address=f"max:{user}",
        sent_at=moment((stamp or 0) / 1000),
        message_id=_id(f"{mid}.removed"),
        in_reply_to=_id(mid),
        machine="auto",
        notes=["Удалённое сообщение сохранено в этой же переписке."],
    )


def _id(mid: str) -> str:
    return f"<max.{mid}@max.invalid>"


def _name(sender: Json) -> str:
    named = (text_of(sender, "last_name"), text_of(sender, "first_name"))
    return " ".join(one for one in named if one) or text_of(sender, "name")


def _text(message: Json) -> str:
    told = _words(part(message, "body"))
    if text_of(part(message, "link"), "type") == "forward":
        told += ["Переслано:", *_words(part(message, "link", "message"))]
    return "\n".join(one for one in told if one)


def _words(body: Json) -> list[str]:
    links = [text_of(one, "url") for one in list_of(body, "markup") if text_of(one, "type") == "link"]
    told = [text_of(body, "text"), *(f"Ссылка: {one}" for one in links if one)]
    return [*told, *(_thing(one) for one in list_of(body, "attachments"))]


def _thing(there: Json) -> str:
    """Return in words what is neither text nor a file."""
    kind = text_of(there, "type")
    if kind == "location":
        at = (there.get("latitude"), there.get("longitude"))
        return f"Точка на карте: {at[0]}, {at[1]}" if all(isinstance(one, float) for one in at) else ""
    if kind == "contact":
        card = dict(_VCARD.findall(text_of(part(there, "payload"), "vcf_info")))
        named = card.get("FN") or _name(part(there, "payload", "max_info"))
        return f"Контакт: {named} {card.get('TEL', '')}".strip()
    if kind == "share":
        return f"Ссылка: {url}" if (url := text_of(part(there, "payload"), "url")) else ""
    if kind == "audio" and (said := text_of(there, "transcription")):
        return f"Расшифровка мессенджера: {said}"
    return "(стикер)" if kind == "sticker" else ""


def _notes(message: Json, *, edited: bool, public: bool) -> list[str]:
    notes = []
    if edited:
        notes.append("Отправитель изменил своё сообщение: прежний текст — в этой же переписке.")
    if public:
        notes.append("Написано в группе: ответ там увидят все.")
    if text_of(part(message, "link"), "type") == "forward":
        notes.append("Переслано от другого отправителя.")
    return notes
