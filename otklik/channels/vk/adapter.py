"""VKontakte as a channel: events by the Callback API, what they missed by asking, answers to both."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final

from django.utils import timezone

from otklik.channels import dialogue, envelope, wire
from otklik.channels.envelope import mapping, mappings, number, words
from otklik.channels.vk import api, events
from otklik.channels.vk.events import Event
from otklik.channels.vk.parse import parse
from otklik.core import installation
from otklik.core.crashpoints import reach
from otklik.correspondence import connections, inbox, social
from otklik.correspondence.channel import (
    Arrived,
    Called,
    DeliveryError,
    Parsed,
    Refused,
    Reply,
    Setting,
    SourceError,
    ToSend,
)
from otklik.correspondence.connections import Connecting
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.correspondence.social import CHATS, Place

POINT: Final = "vk"
LONGEST: Final = 4000  # characters of one message
MOST_ATTACHED: Final = 10  # files of one message
OVERLAP: Final = 600  # seconds looked at again: an event may come late
PAGE: Final = 100
MOST_PAGES: Final = 50


class VkChannel:
    """A community: its dialogues, comments on its wall, posts proposed to it."""

    code: ClassVar[str] = ChannelCode.VK.value
    repeats_safely: ClassVar[bool] = True  # random_id, guid; and the dialogue is looked at first
    every: ClassVar[int] = 300
    sends: ClassVar[bool] = True
    guide: ClassVar[str] = "vk"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("group", "Номер сообщества", "Цифры из адреса vk.com/club123 или vk.com/public123.", kind="number"),
        Setting("token", "Ключ доступа сообщества", "Управление → Работа с API → Ключи доступа.", kind="secret"),
        Setting("secret", "Секретный ключ", "Тот же, что в настройках Callback API сообщества.", kind="secret"),
        Setting(
            "confirmation",
            "Строка, которую должен вернуть сервер",
            "Показана в настройках Callback API; меняется, если сервер добавлен заново.",
        ),
        Setting("api", "Адрес API", "Менять не нужно.", required=False, default=api.API),
    )

    # --- in ---

    def hear(self, called: Called) -> Reply:
        """Keep what an event tells and say «ok» only then; VKontakte repeats an event until it hears it."""
        there = connections.of(self.code)
        update = envelope.object_in(called.body)
        if there is None or update is None or number(update.get("group_id")) != _group(there):
            raise Refused
        if update.get("type") == "confirmation":
            return Reply(str(there["confirmation"]))
        said, ours = words(update.pop("secret", "")), str(there["secret"])
        if not ours or not hmac.compare_digest(said.encode(), ours.encode()):
            raise Refused
        event = events.read(update, _group(there))
        if event is not None:
            self._take(there, update, event)
        return Reply()

    def fetch(self) -> Iterable[object]:
        """Look into the dialogues for what no event has told of: the server was down, the event was lost."""
        there = connections.of(self.code)
        if there is None:
            return
        now = int(time.time())
        since = number(there.cursor.get("seen_to")) or now  # what was written before it was connected stays there
        for peer in _talked(there, since - OVERLAP):
            for message in reversed(list(_written(there, peer, since - OVERLAP))):
                update = {"type": "message_new", "object": {"message": message}, "group_id": _group(there)}
                event = events.read(update, _group(there))
                if event is not None and not _kept(event):
                    yield self._take(there, update, event)
        connections.remember(self.code, seen_to=now)

    def parse(self, raw: Path) -> Parsed:
        """Read a kept event."""
        return parse(raw)

    def _take(self, there: Connecting, update: Mapping[str, Any], event: Event) -> object:
        """Keep an event with its files. A repeat costs no download; what is told of a comment we never had, nothing."""
        about = _about(event)
        if event.turn == "delete" and not about:
            return None
        if event.turn == "restore" and not about:  # its coming was missed: this is it
            update = {**update, "type": "wall_reply_new"}
            event = events.read(update, _group(there)) or event
        if envelope.known(self.code, event.external_id, event.digest):
            raw = b""
        else:
            found = envelope.fetched(events.wanted(event.said), hosts=api.HOSTS, base=api.base(there))
            raw = envelope.packed(
                events.SCHEMA,
                update,
                found,
                group=_group(there),
                sender=_who(there, event.author),
                about=about if event.turn in {"delete", "restore"} else {},
                after=_after(event),
            )
            reach("vk.after_fetch")
        accepted = inbox.accept(
            Arrived(self.code, event.external_id, event.digest, raw, timezone.now(), contact_point=POINT)
        )
        reach("vk.after_accept")
        return accepted

    # --- out ---

    def send(self, item: ToSend) -> str:
        """Answer in the dialogue, or under the post, where everybody reads it: nothing of people may stand there."""
        if installation.is_demo():
            raise DeliveryError("Учебный стенд: наружу ничего не уходит.", permanent=True)
        there = connections.needed(self.code)
        place = social.place_of(self.code, item.recipient)
        if place is None:
            raise DeliveryError("Это не адрес ВКонтакте: нужен вид vk.com/id123.", permanent=True)
        if place.public:
            social.check_public(item)
        try:
            return _comment(there, place, item) if place.post else _message(there, place, item)
        except SourceError as failure:  # before anything was handed over
            raise DeliveryError(str(failure), retry_after=failure.retry_after) from None

    def try_out(self) -> str:
        """Ask which community the key belongs to, and whether it may write messages."""
        there = connections.drafted(self.code)
        groups = mappings(mapping(api.ask(there, "groups.getById", group_id=_group(there))).get("groups"))
        rights = {
            words(one.get("name"))
            for one in mappings(mapping(api.ask(there, "groups.getTokenPermissions")).get("permissions"))
        }
        if not groups:
            raise SourceError("Ключ действует, но такого сообщества нет: проверьте номер.")
        if "messages" not in rights:
            raise SourceError("У ключа нет права «сообщения сообщества»: выпустите новый и отметьте его.")
        return f"Сообщество «{words(groups[0].get('name'))}»: ключ действует, версия API {api.VERSION}."


# --- in ---------------------------------------------------------------------------------------------------------------


def _group(there: Connecting) -> int:
    said = str(there["group"]).strip()
    return int(said) if said.isdecimal() and len(said) < 19 else 0


def _kept(event: Event) -> bool:
    """Say whether a message has been kept, however it reads now: its edits come as events of their own."""
    return IncomingMessage.objects.filter(channel=ChannelCode.VK, external_id=event.external_id).exists()


def _who(there: Connecting, author: int) -> dict[str, str]:
    """Return a person's name; without it the message is no worse."""
    if author <= 0:
        return {"last_name": f"Сообщество {-author}"} if author else {}
    known = IncomingMessage.objects.filter(channel=ChannelCode.VK, sender_address=f"vk.com/id{author}")
    if said := known.exclude(sender_name="").order_by("-id").values_list("sender_name", flat=True).first():
        last, _, first = said.partition(" ")  # who has written before need not be asked for
        return {"last_name": last, "first_name": first}
    with suppress(SourceError):
        for one in mappings(api.ask(there, "users.get", user_ids=author)):
            return {name: words(one.get(name)) for name in ("last_name", "first_name")}
    return {}


def _about(event: Event) -> dict[str, str]:
    """Return who wrote the comment that is now gone or back."""
    if event.turn not in {"delete", "restore"}:
        return {}
    row = IncomingMessage.objects.filter(channel=ChannelCode.VK, external_id=event.whole_id).first()
    return {} if row is None else {"name": row.sender_name, "address": row.sender_address}


def _after(event: Event) -> str:
    """Return what was said last in the dialogue, where this goes on with it."""
    if event.thing != "message" or event.turn != "new" or not event.named:
        return ""
    return dialogue.said_last(
        ChannelCode.VK,
        dialogue=event.whole_id.rpartition(":")[0] + ":",
        besides=[event.external_id],
        recipient=event.answer_address,
        named=events.message_id_of,
        answers_us=number(mapping(event.said.get("reply_message")).get("from_id")) < 0,
    )


def _talked(there: Connecting, since: int) -> Iterator[int]:
    """Return the dialogues in which something was written since, the newest first."""
    for page in range(MOST_PAGES):
        said = mapping(
            api.ask(there, "messages.getConversations", count=PAGE, offset=page * PAGE, group_id=_group(there))
        )
        items = mappings(said.get("items"))
        for one in items:
            if number(mapping(one.get("last_message")).get("date")) < since:
                return
            if peer := number(mapping(mapping(one.get("conversation")).get("peer")).get("id")):
                yield peer
        if len(items) < PAGE:
            return


def _written(there: Connecting, peer: int, since: int) -> Iterator[Mapping[str, Any]]:
    """Return what was written in a dialogue since, the newest first."""
    for page in range(MOST_PAGES):
        items = _history(there, peer, page)
        for one in items:
            if number(one.get("date")) < since:
                return
            yield {"peer_id": peer, **one}
        if len(items) < PAGE:
            return


def _history(there: Connecting, peer: int, page: int = 0) -> list[Mapping[str, Any]]:
    said = api.ask(there, "messages.getHistory", peer_id=peer, count=PAGE, offset=page * PAGE, group_id=_group(there))
    return mappings(mapping(said).get("items"))


# --- out --------------------------------------------------------------------------------------------------------------


def _message(there: Connecting, place: Place, item: ToSend) -> str:
    """Send what the dialogue does not hold yet; VKontakte itself knows a repeat for an hour only."""
    peer = CHATS + int(place.chat) if place.chat else int(place.person)
    texts = envelope.in_parts(item.text, LONGEST)
    attached = [item.files[at : at + MOST_ATTACHED] for at in range(0, len(item.files), MOST_ATTACHED)]
    while len(texts) < len(attached):
        texts.append("")
    held = {number(one.get("random_id")) for one in _history(there, peer)}
    last = ""
    for turn, text in enumerate(texts):
        once = _once(item.message_id, turn)
        if once in held:
            continue
        place_of_files = turn - (len(texts) - len(attached))  # the files come with the last words
        files = attached[place_of_files] if place_of_files >= 0 else ()
        documents = ",".join(_uploaded(there, peer, one) for one in files)
        reach("vk.before_send")
        said = _handed(
            there, "messages.send", peer_id=peer, random_id=once, message=text, attachment=documents, dont_parse_links=1
        )
        reach("vk.after_send")
        last = str(number(said))
    return f"{place.address}#{last or 'there'}"


def _comment(there: Connecting, place: Place, item: ToSend) -> str:
    last = ""
    for turn, text in enumerate(envelope.in_parts(item.text, LONGEST)):
        said = _handed(
            there,
            "wall.createComment",
            owner_id=int(place.owner),
            post_id=int(place.post),
            from_group=_group(there),
            reply_to_comment=place.comment,
            message=text,
            guid=f"{_once(item.message_id, turn)}",
        )
        reach("vk.after_send")
        last = str(number(mapping(said).get("comment_id")))
    return f"{place.address}#{last}"


def _handed(there: Connecting, method: str, **what: Any) -> Any:
    """Hand over; what only an administrator can mend is told on the channel's page, too."""
    try:
        return api.hand_over(there, method, **what)
    except api.ForAdministrator as refusal:
        with connections.noted(ChannelCode.VK):
            raise SourceError(str(refusal)) from None
        raise


def _once(message_id: str, turn: int) -> int:
    """Return the same number for the same part of the same message, for ever: a repeat is recognised."""
    return int.from_bytes(sha256(f"{message_id}/{turn}".encode()).digest()[:4], "big") % (2**31 - 1) + 1


def _uploaded(there: Connecting, peer: int, file: tuple[str, Path, str]) -> str:
    """Lay a file down at VKontakte; return how a message names it."""
    name, path, kind = file
    server = mapping(api.ask(there, "docs.getMessagesUploadServer", type="doc", peer_id=peer))
    with path.open("rb") as content:
        said = wire.ask("POST", words(server.get("upload_url")), files={"file": (name, content, kind)})
    if not words(said.get("file")):
        raise DeliveryError(
            "ВКонтакте не принял приложенный файл: его вид запрещён или он слишком большой.", permanent=True
        )
    saved = mapping(mapping(api.ask(there, "docs.save", file=words(said["file"]), title=name)).get("doc"))
    if not number(saved.get("id")):
        raise DeliveryError("ВКонтакте не сохранил приложенный файл.")
    return f"doc{number(saved.get('owner_id'))}_{number(saved.get('id'))}"
