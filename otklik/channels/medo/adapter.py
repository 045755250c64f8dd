"""МЭДО as a channel: packages in two folders of the transport's node. Translate, do not decide."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from django.db.models import Q
from django.utils import timezone

from otklik.channels.medo import compose, envelope, message, notices, package, parse, schema
from otklik.channels.medo.compose import Answer
from otklik.channels.medo.exchange import Exchange, hand_over, put_aside, wrong_lines
from otklik.channels.medo.message import Numbered
from otklik.channels.medo.package import Broken, Taken
from otklik.channels.medo.versions import V26
from otklik.core.crashpoints import reach
from otklik.core.errors import is_outage, told_of_outage
from otklik.core.signatures import openssl_with_gost
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import Arrived, DeliveryError, Parsed, Setting, SourceError, ToSend
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage

log = logging.getLogger("otklik.medo")

POINT: Final = "medo"
# A package that has stopped growing without becoming whole is taken as it is: nobody would see it otherwise.
PATIENCE: Final = timedelta(hours=1)
_HEX: Final = re.compile(r"\.([0-9a-f]{32})@")
_NUMBER: Final = re.compile(r"№\s*(\S{1,31})")


class MedoChannel:
    """Packages in and out through the folders of a node. A repeat bears the same uid."""

    code: ClassVar[str] = ChannelCode.MEDO.value
    repeats_safely: ClassVar[bool] = True
    every: ClassVar[int] = 30
    sends: ClassVar[bool] = True
    guide: ClassVar[str] = "medo"
    settings: ClassVar[Sequence[Setting]] = (
        Setting("inbox", "Папка входящих", "Каталог, в который узел МЭДО кладёт пакеты.", kind="folder"),
        Setting("outbox", "Папка исходящих", "Каталог, из которого узел МЭДО забирает пакеты.", kind="folder"),
        Setting("node", "Наш адрес", "УЗЕЛ~ШЛЮЗ, как он стоит в конвертах: например DIZO_S~MEDOGU."),
        Setting("uid", "Наш идентификатор", "GUID участника МЭДО, выданный оператором."),
        Setting("organization", "Название организации", "Пусто — название департамента.", required=False),
        Setting(
            "partners",
            "Участники, которым отвечаем",
            "По одному в строке: GUID; УЗЕЛ~ШЛЮЗ; название; версия. Версию можно не указывать.",
            kind="long",
            required=False,
        ),
        Setting(
            "gate",
            "Адрес для остальных",
            "УЗЕЛ~ШЛЮЗ, куда отправлять тем, кого нет в списке. Пусто — такие сообщения ждут.",
            required=False,
        ),
        Setting("taken", "Папка принятых", "Пусто — каталог .taken в папке входящих.", kind="folder", required=False),
    )

    def fetch(self) -> Iterable[object]:
        """Bring in the packages that are whole; a receipt for each is queued. One that fails delays no other."""
        there = connections.of(self.code)
        if there is None:
            return
        us = Exchange.of(there)
        if trouble := us.trouble():
            raise SourceError(trouble)
        failures: list[Exception] = []
        repeated: list[int] = []
        for folder in self._whole(us, dict(there.cursor.get("seen") or {})):
            try:
                accepted = self._bring(us, folder)
            except Exception as failure:
                if is_outage(failure) and not isinstance(failure, OSError):
                    raise  # the database is away: nothing can be brought in
                if not isinstance(failure, SourceError | OSError):
                    log.exception("a package was not brought in")
                failures.append(failure)
                continue
            if accepted.duplicate:
                repeated.append(accepted.message.pk)
            yield accepted
        notices.give_owed(us, repeated)
        if failures:
            first = failures[0]
            raise (
                first
                if isinstance(first, SourceError)
                else SourceError(
                    f"Пакетов МЭДО не принято: {len(failures)}. Они остались в папке входящих. "
                    f"{told_of_outage(first) or f'Причина: {type(first).__name__}.'}"
                )
            )

    def parse(self, raw: Path) -> Parsed:
        """Read a kept package."""
        return parse.parse(raw)

    def send(self, item: ToSend) -> str:
        """Put a package into the folder of the node; return its uid."""
        us = Exchange.of(connections.needed(self.code))
        if trouble := us.trouble():
            raise DeliveryError(trouble)
        partner = us.partner(item.recipient, organization=item.recipient_name)
        now = timezone.now()
        for name, place, _ in item.files:
            if item.automatic and name in (compose.RECEIPT_FILE, compose.NOTIFICATION_FILE):
                uid = _uid_inside(place)
                whole = compose.packed(us, partner, {name: place}, subject=item.subject, at=now)
                hand_over(us.outbox, uid, whole)
                return uid
        uid = uid_of(item.message_id)
        with tempfile.TemporaryDirectory(prefix="otklik-medo-") as work:
            said, version = _answer(item, uid)
            files = compose.answer(us, partner, partner.version or version, said, at=now, work=Path(work))
            whole = compose.packed(us, partner, files, subject=said.annotation, at=now)
            reach("medo.before_hand_over")
            hand_over(us.outbox, uid, whole)
        reach("medo.after_hand_over")
        return uid

    def try_out(self) -> str:
        """Look at the folders and the list of participants; tell what waits. Raise SourceError."""
        there = connections.drafted(self.code)
        us = Exchange.of(there)
        if trouble := us.trouble():
            raise SourceError(trouble)
        if wrong := wrong_lines(str(there["partners"])):
            lines = ", ".join(map(str, wrong[:10]))
            raise SourceError(f"Список участников: не поняты строки {lines}. Нужно: GUID; УЗЕЛ~ШЛЮЗ; название; версия.")
        try:
            with tempfile.TemporaryDirectory(prefix=".otklik-", dir=us.outbox):
                waiting = sum(1 for _ in _folders(us))
        except OSError as failure:
            raise SourceError(f"В папку исходящих не удаётся записать ({type(failure).__name__}).") from None
        gost = "проверяются (OpenSSL)" if openssl_with_gost() else "помечаются «не проверено»: нет модуля ГОСТ"
        return (
            f"Папки доступны. Ждут приёма пакетов: {waiting}. Участников в списке: {len(us.partners)}. "
            f"Подписи по ГОСТ {gost}."
        )

    def _whole(self, us: Exchange, seen: dict[str, list[str]]) -> Iterator[Path]:
        """Yield packages that have not changed since the last visit and hold all their envelope names."""
        now, still = timezone.now(), dict[str, list[str]]()
        ready: list[Path] = []
        for folder in _folders(us):
            try:
                mark, whole = _mark(folder), _is_whole(folder)
            except OSError:
                continue  # taken away or being written this very moment
            before, since = seen.get(folder.name, ["", now.isoformat()])
            if before != mark:
                still[folder.name] = [mark, now.isoformat()]
            elif whole or now - datetime.fromisoformat(since) > PATIENCE:
                ready.append(folder)
                still[folder.name] = [mark, since]
            else:
                still[folder.name] = [mark, since]
        if still != seen:
            connections.remember(self.code, seen=still)
        yield from ready

    def _bring(self, us: Exchange, folder: Path) -> inbox.Accepted:
        """Keep a package, then move it out of the folder, then read it."""
        with tempfile.TemporaryDirectory(prefix="otklik-medo-") as work:
            raw = Path(work) / "package.zip"
            digest = package.bundle(folder, raw)
            uid, spoken_of = _identified(raw)
            taken = Taken(
                folder=folder.name[:255],
                uid=us.uid,
                node=us.node,
                again=_borne_before(uid, digest),
                ours=_ours(spoken_of),
            )
            package.note(raw, taken)
            reach("medo.before_accept")
            [accepted] = inbox.accept_each(
                [
                    Arrived(
                        channel=self.code,
                        external_id=uid or f"sha256:{digest}",
                        digest=digest,
                        raw=raw,
                        received_at=timezone.now(),
                        contact_point=POINT,
                    )
                ],
                to_read=True,
            )
        reach("medo.after_accept")
        put_aside(folder, us.taken)
        reach("medo.after_put_aside")
        if not accepted.duplicate:
            inbox.parse_each([accepted.message], {self.code: self})
        return accepted


def uid_of(message_id: str) -> str:
    """Return the uid under which an answer goes, the same at every attempt."""
    found = _HEX.search(message_id)
    return str(uuid.UUID(found[1])) if found else str(uuid.uuid5(uuid.NAMESPACE_URL, message_id))


def _folders(us: Exchange) -> list[Path]:
    """Return the packages in the folder, the oldest first."""
    try:
        found = [
            path
            for path in us.inbox.iterdir()
            if path.is_dir() and not path.is_symlink() and not path.name.startswith(".") and path != us.taken
        ]
        return sorted(found, key=lambda path: (path.stat().st_mtime, path.name))
    except OSError as failure:
        raise SourceError(f"Папка входящих МЭДО не читается ({type(failure).__name__}).") from None


def _mark(folder: Path) -> str:
    """Return what changes while a package is being written."""
    told = sorted(
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in package.files_of(folder)
    )
    return hashlib.sha256(repr(told).encode(errors="surrogateescape")).hexdigest()[:32]


def _is_whole(folder: Path) -> bool:
    names = {path.name.lower(): path for path in package.files_of(folder) if path.parent == folder}
    letter = next((path for name, path in names.items() if envelope.is_envelope(name)), None)
    if letter is None or letter.stat().st_size > envelope.MOST_BYTES:
        return False
    said = envelope.read(letter.read_bytes())
    return bool(said.files) and all(name.lower() in names for name in said.files)


def _identified(raw: Path) -> tuple[str, list[str]]:
    """Return a package's uid and the uids it speaks of; what cannot be read is kept all the same."""
    try:
        header = parse.header_of(raw)
        return (header.uid, parse.mentioned(raw)) if header else ("", [])
    except Exception:  # a defect of ours must not keep a package out
        log.exception("a package was not identified")
        return "", []


def _borne_before(uid: str, digest: str) -> bool:
    """Say whether another message has borne this uid."""
    rows = IncomingMessage.objects.filter(channel=ChannelCode.MEDO, external_id=uid) if uid else None
    return rows is not None and rows.exclude(digest=digest).exists()


def _ours(uids: Sequence[str]) -> dict[str, str]:
    """Return which of these uids are of messages of ours, with their Message-IDs."""
    found: dict[str, str] = {}
    for uid in list(dict.fromkeys(uids))[:20]:
        if not schema.is_guid(uid):
            continue
        whose = Q(once_key=notices.once_key(uid)) | Q(message_id__contains=f".{uuid.UUID(uid).hex}@")
        row = OutgoingMessage.objects.filter(whose, channel=ChannelCode.MEDO).first()
        if row is not None:
            found[uid] = row.message_id
    return found


def _uid_inside(place: Path) -> str:
    """Return the uid of a message of ours that lies ready."""
    try:
        said = message.read(package.parse_xml(place.read_bytes(), place.name))
    except (Broken, OSError):
        said = None
    if said is None or not schema.is_guid(said.uid):
        raise DeliveryError("Готовое сообщение МЭДО повреждено в хранилище.", permanent=True)
    return said.uid


def _answer(item: ToSend, uid: str) -> tuple[Answer, Any]:
    """Return an answer with the document it answers and the version its author speaks."""
    rows = IncomingMessage.objects.filter(thread__token=item.token, channel=ChannelCode.MEDO, machine="")
    facts: dict[str, Any] = {}
    for row in rows.order_by("-received_at", "-pk")[:20]:
        if facts := notices.facts_of(row):
            break
    number = _NUMBER.search(item.subject)
    said = Answer(
        uid=uid,
        num=Numbered(number[1] if number else "", timezone.localdate()),
        annotation=item.subject or "Ответ",
        files=[(name, place) for name, place, _ in item.files],
        to=notices.original(facts) if facts else None,
    )
    return said, notices.version_of(facts) if facts else V26
