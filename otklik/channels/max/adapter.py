"""MAX as a channel: by being called (webhook) or by asking; translate, do not decide."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final

from django.conf import settings as system
from django.utils import timezone

from otklik.channels import two_questions
from otklik.channels.max import parse
from otklik.channels.max.bot import DEFAULT, Bot
from otklik.channels.messenger import (
    CONNECTING,
    Call,
    Json,
    Messenger,
    Sorted,
    Wanted,
    asks_over_https,
    listens,
    number_of,
    part,
    text_of,
)
from otklik.channels.two_questions import Step
from otklik.correspondence import connections
from otklik.correspondence.channel import Parsed, Setting, SourceError, ToSend
from otklik.correspondence.connections import Connecting
from otklik.correspondence.models import IncomingMessage
from otklik.correspondence.social import Place

AT_ONCE: Final = 100
CHECKED_EVERY: Final = 60  # seconds between two looks at whom MAX calls


class MaxChannel(Messenger):
    """A bot of MAX. Nothing of it recognises a repeat: what may have arrived is for a clerk to decide."""

    code: ClassVar[str] = "max"
    name: ClassVar[str] = "MAX"
    where: ClassVar[str] = "в MAX"
    why_personal: ClassVar[str] = "это запрещено настройкой канала"
    schema: ClassVar[str] = "max/1"
    secret_header: ClassVar[str] = "x-max-bot-api-secret"  # noqa: S105 — its name
    longest_text: ClassVar[int] = 4000
    largest_file: ClassVar[int] = 250 * 1024 * 1024
    guide: ClassVar[str] = "docs/channels/max.md"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("token", "Токен бота", "Чат-боты → бот → Настройки на business.max.ru.", "secret"),
        Setting("api", "Адрес API", f"Пусто — {DEFAULT}.", "text", False),
        *CONNECTING,
    )

    def try_out(self) -> str:
        """Ask MAX who the bot is, and how it is called."""
        there = connections.drafted(self.code)
        if there["webhook"]:
            asks_over_https(there, self.code)
        me = Bot(there).ask("GET", "/me", needs="user_id")
        named = text_of(me, "first_name") or text_of(me, "name")
        return f"Бот «{named}» (@{text_of(me, 'username')}) отвечает.{self._not_taken(there)}"

    # --- in ---

    def sort(self, update: Any, there: Connecting) -> Sorted:
        """Say what an update is to us; that a message was removed matters only where we have it."""
        one = parse.sort(update, groups=bool(there["groups"]))
        if one.external_id.endswith(":removed"):
            known = IncomingMessage.objects.filter(
                channel=self.code, external_id=one.external_id.removesuffix(":removed")
            )
            return one if known.exists() else Sorted("ignored", "удалено то, чего у нас нет")
        return one if one.external_id or one.what != "message" else replace(one, external_id="update")

    def read(self, updates: Sequence[Json]) -> Parsed:
        """Read the updates of one message."""
        return parse.read(updates)

    def fetch_file(self, there: Connecting, one: Wanted, into: Path) -> None:
        """Write a file of a message."""
        Bot(there).download(one.of, into)

    def stream(self, there: Connecting) -> Iterator[object]:
        """Ask for updates until there are none. Where they go on from is kept only after they are."""
        bot, marker = Bot(there), number_of(there.cursor, "marker")
        self._keep_unhooked(bot, there)
        until = time.monotonic() + listens(there)
        while True:
            wait = max(0, int(until - time.monotonic()))
            asked = {"limit": AT_ONCE, "timeout": wait, "types": ",".join(parse.UPDATES)}
            if marker is not None:
                asked["marker"] = marker
            said = bot.ask("GET", "/updates", needs="updates", seconds=wait, params=asked)
            updates = said["updates"]
            if not isinstance(updates, list):
                raise SourceError("MAX ответил непонятно: вместо списка событий пришло другое.")
            yield from self.take(there, updates)
            told = number_of(said, "marker")
            if told is not None and told != marker:
                connections.remember(self.code, marker=told)
            if not updates or told in {None, marker} or (len(updates) < AT_ONCE and time.monotonic() >= until):
                return
            marker = told

    def keep_hook(self, there: Connecting) -> None:
        """Have MAX call us: after eight hours without an answer of ours it forgets to."""
        url, secret = asks_over_https(there, self.code), str(there["secret"])
        mark, now = sha256(secret.encode()).hexdigest()[:16], int(timezone.now().timestamp())
        known = part(there.cursor, "hook")
        if known.get("mark") == mark and now - (number_of(known, "at") or 0) < CHECKED_EVERY:
            return
        bot = Bot(there)
        if url not in bot.subscriptions() or known.get("mark") != mark:
            asked = {"url": url, "update_types": list(parse.UPDATES), "secret": secret}
            bot.ask("POST", "/subscriptions", needs="success", json=asked)
        connections.remember(self.code, hook={"mark": mark, "at": now})

    def _keep_unhooked(self, bot: Bot, there: Connecting) -> None:
        """See to it that MAX calls nobody: while it does, asking brings nothing."""
        now = int(timezone.now().timestamp())
        if now - (number_of(there.cursor, "unhooked") or 0) < CHECKED_EVERY:
            return
        for url in bot.subscriptions():
            if not url.startswith(f"{system.BASE_URL}/"):
                raise SourceError("У бота есть другой получатель: отключите его вебхук или включите наш.")
            bot.ask("DELETE", "/subscriptions", needs="success", params={"url": url})
        connections.remember(self.code, unhooked=now, hook={})

    def press(self, there: Connecting, update: Json) -> None:
        """Take an answer to one of the two questions, and show what comes next in the place of the question."""
        callback = part(update, "callback")
        if text_of(part(update, "message", "recipient"), "chat_type") == "chat":
            step = Step(two_questions.STALE)  # in a group somebody else may press
        else:
            step = two_questions.pressed(text_of(callback, "payload"))
        asked = {"callback_id": text_of(callback, "callback_id")}
        Bot(there).ask("POST", "/answers", needs="success", params=asked, json={"message": _shown(step)})

    # --- out ---

    def hand(self, there: Connecting, place: Place, call: Call, item: ToSend) -> str:
        """Send a part of the text or a file."""
        bot = Bot(there)
        body: dict[str, Any] = {"text": call.text, "attachments": None, "link": None}
        if call.file is not None:
            attached = {"type": "file", "payload": {"token": bot.upload(call.file)}}
            body = {"text": None, "attachments": [attached], "link": None}
        elif call.first and (answered := re.fullmatch(r"<max\.([\w.-]+)@max\.invalid>", item.in_reply_to)):
            body["link"] = {"type": "reply", "mid": answered[1]}
        return text_of(part(bot.hand_over(_to(place), body), "body"), "mid")

    def ask(self, there: Connecting, place: Place, step: Step) -> None:
        """Send a question with its buttons."""
        Bot(there).hand_over(_to(place), {**_shown(step), "link": None})


def _to(place: Place) -> dict[str, str]:
    return {"user_id": place.person} if place.person else {"chat_id": place.chat}


def _shown(step: Step) -> dict[str, Any]:
    buttons = [[{"type": "callback", "text": words, "payload": data}] for words, data in step.buttons]
    keyboard = {"type": "inline_keyboard", "payload": {"buttons": buttons}}
    return {"text": step.text, "attachments": [keyboard] if buttons else []}
