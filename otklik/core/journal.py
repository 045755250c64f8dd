"""The journal of changes and the journal of looks: chained by hash, append-only, sealed once a day.

A row holds ids and digests, never personal data. Its hash covers its own content and the hash of the row before it;
the chain's head keeps the last sequence and hash; the day's seal signs the last row of every chain that grew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from threading import local
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import BigIntegerField, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from otklik.core.models import AccessEntry, ChainedEntry, ChainHead, JournalEntry, JournalSeal

if TYPE_CHECKING:
    from otklik.people.models import Employee

_SALT = "otklik.core.journal.seal"
LOGS: Final[tuple[type[ChainedEntry], ...]] = (JournalEntry, AccessEntry)


class _Waiting(local):
    """The rows that wait for the end of this thread's `together()`; None outside of one."""

    rows: list[ChainedEntry] | None = None


_waiting = _Waiting()


@contextmanager
def together() -> Iterator[None]:
    """Open a transaction whose rows are appended all at once at its end; inside another one, at the end of that.

    It takes few statements, and a chain that many write to is held from there to the commit only. A row that waits
    has no place in its chain yet, and `looked_today` does not know it. What fails inside and is caught there must
    have been a `together()` too: its rows go with its changes.
    """
    outer, rows = _waiting.rows, list[ChainedEntry]()
    with transaction.atomic():
        _waiting.rows = rows
        try:
            yield
        finally:
            _waiting.rows = outer
        if outer is not None:
            outer += rows
        else:
            for kind in LOGS:  # the looks last: everybody writes to the chain of the day
                _append([row for row in rows if type(row) is kind])


def record(
    action: str, *, chain: str, by: Employee | None, on_behalf_of: Employee | None = None, **data: object
) -> JournalEntry:
    """Append one change to its chain; the caller's transaction carries both or neither. `by=None`: the system."""
    row = JournalEntry(action=action, chain=chain, actor=by, on_behalf_of=on_behalf_of, data=data)
    _add([row])
    return row


def record_each(action: str, changes: Mapping[str, Mapping[str, object]], *, by: Employee | None) -> None:
    """Append the same change to many chains, chain → what to write down, in a fixed number of statements."""
    _add([JournalEntry(action=action, chain=chain, actor=by, data=data) for chain, data in changes.items()])


def looked(action: str, *, by: Employee, **data: object) -> AccessEntry:
    """Append one look at personal data to the access log of the day."""
    row = AccessEntry(action=action, chain=_today(), actor=by, data=data)
    _add([row])
    return row


def has_looked_today(action: str, *, by: Employee, **at: int) -> bool:
    """Tell whether today's log has this look already: `appeal=7`."""
    return _looks_today(action, by).filter(**{f"data__{name}": pk for name, pk in at.items()}).exists()


def looked_today(action: str, *, by: Employee, **at: OuterRef) -> Exists:
    """Return the condition «today's log has this look already», for the rows of a query: `appeal=OuterRef("pk")`.

    Two tabs opened at once may both find nothing and write two rows: that says no untruth.
    """
    [(name, pk)] = at.items()
    row = Cast(KT(f"data__{name}"), BigIntegerField())
    return Exists(_looks_today(action, by).annotate(at_row=row).filter(at_row=pk))


def _looks_today(action: str, by: Employee) -> QuerySet[Any]:
    looks = AccessEntry.objects.filter(actor=by, chain=_today(), action=action)
    # A program's look is one of its own, whatever the person has opened himself.
    return looks.filter(data__token=by.through_token) if by.through_token else looks


def _today() -> str:
    return f"access:{timezone.localdate():%Y-%m-%d}"


def _add(rows: Sequence[ChainedEntry]) -> None:
    if _waiting.rows is None:
        _append(rows)
    else:
        _waiting.rows += rows


# No savepoint: a change without its row must not be committed, so a failure here ends the caller's transaction.
@transaction.atomic(savepoint=False)
def _append(rows: Sequence[ChainedEntry]) -> None:
    """Give each row of one journal its place in its chain and its hash."""
    if not rows:
        return
    heads = _held({row.chain for row in rows})
    for row in rows:
        head = heads[row.chain]
        row.seq, row.prev_hash = head.seq + 1, head.last_hash
        row.at = timezone.now()
        if token := getattr(row.actor, "through_token", None):
            row.data = {**row.data, "token": token}
        row.data = json.loads(json.dumps(row.data, cls=DjangoJSONEncoder))
        row.hash = digest(row)
        head.seq, head.last_hash = row.seq, row.hash
    kind = type(rows[0])
    kind.objects.bulk_create(rows)
    changed = ["seq", "last_hash"]
    if kind is AccessEntry:  # looks are news for nobody
        changed.append("read_to")
        for head in heads.values():
            head.read_to = head.seq
    ChainHead.objects.bulk_create(heads.values(), update_conflicts=True, unique_fields=["chain"], update_fields=changed)


def _held(chains: Collection[str]) -> dict[str, ChainHead]:
    """Return the chains' heads, held until commit: PostgreSQL locks the rows in key order, SQLite the base."""
    held = ChainHead.objects.select_for_update().filter(chain__in=chains).order_by("chain")
    heads = {head.chain: head for head in held}
    if new := sorted(set(chains) - set(heads)):
        ChainHead.objects.bulk_create([ChainHead(chain=chain) for chain in new], ignore_conflicts=True)
        heads |= {head.chain: head for head in held.filter(chain__in=new)}
    return heads


def digest(entry: ChainedEntry) -> str:
    """Return the hash a row must bear: over everything it says and the hash before it."""
    return _sha256(
        {
            "chain": entry.chain,
            "seq": entry.seq,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": entry.actor_id,
            "on_behalf_of": entry.on_behalf_of_id,
            "action": entry.action,
            "data": entry.data,
            "prev": entry.prev_hash,
        }
    )


def _sha256(content: object) -> str:
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(content: object) -> str:
    """Return the one JSON text of a content: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_on(take: Callable[[list[JournalEntry]], None], *, kinds: Collection[str], chains: int = 20) -> bool:
    """Hand what nobody has read yet to `take`, in its own order within a chain; return False when there is nothing.

    Each change is handed over once: how far a chain has been read is written in the transaction `take` works in.
    A chain's head is the lock its writers hold, so what has been read is never overtaken by what commits later.
    Of other `kinds` («appeal», «outgoing»: how a chain begins) it is only noted that nobody waits for them.
    """
    unread = ChainHead.objects.filter(seq__gt=F("read_to"))
    if not unread.exists():
        return False
    with transaction.atomic():
        # What another reader or a writer holds is left for the next time: nobody waits here.
        heads = list(unread.select_for_update(skip_locked=True)[:chains])
        wanted = Q(pk__in=[])
        for head in heads:
            if head.chain.partition(":")[0] in kinds:
                wanted |= Q(chain=head.chain, seq__gt=head.read_to, seq__lte=head.seq)
        ChainHead.objects.filter(chain__in=[head.chain for head in heads]).update(read_to=F("seq"))
        entries = cast("Iterable[JournalEntry]", JournalEntry.objects.filter(wanted).select_related("actor"))
        take(sorted(entries, key=attrgetter("pk")))
    return bool(heads)


@transaction.atomic
def seal(day: date) -> JournalSeal:
    """Sign the last row of every chain that grew on this day; a day already sealed keeps its seal."""
    if sealed := JournalSeal.objects.filter(date=day).first():
        return sealed
    start = timezone.make_aware(datetime.combine(day, time.min))
    heads: dict[str, list[object]] = {}
    for kind in LOGS:
        grown = kind.objects.filter(at__gte=start, at__lt=start + timedelta(days=1)).values("chain")
        last = {row["chain"]: row["last"] for row in grown.annotate(last=Max("seq")).order_by()}
        rows = kind.objects.filter(chain__in=last).values_list("chain", "seq", "hash")
        heads |= {chain: [seq, hash_] for chain, seq, hash_ in rows.iterator() if last[chain] == seq}
    previous = JournalSeal.objects.filter(date__lt=day).order_by("-date").values_list("digest", flat=True).first()
    new = JournalSeal(date=day, heads=heads, previous=previous or "")
    new.digest = _seal_digest(new)
    new.signature = _sign(new.digest)
    new.save(force_insert=True)
    return new


def _seal_digest(sealed: JournalSeal) -> str:
    return _sha256({"date": sealed.date.isoformat(), "heads": sealed.heads, "previous": sealed.previous})


def _sign(digest_: str, secret: str | bytes | None = None) -> str:
    return salted_hmac(_SALT, digest_, secret=secret, algorithm="sha256").hexdigest()


@dataclass(frozen=True)
class Problem:
    """One thing a check found wrong, in words for the auditor: in which chain, at which row."""

    chain: str
    seq: int
    text: str

    def __str__(self) -> str:
        return f"{self.chain} № {self.seq}: {self.text}" if self.seq else f"{self.chain}: {self.text}"


@dataclass(frozen=True)
class Verdict:
    """What a check of the journals looked at, and what it found."""

    problems: list[Problem]
    rows: int
    chains: int
    seals: int
    sealed_to: date | None  # later rows are guarded by their chains alone


_Sealed = dict[str, dict[int, str]]  # what the seals of days say: chain → sequence → hash


def verify() -> list[Problem]:
    """Return everything that shows the journals were changed behind our back; empty when they are whole."""
    return examine().problems


def examine(kept: Iterable[Mapping[str, Any]] = ()) -> Verdict:
    """Check every row of both journals and every seal; `kept`: copies of seals held outside, as `taken` gave them."""
    heads = {head.chain: (head.seq, head.last_hash) for head in ChainHead.objects.all()}
    seals, copies = list(JournalSeal.objects.order_by("date")), list(kept)
    sealed = _sealed([*(one.heads for one in seals), *(copy["heads"] for copy in copies)])
    met: set[str] = set()
    suspects: set[str] = set()
    counted = 0
    for kind in LOGS:
        rows = cast("Iterator[ChainedEntry]", kind.objects.order_by("chain", "seq").iterator(chunk_size=2000))
        for chain, its in groupby(rows, key=attrgetter("chain")):
            met.add(chain)
            of_chain = list(its)
            counted += len(of_chain)
            if any(_check_chain(chain, of_chain, heads.get(chain), sealed.get(chain, {}))):
                suspects.add(chain)
    suspects |= {chain for chain, (seq, _) in heads.items() if seq and chain not in met} | (set(sealed) - met)
    # The rest of the house goes on writing: what looks wrong is looked at again with its chain held still.
    problems = [problem for chain in sorted(suspects) for problem in _recheck(chain, sealed.get(chain, {}))]
    problems += _check_seals(seals)
    problems += _check_copies(seals, copies)
    return Verdict(problems, counted, len(met), len(seals), seals[-1].date if seals else None)


def verify_chain(chain: str) -> list[Problem]:
    """Return what is wrong with one chain, the seals of days included; empty when it is whole."""
    seals = JournalSeal.objects.filter(heads__has_key=chain).order_by("date")
    return _recheck(chain, {one.heads[chain][0]: one.heads[chain][1] for one in seals})


@transaction.atomic
def _recheck(chain: str, sealed: Mapping[int, str]) -> list[Problem]:
    """Check one chain while its head is held, so that nobody appends meanwhile."""
    held = ChainHead.objects.select_for_update().filter(chain=chain).first()
    head = (held.seq, held.last_hash) if held else None
    logs = [list(kind.objects.filter(chain=chain).order_by("seq")) for kind in LOGS]
    its = cast("list[list[ChainedEntry]]", [rows for rows in logs if rows] or [[]])
    return [problem for rows in its for problem in _check_chain(chain, rows, head, sealed)]


def _sealed(heads_of_days: Iterable[Mapping[str, Any]]) -> _Sealed:
    sealed: _Sealed = {}
    for heads in heads_of_days:
        for chain, (seq, hash_) in heads.items():
            sealed.setdefault(chain, {})[seq] = hash_
    return sealed


def _check_chain(
    chain: str, rows: Iterable[ChainedEntry], head: tuple[int, str] | None, sealed: Mapping[int, str]
) -> Iterator[Problem]:
    """Yield what is wrong with one chain: its rows, its end, and the rows that seals of days name."""
    seq, last, missing = 0, "", set(sealed)
    for row in rows:
        if row.seq != seq + 1:
            yield Problem(chain, seq + 1, _gone(seq + 1, row.seq - 1, "строка пропала", "строки пропали"))
        elif row.prev_hash != last:
            yield Problem(chain, row.seq, "не продолжает предыдущую строку")
        if digest(row) != row.hash:
            yield Problem(chain, row.seq, "содержание изменено")
        if sealed.get(row.seq, row.hash) != row.hash:
            yield Problem(chain, row.seq, "не та строка, что была в печати дня")
        missing.discard(row.seq)
        seq, last = row.seq, row.hash
    yield from _check_end(chain, seq, last, head)
    yield from (Problem(chain, one, "строка была в печати дня, теперь её нет") for one in sorted(missing))


def _check_end(chain: str, seq: int, last: str, head: tuple[int, str] | None) -> Iterator[Problem]:
    """Yield what is wrong with the end of a chain, whose last row is `seq` with the hash `last`."""
    if head is None:
        if seq:
            yield Problem(chain, seq, "у цепочки удалена отметка о последней строке: конец мог быть обрезан")
    elif head[0] > seq:
        text = _gone(seq + 1, head[0], "строки нет, а цепочка о ней помнит", "строк нет, а цепочка о них помнит")
        yield Problem(chain, seq + 1, text)
    elif head[0] < seq:
        yield Problem(chain, head[0] + 1, "строка дописана мимо журнала")
    elif head[1] != last:
        yield Problem(chain, seq, "не та строка, о которой помнит цепочка")


def _gone(first: int, last: int, one: str, many: str) -> str:
    return one if first == last else f"{many} (№ {first}–{last})"


def _check_seals(seals: list[JournalSeal]) -> Iterator[Problem]:
    previous = ""
    for sealed in seals:
        name = _name(sealed.date)
        if sealed.previous != previous:
            yield Problem(name, 0, "предыдущая печать пропала или заменена")
        if _seal_digest(sealed) != sealed.digest:
            yield Problem(name, 0, "список изменён")
        secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        if not any(constant_time_compare(sealed.signature, _sign(sealed.digest, secret)) for secret in secrets):
            yield Problem(name, 0, "подпись не сходится")
        previous = sealed.digest


def _check_copies(seals: list[JournalSeal], copies: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield what differs from the copies: whoever holds the base and the key can make new seals, not old copies."""
    ours = {one.date.isoformat(): one.digest for one in seals}
    for copy in copies:
        name = _name(date.fromisoformat(copy["date"]))
        if copy["date"] not in ours:
            yield Problem(name, 0, "есть в сохранённой копии, а в базе её нет")
        elif ours[copy["date"]] != copy["digest"]:
            yield Problem(name, 0, "не та, что в сохранённой копии")


def _name(day: date) -> str:
    return f"печать {day:%d.%m.%Y}"


def taken(first: date | None = None) -> Iterator[dict[str, Any]]:
    """Yield the seals as they are to be kept outside, oldest first: days, heads, digests and signatures."""
    seals = JournalSeal.objects.order_by("date")
    for one in seals.filter(date__gte=first) if first else seals:
        yield {
            "date": one.date.isoformat(),
            "digest": one.digest,
            "previous": one.previous,
            "signature": one.signature,
            "heads": one.heads,
        }
