"""What an update of the Bot API says: pure functions of what Telegram gave."""

from __future__ import annotations

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
from otklik.correspondence.models import IncomingMessage

UPDATES: Final = ("message", "edited_message", "callback_query")  # what we ask for; anything else is counted only
LARGEST: Final = 20 * 1024 * 1024  # what getFile gives out
COMMANDS: Final = ("/start", "/help")
# Fields of messages about the chat itself: nobody wrote them.
SERVICE: Final = frozenset(
    {
        "new_chat_members",
        "left_chat_member",
        "new_chat_title",
        "new_chat_photo",
        "delete_chat_photo",
        "group_chat_created",
        "supergroup_chat_created",
        "channel_chat_created",
        "message_auto_delete_timer_changed",
        "migrate_to_chat_id",
        "migrate_from_chat_id",
        "pinned_message",
        "successful_payment",
        "refunded_payment",
        "users_shared",
        "chat_shared",
        "connected_website",
        "write_access_allowed",
        "proximity_alert_triggered",
        "boost_added",
        "chat_background_set",
        "forum_topic_created",
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
        "giveaway_created",
        "giveaway_completed",
        "video_chat_scheduled",
        "video_chat_started",
        "video_chat_ended",
        "video_chat_participants_invited",
    }
)
CHANGING: Final = frozenset({"from", "chat", "reply_to_message"})  # between two deliveries of one message
CONTENT: Final = frozenset(
    {
        "text",
        "caption",
        "photo",
        "document",
        "voice",
        "video",
        "video_note",
        "audio",
        "animation",
        "sticker",
        "contact",
        "location",
        "venue",
        "poll",
        "dice",
        "story",
    }
)
# Files of a message: field → how it is called where it has no name of its own.
NAMED: Final = {
    "voice": "Голосовое сообщение.ogg",
    "video_note": "Видеосообщение.mp4",
    "video": "Видео.mp4",
    "audio": "Аудиозапись.mp3",
    "animation": "Анимация.mp4",
    "document": "Документ",
}


def sort(update: Any, *, groups: bool) -> Sorted:
    """Say what an update is to us; what has no shape we know is a message: it is kept, and a person looks at it."""
    if not isinstance(update, dict):
        return _unknown(update)
    if "callback_query" in update:
        return Sorted("button")
    field = next((name for name in ("message", "edited_message") if name in update), "")
    if not field:
        other = next((name for name in update if name != "update_id"), "")
        return Sorted("ignored", f"событие «{other[:40]}»") if other else _unknown(update)
    message = part(update, field)
    chat, number = number_of(part(message, "chat"), "id"), number_of(message, "message_id")
    if chat is None or number is None:
        return _unknown(update)
    if why := _ignored(message, field, groups):
        return Sorted("ignored", why)
    private = text_of(part(message, "chat"), "type") in {"private", ""}
    day = f"{stamp:%Y-%m-%d}" if (stamp := moment(number_of(message, "date") or 0)) else ""
    writer = f"telegram:{chat}" if private and part(message, "from").get("is_bot") is not True else ""
    if field == "message" and private and text_of(message, "text").partition(" ")[0] in COMMANDS:
        return Sorted("start", chat=writer, day=day)
    edit = f":edit:{number_of(message, 'edit_date') or 0}" if field == "edited_message" else ""
    album = text_of(message, "media_group_id") and f"{chat}:{text_of(message, 'media_group_id')}{edit}"
    return Sorted(
        "message",
        external_id=f"{chat}:{number}{edit}",
        album=album,
        content={name: value for name, value in message.items() if name not in CHANGING},
        chat="" if edit else writer,
        day=day,
        wanted=wanted(message),
        named=_id(chat, message, edited=bool(edit)),
        dialogue=f"{chat}:" if writer and not edit and not part(message, "reply_to_message") else "",
    )


def _unknown(update: Any) -> Sorted:
    number = number_of(update, "update_id")
    return Sorted("message", external_id=f"update:{number}", content=update)


def _ignored(message: Json, field: str, groups: bool) -> str:
    kind = text_of(part(message, "chat"), "type")
    if kind == "channel":
        return "запись в канале"
    if kind in {"group", "supergroup"} and not groups:
        return "сообщение в группе"
    if SERVICE & set(message) and not CONTENT & set(message):
        return "служебное сообщение"
    if field == "edited_message" and number_of(part(message, "location"), "live_period"):
        return "движение точки на карте"
    return ""


def wanted(message: Json) -> tuple[Wanted, ...]:
    """Return the files of a message: of a photo its largest size, of an animation not its copy as a document."""
    files = [_photo(sizes)] if (sizes := list_of(message, "photo")) else []
    for field, name in NAMED.items():
        there = part(message, field)
        if there and not (field == "document" and part(message, "animation")):
            files.append(_file(there, name))
    return tuple(files)


def _photo(sizes: Sequence[Json]) -> Wanted:
    def area(one: Json) -> int:
        return (number_of(one, "width") or 0) * (number_of(one, "height") or 0)

    return _file(max(sizes, key=area), "Фото.jpg", "image/jpeg")


def _file(there: Json, name: str, kind: str = "") -> Wanted:
    size, of = number_of(there, "file_size") or 0, text_of(there, "file_id")
    problem = "" if of else "Telegram не назвал файл: попросите прислать его ещё раз."
    if size > LARGEST:
        problem = f"Файл больше {LARGEST // 1024 // 1024} МБ: ботам Telegram таких не отдаёт. Попросите прислать иначе."
    return Wanted(of, text_of(there, "file_name") or name, text_of(there, "mime_type") or kind, problem)


# --- reading ---------------------------------------------------------------------------------------------------------


def read(updates: Sequence[Json]) -> Parsed:
    """Read a message; of an album, all its parts. Raise ParseError where there is none."""
    messages = [part(one, "message") or part(one, "edited_message") for one in updates]
    first = messages[0]
    chat, sender = number_of(part(first, "chat"), "id"), part(first, "from")
    if chat is None or number_of(first, "message_id") is None:
        raise ParseError("В событии Telegram нет сообщения или чата: откройте оригинал.")
    edited = bool(part(updates[0], "edited_message")) and not part(updates[0], "message")
    user = number_of(sender, "id") or chat
    public = text_of(part(first, "chat"), "type") in {"group", "supergroup"}
    replied = part(first, "reply_to_message")
    named = _id(chat, first)
    sent_at = moment(number_of(first, "edit_date" if edited else "date") or 0)
    return Parsed(
        text="\n\n".join(said for one in messages if (said := _text(one))) or "(сообщение без текста)",
        sender_name=_name(sender),
        sender_address=f"telegram:{user}",
        recipients=[f"telegram+{token}@telegram.invalid" for token in tokens(text_of(replied, "text"))[:5]],
        sent_at=sent_at,
        message_id=_id(chat, first, edited=edited),
        in_reply_to=named if edited else _id(chat, replied) if replied else "",
        references=[named] if text_of(first, "media_group_id") else [],
        machine=IncomingMessage.Machine.AUTO if sender.get("is_bot") is True else IncomingMessage.Machine.NO,
        notes=list(_notes(messages, edited=edited, public=public, dated=sent_at is not None)),
        facts={
            "applicant": {"last_name": text_of(sender, "last_name"), "first_name": text_of(sender, "first_name")},
            "answer": {"channel": "telegram", "address": f"telegram:{chat}"},
            "identified": False,
            "username": text_of(sender, "username"),
            "public": public,
        },
    )


def _id(chat: int, message: Json, *, edited: bool = False) -> str:
    """Return an id of a message as letters have one; the parts of an album share theirs, so they find one another."""
    album = text_of(message, "media_group_id")
    number = f"album-{album}" if album else str(number_of(message, "message_id"))
    edit = f".edit-{number_of(message, 'edit_date')}" if edited else ""
    return f"<telegram.{chat}.{number}{edit}@telegram.invalid>"


def _name(sender: Json) -> str:
    return " ".join(one for one in (text_of(sender, "last_name"), text_of(sender, "first_name")) if one)


def _text(message: Json) -> str:
    """Return a message in words, with addresses that hide behind other words."""
    field = "entities" if text_of(message, "text") else "caption_entities"
    said = text_of(message, "text") or text_of(message, "caption")
    links = [text_of(one, "url") for one in list_of(message, field) if text_of(one, "url")]
    told = [said, *(f"Ссылка: {one}" for one in links), *_things(message)]
    return "\n".join(one for one in told if one)


def _things(message: Json) -> list[str]:
    """Return in words what is neither text nor a file."""
    told = []
    if contact := part(message, "contact"):
        named = " ".join(text_of(contact, name) for name in ("last_name", "first_name", "phone_number"))
        told.append(f"Контакт: {' '.join(named.split())}")
    place = part(message, "venue", "location") or part(message, "location")
    latitude, longitude = place.get("latitude"), place.get("longitude")
    if isinstance(latitude, float) and isinstance(longitude, float):
        words = " ".join(text_of(part(message, "venue"), name) for name in ("title", "address")).strip()
        told.append(f"Точка на карте: {latitude}, {longitude} {words}".strip())
    if sticker := part(message, "sticker"):
        told.append(f"(стикер {text_of(sticker, 'emoji')})".replace(" )", ")"))
    if poll := part(message, "poll"):
        told.append(f"Опрос: {text_of(poll, 'question')}")
    if part(message, "story"):
        told.append("(история)")
    for field, words in (("voice", "голосовое сообщение"), ("video_note", "видеосообщение")):
        if part(message, field):
            told.append(f"({words}, {number_of(part(message, field), 'duration') or 0} с)")
    return told


def _notes(messages: Sequence[Json], *, edited: bool, public: bool, dated: bool) -> list[str]:
    first, notes = messages[0], []
    if edited:
        notes.append("Отправитель изменил своё сообщение: прежний текст — в этой же переписке.")
    if public:
        notes.append("Написано в группе: ответ там увидят все.")
    if part(first, "forward_origin"):
        notes.append("Переслано от другого отправителя.")
    if not any(CONTENT & set(one) for one in messages):
        notes.append("Сообщение неизвестного вида: откройте оригинал.")
    if not dated:
        notes.append("Telegram не сказал, когда это написано.")
    if text_of(first, "media_group_id") and len(messages) > 1:
        notes.append(f"Альбом: частей {len(messages)}.")
    return notes
