"""Telegram as a channel: by asking (getUpdates) or by being called (webhook); translate, do not decide."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final

from django.utils import timezone

from otklik.channels import two_questions
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
from otklik.channels.telegram import parse
from otklik.channels.telegram.bot import DEFAULT, Bot, Moved
from otklik.channels.two_questions import Step
from otklik.correspondence import connections
from otklik.correspondence.channel import DeliveryError, Parsed, Setting, SourceError, ToSend
from otklik.correspondence.connections import Connecting
from otklik.correspondence.social import Place

AT_ONCE: Final = 100  # the most getUpdates gives
CHECKED_EVERY: Final = 60  # seconds between two looks at a webhook that works
# After a week without updates Telegram begins its numbers anew: ours says nothing by then.
NUMBERS_LAST: Final = 6 * 24 * 60 * 60


class TelegramChannel(Messenger):
    """A bot of Telegram. Nothing of it recognises a repeat: what may have arrived is for a clerk to decide."""

    code: ClassVar[str] = "telegram"
    name: ClassVar[str] = "Telegram"
    where: ClassVar[str] = "в Telegram"
    why_personal: ClassVar[str] = "а Telegram — иностранный мессенджер (41-ФЗ), это запрещено настройкой канала"
    schema: ClassVar[str] = "telegram/1"
    secret_header: ClassVar[str] = "x-telegram-bot-api-secret-token"  # noqa: S105 — its name
    longest_text: ClassVar[int] = 4000  # 4096, of which a smile takes two
    largest_file: ClassVar[int] = 50 * 1024 * 1024
    guide: ClassVar[str] = "docs/channels/telegram.md"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("token", "Токен бота", "Его выдаёт @BotFather по команде /newbot или /token.", "secret"),
        Setting("api", "Адрес Bot API", f"Пусто — {DEFAULT}; иначе ваш сервер Bot API.", "text", False),
        *CONNECTING,
    )

    def try_out(self) -> str:
        """Ask Telegram who the bot is, and how it is called."""
        there = connections.drafted(self.code)
        if there["webhook"]:
            asks_over_https(there, self.code)
        me = Bot(there).ask("getMe")
        return f"Бот «{text_of(me, 'first_name')}» (@{text_of(me, 'username')}) отвечает.{self._not_taken(there)}"

    # --- in ---

    def sort(self, update: Any, there: Connecting) -> Sorted:
        """Say what an update is to us."""
        return parse.sort(update, groups=bool(there["groups"]))

    def read(self, updates: Sequence[Json]) -> Parsed:
        """Read the updates of one message."""
        return parse.read(updates)

    def fetch_file(self, there: Connecting, one: Wanted, into: Path) -> None:
        """Write a file of a message."""
        Bot(there).download(one.of, into)

    def stream(self, there: Connecting) -> Iterator[object]:
        """Ask for updates until there are none. The number of the next one is kept only after they are.

        An album that ends what was given may have more parts on their way: it is left to the next visit, once.
        """
        bot, cursor = Bot(there), dict(there.cursor)
        until = time.monotonic() + listens(there)
        while True:
            updates = self._updates(bot, cursor, max(0, int(until - time.monotonic())))
            whole, album = _without_last_album(updates, cursor.get("album"))
            yield from self.take(there, whole)
            numbers = [number for one in whole if (number := number_of(one, "update_id")) is not None]
            if numbers:
                cursor |= {"offset": max(numbers) + 1, "at": int(timezone.now().timestamp())}
            if numbers or album != cursor.get("album", ""):
                cursor["album"] = album
                connections.remember(self.code, **{name: cursor.get(name) for name in ("offset", "at", "album")})
            if not numbers or album or (len(updates) < AT_ONCE and time.monotonic() >= until):
                return

    def _updates(self, bot: Bot, cursor: Json, wait: int) -> list[Any]:
        offset, at = number_of(cursor, "offset"), number_of(cursor, "at") or 0
        asked: dict[str, Any] = {"limit": AT_ONCE, "timeout": wait, "allowed_updates": list(parse.UPDATES)}
        if offset is not None and timezone.now().timestamp() - at < NUMBERS_LAST:
            asked["offset"] = offset
        given = bot.ask("getUpdates", seconds=wait, **asked)
        if not isinstance(given, list):
            raise SourceError("Telegram ответил непонятно: вместо списка событий пришло другое.")
        return given

    def keep_hook(self, there: Connecting) -> None:
        """Have Telegram call us, one call at a time and so in their order; say what it complains of."""
        url, secret = asks_over_https(there, self.code), str(there["secret"])
        mark, now = sha256(secret.encode()).hexdigest()[:16], int(timezone.now().timestamp())
        known = part(there.cursor, "hook")
        if known.get("mark") == mark and now - (number_of(known, "at") or 0) < CHECKED_EVERY:
            return
        bot = Bot(there)
        told = part(bot.ask("getWebhookInfo"))
        if text_of(told, "url") != url or known.get("mark") != mark:
            bot.ask("setWebhook", url=url, secret_token=secret, allowed_updates=list(parse.UPDATES), max_connections=1)
        elif number_of(told, "pending_update_count") and now - (number_of(told, "last_error_date") or 0) < 600:
            why = text_of(told, "last_error_message")[:200]
            raise SourceError(f"Telegram не может доставить сообщения по адресу {url}: {why}.")
        connections.remember(self.code, hook={"mark": mark, "at": now})

    def press(self, there: Connecting, update: Json) -> None:
        """Take an answer to one of the two questions, and show what comes next in the place of the question."""
        query = part(update, "callback_query")
        chat = number_of(part(query, "message", "chat"), "id")
        if part(query, "message", "chat") and chat != number_of(part(query, "from"), "id"):
            step = Step(two_questions.STALE)  # in a group somebody else may press
        else:
            step = two_questions.pressed(text_of(query, "data"))
        bot = Bot(there)
        number = number_of(part(query, "message"), "message_id")
        if chat is not None and number is not None:
            self._show(bot, step, chat, number)
        bot.ask("answerCallbackQuery", callback_query_id=text_of(query, "id"))

    def _show(self, bot: Bot, step: Step, chat: int, number: int) -> None:
        asked: dict[str, Any] = {
            "chat_id": chat,
            "message_id": number,
            "text": step.text,
            "reply_markup": _keyboard(step),
        }
        try:
            bot.ask("editMessageText", **asked)
        except SourceError as failure:
            if "not modified" not in str(failure):  # pressed twice: it stands there already
                raise

    # --- out ---

    def hand(self, there: Connecting, place: Place, call: Call, item: ToSend) -> str:
        """Send a part of the text or a file."""
        chat, what = _chat(place), dict[str, Any]()
        method = "sendMessage" if call.file is None else "sendDocument"
        if call.file is None:
            what = {"text": call.text, "link_preview_options": {"is_disabled": True}}
            answered = re.fullmatch(rf"<telegram\.{chat}\.(\d+)@telegram\.invalid>", item.in_reply_to)
            if call.first and answered:
                what["reply_parameters"] = {"message_id": int(answered[1]), "allow_sending_without_reply": True}
        bot = Bot(there)
        try:
            made = bot.hand_over(method, paper=call.file, chat_id=chat, **what)
        except Moved as moved:
            made = self._again(bot, method, call, moved, what)
        return f"{number_of(part(made, 'chat'), 'id') or place}:{number_of(made, 'message_id')}"

    def _again(self, bot: Bot, method: str, call: Call, moved: Moved, what: dict[str, Any]) -> Json:
        try:
            return bot.hand_over(method, paper=call.file, chat_id=moved.chat, **what)
        except Moved:
            raise DeliveryError("Группа Telegram переехала: отправьте ответ ещё раз.") from None

    def ask(self, there: Connecting, place: Place, step: Step) -> None:
        """Send a question with its buttons."""
        Bot(there).hand_over("sendMessage", chat_id=_chat(place), text=step.text, reply_markup=_keyboard(step))


def _chat(place: Place) -> int:
    return int(place.person or place.chat)


def _keyboard(step: Step) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": words, "callback_data": data}] for words, data in step.buttons]}


def _without_last_album(updates: Sequence[Any], seen: Any) -> tuple[list[Any], str]:
    """Return the updates but an album at their end that was not at the end before, and its name."""
    album = _album(updates[-1]) if updates else ""
    if not album or album == seen:
        return list(updates), ""
    return list(updates[: next(place for place, one in enumerate(updates) if _album(one) == album)]), album


def _album(update: Any) -> str:
    return text_of(part(update, "message"), "media_group_id")
