"""Odnoklassniki as a channel: the Bot API of a group by webhook, comments by asking, answers to both."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.conf import settings as site
from django.utils import timezone

from otklik.channels import dialogue, envelope, wire
from otklik.channels.envelope import mappings, number, words
from otklik.channels.ok import api, events
from otklik.channels.ok.events import Event
from otklik.channels.ok.parse import parse
from otklik.core import installation
from otklik.core.crashpoints import reach
from otklik.correspondence import connections, inbox, social
from otklik.correspondence.channel import (
    Arrived,
    Called,
    DeliveryError,
    DeliveryUnknown,
    Parsed,
    Refused,
    Reply,
    Setting,
    SourceError,
    ToSend,
)
from otklik.correspondence.connections import Connecting
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.correspondence.social import Place

POINT: Final = "ok"
LONGEST: Final = 4000  # characters of one message; the documentation names no limit
MOST_ATTACHED: Final = 5
OVERLAP: Final = 600_000  # milliseconds looked at again
PAGE: Final = 100
MOST_PAGES: Final = 50
TOPICS_FOR: Final = 30 * 24 * 3600 * 1000  # milliseconds for which comments on a topic are looked for


class OkChannel:
    """A group: messages to it, and comments on its topics where an application's keys are written down."""

    code: ClassVar[str] = ChannelCode.OK.value
    repeats_safely: ClassVar[bool] = False  # nothing in the API tells a repeat: who answers finds out
    every: ClassVar[int] = 300
    sends: ClassVar[bool] = True
    guide: ClassVar[str] = "ok"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("group", "Номер группы", "Цифры из адреса ok.ru/group/123.", kind="number"),
        Setting("token", "Ключ доступа группы", "Настройки группы → Сообщения → Работа с API.", kind="secret"),
        Setting(
            "key",
            "Ключ в адресе вызова",
            "Придумайте длинный набор букв и цифр: по нему узнаётся, что вызывают Одноклассники.",
            kind="secret",
        ),
        Setting("app_key", "Открытый ключ приложения", "Только для комментариев.", required=False),
        Setting("app_secret", "Секретный ключ приложения", "Только для комментариев.", kind="secret", required=False),
        Setting(
            "admin_token",
            "Вечный ключ администратора группы",
            "Только для комментариев: права VALUABLE_ACCESS и GROUP_CONTENT.",
            kind="secret",
            required=False,
        ),
        Setting("api", "Адрес API", "Менять не нужно.", required=False, default=api.API),
    )
    patience: ClassVar[float] = 2.0  # seconds an uploaded file needs before a message may name it

    # --- in ---

    def hear(self, called: Called) -> Reply:
        """Keep what is told and answer 200 only then; Odnoklassniki repeat what was not answered within 5 seconds."""
        there = connections.of(self.code)
        said, ours = called.query.get("key", ""), str(there["key"]) if there else ""
        if there is None or not ours or not hmac.compare_digest(said.encode(), ours.encode()):
            raise Refused
        update = envelope.object_in(called.body)
        if update is None:  # whoever knows the key meant to tell something: a clerk sees the bytes
            name = sha256(called.body).hexdigest()
            inbox.accept(Arrived(self.code, f"unread:{name}", name, called.body, timezone.now(), contact_point=POINT))
            return Reply()
        event = events.read(update, _group(there))
        if event is not None:
            self._take(there, update, event)
        return Reply()

    def fetch(self) -> Iterable[object]:
        """Subscribe where the subscription was dropped; bring in what no call has told of, and new comments."""
        there = connections.of(self.code)
        if there is None:
            return
        _subscribe(there)
        now = int(time.time() * 1000)
        since = (number(there.cursor.get("seen_to")) or now) - OVERLAP
        for chat in _talked(there, since):
            for update in reversed(list(_written(there, chat, since))):
                yield from self._take_new(there, update)
        told: dict[str, int] = {}
        if _reads_comments(there):
            # Comments on old topics may be new: they count from the day on which comments were first asked for.
            told["comments_from"] = number(there.cursor.get("comments_from")) or now
            for update in _comments(there, now):
                if not 0 < number(update["comment"].get("date_ms")) < told["comments_from"]:
                    yield from self._take_new(there, update)
        connections.remember(self.code, seen_to=now, **told)

    def parse(self, raw: Path) -> Parsed:
        """Read a kept message or comment."""
        return parse(raw)

    def _take_new(self, there: Connecting, update: Mapping[str, Any]) -> Iterator[object]:
        event = events.read(update, _group(there))
        if event is not None and not _kept(event):
            yield self._take(there, update, event)

    def _take(self, there: Connecting, update: Mapping[str, Any], event: Event) -> object:
        """Keep a message with its files; a repeat costs no download."""
        if envelope.known(self.code, event.external_id, event.digest):
            raw = b""
        else:
            found = envelope.fetched(events.wanted(event.said), hosts=api.HOSTS, base=api.base(there))
            raw = envelope.packed(events.SCHEMA, update, found, group=_group(there), after=_after(event))
            reach("ok.after_fetch")
        accepted = inbox.accept(
            Arrived(self.code, event.external_id, event.digest, raw, timezone.now(), contact_point=POINT)
        )
        reach("ok.after_accept")
        return accepted

    # --- out ---

    def send(self, item: ToSend) -> str:
        """Answer in the chat, or under the topic where everybody reads it: then nothing of people may stand in it."""
        if installation.is_demo():
            raise DeliveryError("Учебный стенд: наружу ничего не уходит.", permanent=True)
        there = connections.needed(self.code)
        place = social.place_of(self.code, item.recipient)
        if place is None:
            raise DeliveryError("Это не адрес в Одноклассниках: нужен вид ok.ru/profile/123.", permanent=True)
        try:
            if place.post:
                return _comment(there, place, item)
            return self._message(there, place, item)
        except api.ForAdministrator as refusal:
            with connections.noted(self.code):
                raise SourceError(str(refusal)) from None
            raise
        except SourceError as failure:  # before anything was handed over
            raise DeliveryError(str(failure), retry_after=failure.retry_after) from None

    def _message(self, there: Connecting, place: Place, item: ToSend) -> str:
        attached = [_uploaded(there, one) for one in item.files]
        if attached:
            time.sleep(self.patience)
        to = {"chat_id": place.chat} if place.chat else {"user_id": f"user:{place.person}"}
        said: Mapping[str, Any] = {}
        for turn, (text, files) in enumerate(_turns(envelope.in_parts(item.text, LONGEST), attached)):
            message: dict[str, Any] = {"text": text} if text else {}
            if files:
                message["attachments"] = files
            with _first_or_unknown(turn):
                said = api.hand_over(
                    there, f"me/messages/{place.chat}".rstrip("/"), {"recipient": to, "message": message}
                )
                api.check_success(said)
            reach("ok.after_send")
        return words(said.get("message_id")) or place.address

    def try_out(self) -> str:
        """Ask which group the key belongs to, and whether events are sent to us."""
        there = connections.drafted(self.code)
        said = api.get(there, "me/info")
        if words(said.get("group_id")).removeprefix("group:") != str(_group(there)):
            raise SourceError("Ключ действует, но выдан другой группой: проверьте номер группы.")
        called = any(words(one.get("url")) == _hook(there) for one in _subscriptions(there))
        told = "события приходят на этот сервер" if called else "на события подпишемся, когда канал будет включён"
        return f"Группа «{words(said.get('name'))}»: ключ действует, {told}."


# --- in ---------------------------------------------------------------------------------------------------------------


def _group(there: Connecting) -> int:
    said = str(there["group"]).strip()
    return int(said) if said.isdecimal() and len(said) < 19 else 0


def _hook(there: Connecting) -> str:
    return f"{site.BASE_URL}/hooks/{ChannelCode.OK.value}/?key={quote(str(there['key']))}"


def _subscriptions(there: Connecting) -> list[Mapping[str, Any]]:
    return mappings(api.get(there, "me/subscriptions").get("subscriptions"))


def _subscribe(there: Connecting) -> None:
    """Let events be sent to us; after eight hours without an answer of ours the subscription may be dropped."""
    if all(words(one.get("url")) != _hook(there) for one in _subscriptions(there)):
        said = api.post(there, "me/subscribe", {"url": _hook(there)})
        if said.get("success") is not True:
            raise SourceError("Одноклассники не подписали этот сервер на события: проверьте его адрес.")


def _kept(event: Event) -> bool:
    return IncomingMessage.objects.filter(channel=ChannelCode.OK, external_id=event.external_id).exists()


def _after(event: Event) -> str:
    """Return what was said last in the chat, where this goes on with it."""
    if event.thing != "message" or not event.named or not event.external_id.count("."):
        return ""
    return dialogue.said_last(
        ChannelCode.OK,
        dialogue=event.external_id.rpartition(".")[0] + ".",
        besides=[event.external_id],
        recipient=event.answer_address,
        named=events.message_id_of,
    )


def _talked(there: Connecting, since: int) -> Iterator[str]:
    """Return the chats in which something happened since, the newest first."""
    marker = ""
    for _ in range(MOST_PAGES):
        said = api.get(there, "me/chats", count=PAGE, marker=marker)
        for one in mappings(said.get("chats")):
            if number(one.get("lastEventTime")) < since:
                return
            if chat := words(one.get("chat_id")):
                yield chat
        marker = words(said.get("marker"))
        if not marker:
            return


def _written(there: Connecting, chat: str, since: int) -> Iterator[Mapping[str, Any]]:
    """Return what was written in a chat since, the newest first; `from` is the later of the two moments."""
    until = int(time.time() * 1000) + OVERLAP
    for _ in range(MOST_PAGES):
        said = mappings(
            api.get(there, f"me/messages/{chat}", **{"from": until, "to": since, "count": PAGE}).get("messages")
        )
        yield from said
        oldest = min((number(one.get("timestamp")) for one in said), default=0)
        if len(said) < PAGE or not since < oldest < until:
            return
        until = oldest


def _reads_comments(there: Connecting) -> bool:
    return all(there[name] for name in ("app_key", "app_secret", "admin_token"))


def _comments(there: Connecting, now: int) -> Iterator[Mapping[str, Any]]:
    """Return the comments on the group's topics of the last days."""
    topics = api.rest(there, "group.getStatTopics", gid=_group(there), start_time=now - TOPICS_FOR, count=PAGE)
    for topic in mappings(topics.get("topics")):
        one = words(topic.get("id"))
        anchor = ""
        for _ in range(MOST_PAGES):
            said = api.rest(
                there,
                "discussions.getComments",
                discussionId=one,
                discussionType="GROUP_TOPIC",
                count=PAGE,
                anchor=anchor,
            )
            for comment in mappings(said.get("comments")):
                yield {"topic": one, "comment": comment}
            anchor = words(said.get("anchor"))
            if said.get("has_more") is not True or not anchor:
                break


# --- out --------------------------------------------------------------------------------------------------------------


def _comment(there: Connecting, place: Place, item: ToSend) -> str:
    social.check_public(item)
    if not _reads_comments(there):
        raise DeliveryError(
            "Для ответа в комментариях нужны ключи приложения: впишите их на странице канала или ответьте сообщением.",
            permanent=True,
        )
    said: Mapping[str, Any] = {}
    for turn, text in enumerate(envelope.in_parts(item.text, LONGEST)):
        with _first_or_unknown(turn):
            said = api.rest_hand_over(
                there,
                "discussions.addDiscussionComment",
                entityId=place.post,
                entityType="GROUP_TOPIC",
                comment=text,
                reply_to_comment_id=place.comment,
                as_admin="true",
            )
        reach("ok.after_send")
    return words(said.get("id")) or place.address


class _first_or_unknown:  # noqa: N801 — used as a word
    """A later part that is refused: the parts before it have arrived, and nothing tells a repeat of them."""

    def __init__(self, turn: int) -> None:
        self.turn = turn

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> None:
        if self.turn and isinstance(failure, DeliveryError):
            raise DeliveryUnknown(f"Ушли первые части ответа ({self.turn}), дальше отказ: {failure}") from None


def _turns(
    texts: Sequence[str], attached: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Return what goes in each message: files go with the first words: refused, they repeat nothing."""
    portions = [list(attached[at : at + MOST_ATTACHED]) for at in range(0, len(attached), MOST_ATTACHED)]
    for turn in range(max(len(texts), len(portions))):
        yield (texts[turn] if turn < len(texts) else ""), (portions[turn] if turn < len(portions) else [])


def _uploaded(there: Connecting, file: tuple[str, Path, str]) -> dict[str, Any]:
    """Lay a file down at Odnoklassniki; return how a message names it."""
    name, path, kind = file
    server = api.get(there, "me/fileUploadUrl", type="FILE")
    token = words(server.get("token"))
    if not token:
        raise DeliveryError("Одноклассники не дали места для приложенного файла.")
    with path.open("rb") as content:
        wire.lay_down(words(server.get("url")), name, content, kind)
    return {"type": "FILE", "payload": {"token": token}}
