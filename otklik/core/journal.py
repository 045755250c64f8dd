"""The journal of changes and the journal of looks: chained by hash, append-only, sealed once a day.

A row holds ids and digests, never personal data. Its hash covers its own content and the hash of the row before it;
the chain's head keeps the last sequence and hash; the day's seal signs the last row of every chain that grew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import BigIntegerField, Exists, Max, OuterRef
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from otklik.core.models import AccessEntry, ChainedEntry, ChainHead, JournalEntry, JournalSeal

if TYPE_CHECKING:
    from otklik.people.models import Employee

Entry = TypeVar("Entry", bound=ChainedEntry)

_SALT = "otklik.core.journal.seal"


def record(
    action: str, *, chain: str, by: Employee | None, on_behalf_of: Employee | None = None, **data: object
) -> JournalEntry:
    """Append one change to its chain; the caller's transaction carries both or neither. `by=None`: the system."""
    row = JournalEntry(action=action, chain=chain, actor=by, on_behalf_of=on_behalf_of, data=data)
    return _append([row])[0]


def record_each(action: str, changes: Mapping[str, Mapping[str, object]], *, by: Employee | None) -> None:
    """Append the same change to many chains, chain → what to write down, in a fixed number of statements."""
    if changes:
        _append([JournalEntry(action=action, chain=chain, actor=by, data=data) for chain, data in changes.items()])


def looked(action: str, *, by: Employee, **data: object) -> AccessEntry:
    """Append one look at personal data to the access log of the day."""
    return _append([AccessEntry(action=action, chain=_today(), actor=by, data=data)])[0]


def looked_today(action: str, *, by: Employee, **at: OuterRef) -> Exists:
    """Return the condition «today's log has this look already», for the rows of a query: `appeal=OuterRef("pk")`.

    Two tabs opened at once may both find nothing and write two rows: that says no untruth.
    """
    [(name, pk)] = at.items()
    looks = AccessEntry.objects.filter(actor=by, chain=_today(), action=action)
    if by.through_token:  # a program's look is one of its own, whatever the person has opened himself
        looks = looks.filter(data__token=by.through_token)
    return Exists(looks.annotate(at_row=Cast(KT(f"data__{name}"), BigIntegerField())).filter(at_row=pk))


def _today() -> str:
    return f"access:{timezone.localdate():%Y-%m-%d}"


# No savepoint: a change without its row must not be committed, so a failure here ends the caller's transaction.
@transaction.atomic(savepoint=False)
def _append(rows: list[Entry]) -> list[Entry]:
    """Give each row its place in its chain and its hash; a chain occurs once among them."""
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
    type(rows[0]).objects.bulk_create(rows)
    ChainHead.objects.bulk_create(
        heads.values(), update_conflicts=True, unique_fields=["chain"], update_fields=["seq", "last_hash"]
    )
    return rows


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


@transaction.atomic
def seal(day: date) -> JournalSeal:
    """Sign the last row of every chain that grew on this day; a day already sealed keeps its seal."""
    if sealed := JournalSeal.objects.filter(date=day).first():
        return sealed
    start = timezone.make_aware(datetime.combine(day, time.min))
    heads: dict[str, list[object]] = {}
    for kind in (JournalEntry, AccessEntry):
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
    """One thing `verify` found wrong, in words for the auditor."""

    chain: str
    seq: int
    text: str

    def __str__(self) -> str:
        return f"{self.chain} № {self.seq}: {self.text}"


def verify() -> list[Problem]:
    """Return everything that shows the journals were changed behind our back; empty when they are whole."""
    heads = {chain: (seq, hash_) for chain, seq, hash_ in ChainHead.objects.values_list("chain", "seq", "last_hash")}
    seals = list(JournalSeal.objects.order_by("date"))
    expected: dict[tuple[str, int], str] = {
        (chain, seq): hash_ for sealed in seals for chain, (seq, hash_) in sealed.heads.items()
    }
    problems: list[Problem] = []
    for kind in (JournalEntry, AccessEntry):
        rows = kind.objects.order_by("chain", "seq").iterator(chunk_size=2000)
        problems += _check_chains(cast("Iterator[ChainedEntry]", rows), heads, expected)
    problems += [Problem(chain, seq, "строки нет, а цепочка о ней помнит") for chain, (seq, _) in heads.items() if seq]
    problems += [Problem(chain, seq, "строка была в печати дня, теперь её нет") for chain, seq in expected]
    problems += _check_seals(seals)
    return problems


def verify_chain(chain: str) -> list[Problem]:
    """Return what is wrong with one chain, the seals of days included; empty when it is whole."""
    head = ChainHead.objects.filter(chain=chain).values_list("seq", "last_hash").first()
    heads = {chain: head} if head else {}
    expected: dict[tuple[str, int], str] = {}
    for sealed in JournalSeal.objects.filter(heads__has_key=chain).order_by("date"):
        seq, hash_ = sealed.heads[chain]
        expected[chain, seq] = hash_
    problems: list[Problem] = []
    for kind in (JournalEntry, AccessEntry):
        rows = kind.objects.filter(chain=chain).order_by("seq")
        problems += _check_chains(cast("Iterable[ChainedEntry]", rows), heads, expected)
    problems += [Problem(chain, seq, "строки нет, а цепочка о ней помнит") for _, (seq, _) in heads.items() if seq]
    problems += [Problem(chain, seq, "строка была в печати дня, теперь её нет") for _, seq in expected]
    return problems


def _check_chains(
    rows: Iterable[ChainedEntry], heads: dict[str, tuple[int, str]], expected: dict[tuple[str, int], str]
) -> Iterator[Problem]:
    """Yield what is wrong with the rows; take out of `heads` and `expected` what was met as it should be."""
    chain, seq, last = "", 0, ""
    for row in rows:
        if row.chain != chain:
            chain, seq, last = row.chain, 0, ""
        if row.seq != seq + 1:
            yield Problem(chain, seq + 1, "строка пропала")
        elif row.prev_hash != last:
            yield Problem(chain, row.seq, "не продолжает предыдущую строку")
        if digest(row) != row.hash:
            yield Problem(chain, row.seq, "содержание изменено")
        if expected.pop((chain, row.seq), row.hash) != row.hash:
            yield Problem(chain, row.seq, "не та строка, что была в печати дня")
        if heads.get(chain) == (row.seq, row.hash):
            del heads[chain]
        seq, last = row.seq, row.hash


def _check_seals(seals: list[JournalSeal]) -> Iterator[Problem]:
    previous = ""
    for sealed in seals:
        name = f"печать {sealed.date:%d.%m.%Y}"
        if sealed.previous != previous:
            yield Problem(name, 0, "предыдущая печать пропала или заменена")
        if _seal_digest(sealed) != sealed.digest:
            yield Problem(name, 0, "список изменён")
        secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        if not any(constant_time_compare(sealed.signature, _sign(sealed.digest, secret)) for secret in secrets):
            yield Problem(name, 0, "подпись не сходится")
        previous = sealed.digest
