"""What messengers have in common: updates come in a stream or by calls, files are asked for apart, buttons are pressed.

What is kept of a message is an envelope: the updates as the messenger gave them, and its files by their hash, fetched
before it is kept. `Messenger` is the adapter but for what each of them calls by names of its own.
"""

from __future__ import annotations

import hmac
import logging
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from otklik.channels import dialogue, envelope, two_questions
from otklik.channels.two_questions import Step
from otklik.core import files, installation
from otklik.core.crashpoints import reach
from otklik.correspondence import connections, delivery, inbox, social
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
from otklik.correspondence.models import Connection, IncomingMessage, OutgoingMessage, Thread
from otklik.correspondence.social import Place
from otklik.people import staff

log = logging.getLogger("otklik.channels")
Kind = OutgoingMessage.Kind
Json = Mapping[str, Any]

REFERS: Final = frozenset({Kind.RECEIPT, Kind.ANSWER, Kind.NOTICE})  # what a person may reply to
LISTENS: Final = 8  # seconds of every ten: what is written is here at once
LONGEST_WAIT: Final = 25
ATTEMPTS: Final = 2  # at a file: a messenger that answers badly twice keeps no message waiting
_MARK: Final = re.compile(r"\[#([a-z2-9]{10})\]")


@dataclass(frozen=True)
class Wanted:
    """A file that a message bears: `of` is what it is asked for by; with a `problem` it is not asked for."""

    of: str
    name: str
    kind: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Sorted:
    """What an update is to us. Parts of one `album` that come one after the other are one message."""

    what: Literal["message", "start", "button", "ignored"]
    why: str = ""  # one is ignored, in words for the administrator
    external_id: str = ""
    album: str = ""
    content: Any = None  # what delivery does not change
    chat: str = ""  # where the one who wrote reads alone
    day: str = ""
    named: str = ""  # the message as letters are named
    dialogue: str = ""  # begins the external ids of what it may go on with; empty where it says itself what it answers
    wanted: Sequence[Wanted] = ()


@dataclass(frozen=True)
class Call:
    """One call of those a message is sent by: a part of its text or a file; `first` answers what the person wrote."""

    text: str = ""
    file: tuple[str, Path, str] | None = None
    first: bool = False


CONNECTING: Final = (
    Setting(
        "webhook", "Получать сообщения вызовами (вебхук)", "Иначе система сама спрашивает, что нового.", "yes", False
    ),
    Setting(
        "secret", "Секрет вебхука", "От 16 знаков: латинские буквы, цифры и дефис. Придумайте сами.", "secret", False
    ),
    Setting(
        "wait", "Слушать за одно обращение, секунд", "Обращений шесть в минуту; не больше 25.", "number", False, LISTENS
    ),
    Setting("groups", "Принимать сообщения из групп", "Ответ в группе видят все.", "yes", False, False),
    Setting("personal", "Разрешить ответ с персональными данными", "", "yes", False, False),
    Setting(
        "explanation",
        "Как подать обращение",
        "Ответ на первое сообщение и на команду «Начать». Пусто — текст по умолчанию.",
        "long",
        False,
    ),
)


class Messenger:
    """An adapter of a messenger. What is abstract here is how that messenger calls things."""

    code: ClassVar[str]
    name: ClassVar[str]  # «Telegram», «MAX»
    where: ClassVar[str]  # «в Telegram»
    why_personal: ClassVar[str]  # why no personal data goes out while it is not allowed
    schema: ClassVar[str]
    secret_header: ClassVar[str]
    longest_text: ClassVar[int]
    largest_file: ClassVar[int]
    repeats_safely: ClassVar[bool] = False  # none of them recognises a repeat
    settings: ClassVar[Sequence[Setting]]
    every: ClassVar[int] = 10
    sends: ClassVar[bool] = True
    guide: ClassVar[str]

    # --- how each of them calls things ---

    def sort(self, update: Any, there: Connecting) -> Sorted:
        """Say what an update is to us."""
        raise NotImplementedError

    def read(self, updates: Sequence[Json]) -> Parsed:
        """Read the updates of one message: a pure function. Raise ParseError."""
        raise NotImplementedError

    def fetch_file(self, there: Connecting, one: Wanted, into: Path) -> None:
        """Write a file of a message. Raise SourceError."""
        raise NotImplementedError

    def stream(self, there: Connecting) -> Iterator[object]:
        """Ask for what is new until there is nothing, keeping how far was read."""
        raise NotImplementedError

    def keep_hook(self, there: Connecting) -> None:
        """See to it that the messenger calls us. Raise SourceError with what it complains of."""
        raise NotImplementedError

    def press(self, there: Connecting, update: Json) -> None:
        """Answer whoever pressed a button."""
        raise NotImplementedError

    def hand(self, there: Connecting, place: Place, call: Call, item: ToSend) -> str:
        """Make one call; return what the messenger called the message."""
        raise NotImplementedError

    def ask(self, there: Connecting, place: Place, step: Step) -> None:
        """Show a question with its buttons."""
        raise NotImplementedError

    # --- in ---

    def fetch(self) -> Iterable[object]:
        """Bring in what waits; where the messenger calls us, see to it that it does."""
        there = connections.of(self.code)
        if there is None:
            return
        if there["webhook"]:
            self.keep_hook(there)
        else:
            yield from self.stream(there)

    def hear(self, called: Called) -> Reply:
        """Keep what a call brought. Without a secret of ours nobody is believed."""
        there = connections.needed(self.code)
        said, ours = called.headers.get(self.secret_header, ""), str(there["secret"])
        if not (there["webhook"] and ours and hmac.compare_digest(said.encode(), ours.encode())):
            raise Refused
        update = envelope.object_in(called.body)
        if update is not None:
            list(self.take(there, [update]))
        else:  # nothing we can read, and it proves who calls: a person looks at it
            mark = sha256(called.body).hexdigest()
            self._read_new(inbox.accept_each([self._arrived(f"sha256:{mark}", mark, called.body)], to_read=True))
        return Reply()

    def take(self, there: Connecting, updates: Sequence[Any]) -> Iterator[inbox.Accepted]:
        """Keep the messages among updates, read them, answer who began a conversation, count what is no message."""
        reach(f"{self.code}.after_fetch")
        sorted_ones = [(self.sort(update, there), update) for update in updates]
        kept = self._keep(there, _albums(pair for pair in sorted_ones if pair[0].what == "message"))
        reach(f"{self.code}.after_keep")
        new = [(one, accepted) for one, accepted in kept if not accepted.duplicate]
        self._read_new([accepted for _, accepted in new])
        for one, update in sorted_ones:
            if one.what == "start":
                self._explain(there, one)
            elif one.what == "button":
                self._pressed(there, update)
        for one, accepted in new:
            if one.chat and accepted.message.state == IncomingMessage.State.NEW and not accepted.message.machine:
                self._explain(there, one, thread=accepted.message.thread)
        self._count(Counter(one.why for one, _ in sorted_ones if one.what == "ignored"))
        yield from (accepted for _, accepted in kept)

    def parse(self, raw: Path) -> Parsed:
        """Read an envelope; its files are taken over from the file store by their hash."""
        content = envelope.opened(raw, schema=self.schema)
        parsed = self.read([content["update"], *envelope.mappings(content.get("more"))])
        after = envelope.words(content.get("after"))
        return replace(
            parsed,
            references=[*parsed.references, *([after] if after else [])],
            files=envelope.papers(content),
            facts_schema=self.schema,
        )

    def _read_new(self, kept: Sequence[inbox.Accepted]) -> None:
        inbox.parse_each([one.message for one in kept if not one.duplicate], {self.code: self})

    def _keep(
        self, there: Connecting, messages: Iterable[tuple[Sorted, list[Any]]]
    ) -> list[tuple[Sorted, inbox.Accepted]]:
        kept: list[tuple[Sorted, inbox.Accepted]] = []
        before: dict[str, str] = {}  # the last message of each dialogue among these
        for portion in inbox.portions(messages, lambda _: 1):
            arrivals = [self._letter(there, one, updates, before) for one, updates in portion]
            reach(f"{self.code}.after_files")
            accepted = inbox.accept_each(arrivals, to_read=True)
            kept += zip([one for one, _ in portion], accepted, strict=True)
        return kept

    def _letter(self, there: Connecting, one: Sorted, updates: list[Any], before: dict[str, str]) -> Arrived:
        digest, raw = envelope.digest(one.content), b""
        if not envelope.known(self.code, one.external_id, digest):  # brought again: its files are here
            papers = [self._paper(there, number, file) for number, file in enumerate(one.wanted)]
            after = (before.get(one.dialogue) or self._after(one)) if one.dialogue else ""
            raw = envelope.packed(self.schema, updates[0], papers, more=updates[1:], after=after)
        if one.dialogue:
            before[one.dialogue] = one.named
        return self._arrived(one.external_id, digest, raw)

    def _after(self, one: Sorted) -> str:
        """Return what was said last in this dialogue, theirs or ours."""

        def named(external_id: str) -> str:
            rows = IncomingMessage.objects.filter(channel=self.code, external_id=external_id)
            return rows.values_list("message_id", flat=True).first() or ""

        return dialogue.said_last(
            self.code, dialogue=one.dialogue, besides=[one.external_id], recipient=one.chat, named=named
        )

    def _arrived(self, external_id: str, digest: str, raw: bytes) -> Arrived:
        return Arrived(self.code, external_id, digest, raw, timezone.now(), self.code)

    def _paper(self, there: Connecting, number: int, one: Wanted) -> dict[str, str]:
        """Fetch a file and store it; what cannot be had is told in the message instead."""
        told, problem = {"name": envelope.file_name(one.name, number), "type": one.kind}, one.problem
        if number >= envelope.MOST_FILES:
            problem = f"Файлов больше {envelope.MOST_FILES}: остальные смотрите {self.where}."
        for _ in range(0 if problem else ATTEMPTS):
            with tempfile.TemporaryDirectory(prefix="otklik-attached-") as folder:
                into = Path(folder) / "file"
                try:
                    self.fetch_file(there, one, into)
                except SourceError as failure:
                    problem = str(failure)
                else:
                    return {**told, "sha256": files.store(into, name=told["name"]).sha256}
        return {**told, "problem": problem}

    def _explain(self, there: Connecting, one: Sorted, thread: Thread | None = None) -> None:
        """Queue how to file lawfully: once to whoever writes, at most once a day to whoever asks for it."""
        key = f"{Kind.HOW_TO_FILE}:{self.code}:{sha256(one.chat.encode()).hexdigest()[:32]}"
        today = f"{key}:{one.day if thread is None else 'written'}"
        before = OutgoingMessage.objects.filter(once_key__startswith=key)
        if (before if thread else before.filter(once_key=today)).exists():
            return
        with transaction.atomic():
            delivery.queue(
                thread=thread or Thread.objects.create(),
                channel=self.code,
                kind=Kind.HOW_TO_FILE,
                recipient=one.chat,
                text=explanation(there, self.where),
                automatic=True,
                once_key=today,
                by=None,
            )

    def _pressed(self, there: Connecting, update: Json) -> None:
        try:
            self.press(there, update)
        except SourceError as failure:  # the answer is kept; that the button goes on turning harms nobody
            log.info("channel %s: a button was not answered: %s", self.code, failure)

    def _count(self, ignored: Counter[str]) -> None:
        """Add what was no message to what the connection remembers, by reason."""
        if not ignored:
            return
        with transaction.atomic():
            row = Connection.objects.select_for_update().get(channel=self.code)
            connections.remember(self.code, ignored=dict(Counter(row.cursor.get("ignored", {})) + ignored))

    # --- out ---

    def send(self, item: ToSend) -> str:
        """Hand a message over, in as many calls as it takes; one that stopped half-way goes on where it stopped."""
        if installation.is_demo():
            raise DeliveryError("Учебный стенд: наружу ничего не уходит.", permanent=True)
        there, place = connections.needed(self.code), social.place_of(self.code, item.recipient)
        if place is None:
            raise DeliveryError(
                f"Это не адрес {self.where}: бот отвечает только тому, кто сам ему написал. Ответьте другим способом.",
                permanent=True,
            )
        allowed = not social.names_nobody(place)
        if not allowed and item.kind != Kind.HOW_TO_FILE:  # words of the administrator's own, the same for everybody
            self._check_personal(item.text, "ответ в группе видят все" if place.public else self.why_personal)
        calls = self._calls(item, item.files if allowed else (), withheld=0 if allowed else len(item.files))
        mark, named = f"begun:{item.message_id}:{len(calls)}", ""
        begun = self._begun(mark) if len(calls) > 1 else 0
        for number, call in enumerate(calls[begun:], start=begun + 1):
            try:
                named = self.hand(there, place, call, item)
            except DeliveryError as failure:
                if failure.permanent and number > 1:
                    raise DeliveryError(f"Ушла только часть сообщения. {failure}", permanent=True) from None
                raise
            reach(f"{self.code}.after_call")
            if len(calls) > 1:
                self._begun(mark, number if number < len(calls) else None)
        if item.kind == Kind.ANSWER and not place.public and (step := two_questions.of_letter(item.text)):
            self._ask(there, place, step)
        return named

    def _check_personal(self, text: str, why: str) -> None:
        if found := social.personal_in(text):
            raise DeliveryError(
                f"Сообщение {self.where} не отправлено: в тексте есть персональные данные ({', '.join(found)}), {why}. "
                "Уберите их или ответьте другим способом.",
                permanent=True,
            )

    def _calls(self, item: ToSend, papers: Sequence[tuple[str, Path, str]], *, withheld: int) -> list[Call]:
        for name, path, _ in papers:
            if path.stat().st_size > self.largest_file:
                raise DeliveryError(
                    f"Файл «{name}» больше {self.largest_file // 1024 // 1024} МБ: {self.name} его не примет. "
                    "Ответьте другим способом.",
                    permanent=True,
                )
        tail = ""
        if withheld:
            tail += f"\n\nФайлы к ответу ({withheld}) {self.where} не передаются: попросите прислать их иначе."
        if item.kind in REFERS:
            tail += (
                "\n\nЧтобы ваше следующее сообщение попало в эту же переписку, ответьте на это сообщение. "
                f"[#{item.token}]"
            )
        parts = envelope.in_parts(item.text + tail, self.longest_text)
        return [
            *(Call(text=part, first=not number) for number, part in enumerate(parts)),
            *(Call(file=paper) for paper in papers),
        ]

    def _begun(self, mark: str, done: int | None = 0) -> int:
        """Return how many calls of a message have been made; with `done` above zero write it down, None forgets it."""
        with transaction.atomic():
            row = Connection.objects.select_for_update().get(channel=self.code)
            if done == 0:
                return int(row.cursor.get(mark, 0))
            row.cursor.pop(mark, None)
            row.cursor |= {mark: done} if done else {}
            row.save(update_fields=["cursor"])
        return done or 0

    def _ask(self, there: Connecting, place: Place, step: Step) -> None:
        try:
            self.ask(there, place, step)
        except (DeliveryError, DeliveryUnknown) as failure:  # the answer itself has arrived
            log.info("channel %s: the questions were not asked: %s", self.code, failure)

    def _not_taken(self, there: Connecting) -> str:
        """Return in words what was no message so far."""
        told = there.cursor.get("ignored") or {}
        return "".join(f" {why}: {count}." for why, count in sorted(told.items()) if isinstance(count, int))


def _albums(messages: Iterable[tuple[Sorted, Any]]) -> list[tuple[Sorted, list[Any]]]:
    """Return messages with their updates; the parts of an album that came together are one message."""
    whole: dict[str, tuple[Sorted, list[Any]]] = {}
    for place, (one, update) in enumerate(messages):
        key = one.album or f"#{place}"
        if before := whole.get(key):
            first, updates = before
            content = [*_as_list(first.content), one.content]
            more = replace(first, content=content, wanted=(*first.wanted, *one.wanted))
            whole[key] = (more, [*updates, update])
        else:
            whole[key] = (one, [update])
    return list(whole.values())


def _as_list(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [content]


# --- words -----------------------------------------------------------------------------------------------------------


def explanation(there: Connecting, where: str) -> str:
    """Return how to file lawfully: the administrator's words, else ours."""
    if own := str(there["explanation"]).strip():
        return own
    department = staff.department()
    by_post = f" Адрес: {department.address}." if department.address else ""
    visit = f" Запись по телефону {department.phone}." if department.phone else ""
    return (
        f"Здравствуйте! Это {department.short_name}. Напишите ваш вопрос одним сообщением, можно приложить фото и "
        f"документы: его прочитают сотрудники.\n\nСообщение {where} — не обращение по Федеральному закону № 59-ФЗ: "
        "сроки и порядок этого закона на него не распространяются. Чтобы вопрос рассмотрели по закону, подайте "
        "обращение одним из способов:\n1. Через портал Госуслуг.\n2. На официальном сайте, где вы подтверждаете "
        f"личность при входе.\n3. Письмом по почте.{by_post}\n4. На личном приёме.{visit}\n\n"
        f"Подробно: {settings.BASE_URL}/how-to-file/\n\nНе присылайте сюда паспортные данные, СНИЛС и сведения о "
        "других людях."
    )


def tokens(text: str) -> list[str]:
    """Return the marks of our conversations in a message of ours that somebody replies to."""
    return _MARK.findall(text)


# --- what others wrote -----------------------------------------------------------------------------------------------


def part(there: Any, *path: str) -> Json:
    """Return an object inside objects; an empty one where there is none."""
    for name in path:
        there = there.get(name) if isinstance(there, Mapping) else None
    return there if isinstance(there, Mapping) else {}


def text_of(there: Any, name: str) -> str:
    """Return a text inside an object; an empty one where it is none."""
    return envelope.words(part(there).get(name))


def number_of(there: Any, name: str) -> int | None:
    """Return a whole number inside an object, such as a program may bear; None where it is none."""
    said = there.get(name) if isinstance(there, Mapping) else None
    return said if isinstance(said, int) and not isinstance(said, bool) and abs(said) < 2**63 else None


def list_of(there: Any, name: str) -> list[Json]:
    """Return the objects of a list inside an object."""
    return envelope.mappings(part(there).get(name))


def listens(there: Connecting) -> int:
    """Return for how many seconds a visit waits for what is new."""
    try:
        return max(0, min(LONGEST_WAIT, int(there.values.get("wait", LISTENS))))
    except (TypeError, ValueError):
        return LISTENS


def asks_over_https(there: Connecting, code: str) -> str:
    """Return the address a messenger is to call. Raise SourceError where it could not, or anybody could in its name."""
    if not settings.BASE_URL.startswith("https://"):
        raise SourceError("Вызовы приходят только по https: у системы адрес без https. Отключите вебхук.")
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", str(there["secret"])):
        raise SourceError("Укажите секрет вебхука: от 16 знаков, только латинские буквы, цифры и дефис.")
    return f"{settings.BASE_URL}/hooks/{code}/"
