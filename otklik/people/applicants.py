"""Applicants: found again by what they typed, created once, merged and taken apart again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import phonenumbers
from django.db import connection, transaction
from django.db.models import BooleanField, F, Func, Q, Value
from django.utils import timezone

from otklik.core import journal, locks
from otklik.core.errors import DomainError
from otklik.people.models import Applicant, ApplicantMerge, Contact, Employee

_DROPPED: Final = frozenset("г город д дом кв квартира обл область р рн район россия рф".split())  # noqa: SIM905
_STREETS: Final = {
    "улица": "ул",
    "проспект": "пр",
    "просп": "пр",
    "прт": "пр",
    "переулок": "пер",
    "площадь": "пл",
    "шоссе": "ш",
    "микрорайон": "мкр",
    "корпус": "к",
    "корп": "к",
    "строение": "стр",
    "поселок": "п",
    "пос": "п",
    "село": "с",
}
_CHAIN: Final = "applicants"


@dataclass(frozen=True)
class Typed:
    """What somebody typed, or a letter said, about an applicant. Any field may be empty."""

    kind: str = Applicant.Kind.PERSON
    last_name: str = ""
    first_name: str = ""
    patronymic: str = ""
    organisation: str = ""
    inn: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _spaced(getattr(self, field.name)))

    @property
    def name_key(self) -> str:
        """Return what equal names share."""
        if self.kind in {Applicant.Kind.ORGANISATION, Applicant.Kind.COLLECTIVE} and self.organisation:
            return plain(self.organisation)
        return plain(f"{self.last_name} {self.first_name} {self.patronymic}")

    def contacts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (kind, value, key) of every contact that was typed."""
        if key := email_key(self.email):
            yield Contact.Kind.EMAIL, self.email, key
        if key := phone_key(self.phone):
            yield Contact.Kind.PHONE, self.phone, key
        if key := address_key(self.address):
            yield Contact.Kind.POSTAL, self.address, key


@dataclass(frozen=True)
class Candidate:
    """A known applicant who may be the one; `why` says in Russian what agrees, `certain` that it is enough."""

    applicant: Applicant
    certain: bool
    why: str


class SameApplicant(DomainError):
    """A merge of one applicant with himself."""

    code = "applicants.same"
    text = "Это один и тот же заявитель: объединять нечего. Обновите страницу."


class MergeUndone(DomainError):
    """A merge that somebody has already taken back."""

    code = "applicants.merge_undone"
    text = "Объединение уже отменено. Обновите страницу."


class MergeCovered(DomainError):
    """A later merge stands on this one."""

    code = "applicants.merge_covered"
    text = "Основной заявитель позже сам присоединён к другому. Сначала отмените более позднее объединение."


def _spaced(text: str) -> str:
    return " ".join(text.split())


def plain(text: str) -> str:
    """Return text for comparing: small letters, «ё» as «е», no signs, single spaces."""
    return _spaced(re.sub(r"[^\w\s]|_", " ", text.lower().replace("ё", "е")))


def called(text: str, *, whole: bool = False) -> Q:
    """Return the condition on a name: it begins with what was typed, or has it further on from the start of a word.

    `whole`: what stands further on are whole words. Nobody is called by less than a letter.
    """
    if not (name := plain(text)):
        return Q(pk__in=[])
    further = Q(name_key__contains=f" {name} ") | Q(name_key__endswith=f" {name}")
    there = Q(name_key__startswith=name) | (further if whole else Q(name_key__contains=f" {name}"))
    # A million names are not read where they are indexed by their words (migration 0012).
    return Q(_has_words(name)) & there if connection.vendor == "postgresql" else there


def _has_words(name: str) -> Func:
    """Return the condition that a name has these words, of the last one the beginning."""
    asked = " & ".join(f"'{word}'" for word in name.split()) + ":*"
    return Func(
        F("name_key"),
        Value(asked),
        template="(to_tsvector('simple', %(expressions)s))",
        arg_joiner=") @@ to_tsquery('simple', ",
        output_field=BooleanField(),
    )


def email_key(value: str) -> str:
    """Return what equal e-mail addresses share; empty when it is no address."""
    key = value.strip().lower()
    return key if re.fullmatch(r"[^@\s]+@[^@\s]+", key) else ""


def phone_key(value: str) -> str:
    """Return the number in international form; empty when it cannot be one."""
    try:
        number = phonenumbers.parse(value, "RU")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def address_key(value: str) -> str:
    """Return what equal postal addresses share: no index, no «г.», «д.», «кв.», kinds of streets in one form."""
    words = plain(value.replace("р-н", "район").replace("пр-т", "проспект")).split()
    kept = (_STREETS.get(word, word) for word in words if word not in _DROPPED)
    return " ".join(word for word in kept if not re.fullmatch(r"\d{6}", word))


def candidates(typed: Typed) -> list[Candidate]:
    """Return the applicants this may be, certain ones first.

    Certain: the same e-mail or telephone with a name that does not contradict, or exactly the same name and address.
    """
    found: dict[int, Candidate] = {}
    for candidate in (*_by_contact(typed), *_by_name(typed)):
        known = found.get(candidate.applicant.pk)
        if known is None or (candidate.certain and not known.certain):
            found[candidate.applicant.pk] = candidate
    return sorted(found.values(), key=lambda candidate: (not candidate.certain, candidate.applicant.pk))


def _by_contact(typed: Typed) -> Iterator[Candidate]:
    words = {Contact.Kind.EMAIL: "та же электронная почта", Contact.Kind.PHONE: "тот же телефон"}
    for kind, _, key in typed.contacts():
        if kind not in words:
            continue
        for contact in Contact.objects.filter(kind=kind, key=key).select_related("applicant__merged_into"):
            owner, why = contact.applicant, words[Contact.Kind(kind)]
            if compatible(typed, owner):
                yield Candidate(main(owner), True, why)
            else:
                yield Candidate(main(owner), False, f"{why}, но другое имя")


def _by_name(typed: Typed) -> Iterator[Candidate]:
    if typed.inn:
        for owner in Applicant.objects.filter(inn=typed.inn).select_related("merged_into"):
            yield Candidate(main(owner), False, "тот же ИНН")
    if not (key := typed.name_key):
        return
    for owner in Applicant.objects.filter(name_key=key).select_related("merged_into").order_by("pk")[:50]:
        if typed.address and owner.address_key and owner.address_key == address_key(typed.address):
            yield Candidate(main(owner), _is_full(typed), "те же имя и адрес")
        else:
            yield Candidate(main(owner), False, "то же имя")


def _is_full(typed: Typed) -> bool:
    """Tell whether a name is enough to say who it is: initials are not."""
    return bool(typed.organisation) or (len(typed.last_name) > 1 and len(typed.first_name.strip(".")) > 1)


def compatible(typed: Typed, known: Applicant) -> bool:
    """Tell whether two names may belong to one applicant: same surname (or organisation), nothing contradicts."""
    if typed.kind in {Applicant.Kind.ORGANISATION, Applicant.Kind.COLLECTIVE} or known.organisation:
        return bool(typed.organisation) and plain(typed.organisation) == plain(known.organisation)
    if not typed.last_name or plain(typed.last_name) != plain(known.last_name):
        return False
    return _agree(typed.first_name, known.first_name) and _agree(typed.patronymic, known.patronymic)


def _agree(one: str, other: str) -> bool:
    """Tell whether two names agree: equal, one of them unknown, or one the initial of the other."""
    first, second = plain(one), plain(other)
    if not first or not second or first == second:
        return True
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) == 1 and longer.startswith(shorter)


@transaction.atomic(savepoint=False)
def find_or_create(typed: Typed, *, by: Employee | None) -> Applicant:
    """Return the applicant this certainly is, with what is new about him added; nobody certain: a new one."""
    _hold(typed)
    known = next((candidate.applicant for candidate in candidates(typed) if candidate.certain), None)
    if known is None:
        return create(typed, by=by)
    _complete(known, typed, by=by)
    return known


@dataclass(frozen=True)
class Met:
    """Who one of many applicants turned out to be: `made` where nobody was certain, `contacts` that were added."""

    applicant: Applicant
    made: bool
    contacts: tuple[int, ...] = ()


@transaction.atomic(savepoint=False)
def find_or_create_each(items: Sequence[Typed], *, by: Employee | None) -> list[Met]:
    """Return for each of many what `find_or_create` would, in a number of statements that does not grow with them.

    What is known is not overwritten; an address is kept as a contact only.
    """
    keys = {key for typed in items for _, _, key in typed.contacts()}
    names = {typed.name_key for typed in items if typed.name_key}
    locks.hold("applicant", [hashlib.sha256(key.encode()).hexdigest() for key in sorted(keys | names)])
    by_contact: dict[tuple[str, str], list[Applicant]] = {}
    owned: set[tuple[int, str, str]] = set()
    rows = Contact.objects.filter(key__in=keys).select_related("applicant__merged_into").order_by("pk")
    for row in rows:
        by_contact.setdefault((row.kind, row.key), []).append(row.applicant)
        owned.add((main(row.applicant).pk, row.kind, row.key))
    by_name: dict[tuple[str, str], Applicant] = {}
    for known in Applicant.objects.filter(name_key__in=names).exclude(address_key="").select_related("merged_into"):
        by_name.setdefault((known.name_key, known.address_key), known)
    found: list[tuple[Typed, Applicant]] = []
    new: list[Applicant] = []
    for typed in items:
        one = _known_of(typed, by_contact, by_name)
        if one is None:
            one = _built(typed)
            new.append(one)
            for kind, _, key in typed.contacts():
                by_contact.setdefault((kind, key), []).append(one)
            if one.address_key:
                by_name.setdefault((one.name_key, one.address_key), one)
        found.append((typed, one))
    Applicant.objects.bulk_create(new)
    journal.record_each("applicant.created", {_chain(one): {} for one in new}, by=by)
    contacts: list[Contact] = []
    for typed, one in found:
        for contact in _contacts(one, typed):
            if (one.pk, str(contact.kind), contact.key) not in owned:
                owned.add((one.pk, str(contact.kind), contact.key))
                contacts.append(contact)
    Contact.objects.bulk_create(contacts)
    made = {one.pk for one in new}
    added: dict[int, list[int]] = {}
    for contact in contacts:
        if contact.applicant_id not in made:
            added.setdefault(contact.applicant_id, []).append(contact.pk)
    journal.record_each("applicant.completed", {f"applicant:{pk}": {"added": ["contacts"]} for pk in added}, by=by)
    told: list[Met] = []
    for _, one in found:
        told.append(Met(one, one.pk in made, tuple(added.pop(one.pk, ()))))
        made.discard(one.pk)  # the next row of the same person has not made him
    return told


def _known_of(
    typed: Typed, by_contact: dict[tuple[str, str], list[Applicant]], by_name: dict[tuple[str, str], Applicant]
) -> Applicant | None:
    """Return who this certainly is, as `candidates` tells it."""
    for kind, _, key in typed.contacts():
        if kind == Contact.Kind.POSTAL:
            continue
        for owner in by_contact.get((kind, key), ()):
            if compatible(typed, owner):
                return main(owner)
    if typed.address and typed.name_key and _is_full(typed):
        known = by_name.get((typed.name_key, address_key(typed.address)))
        return main(known) if known is not None else None
    return None


def _built(typed: Typed) -> Applicant:
    return Applicant(
        kind=Applicant.Kind(typed.kind),
        last_name=typed.last_name,
        first_name=typed.first_name,
        patronymic=typed.patronymic,
        organisation=typed.organisation,
        inn=typed.inn,
        address=typed.address,
        name_key=typed.name_key,
        address_key=address_key(typed.address),
    )


def _hold(typed: Typed) -> None:
    """Make a second clerk with the same applicant wait for the first."""
    keys = [f"{kind}:{key}" for kind, _, key in typed.contacts()] + [f"name:{typed.name_key}"]
    locks.hold("applicant", [hashlib.sha256(key.encode()).hexdigest() for key in keys])


@transaction.atomic(savepoint=False)
def create(typed: Typed, *, by: Employee | None) -> Applicant:
    """Return a new applicant with the contacts that were typed."""
    applicant = _built(typed)
    applicant.save(force_insert=True)
    Contact.objects.bulk_create(_contacts(applicant, typed))
    journal.record("applicant.created", chain=_chain(applicant), by=by)
    return applicant


def _complete(known: Applicant, typed: Typed, *, by: Employee | None, also: Sequence[str] = ()) -> list[str]:
    """Add contacts and an address that were not known; what is known is not overwritten. `also`: filled in before."""
    added = _add_contacts(known, typed)
    if typed.address and not known.address:
        known.address, known.address_key = typed.address, address_key(typed.address)
        known.save(update_fields=["address", "address_key"])
        added.append("address")
    if also or added:
        journal.record("applicant.completed", chain=_chain(known), by=by, added=[*also, *added])
    return added


@transaction.atomic(savepoint=False)
def complete(known: Applicant, typed: Typed, *, by: Employee) -> list[str]:
    """Fill in what is missing about an applicant and return the names of it; what is known is not overwritten."""
    _hold(typed)
    known.refresh_from_db()
    empty = [name for name in ("first_name", "patronymic") if getattr(typed, name) and not getattr(known, name)]
    for name in empty:
        setattr(known, name, getattr(typed, name))
    if empty:
        whole = {name: getattr(known, name) for name in ("last_name", "first_name", "patronymic", "organisation")}
        known.name_key = Typed(kind=known.kind, **whole).name_key
        known.save(update_fields=[*empty, "name_key"])
    return empty + _complete(known, typed, by=by, also=empty)


def _add_contacts(applicant: Applicant, typed: Typed) -> list[str]:
    owned = set(Contact.objects.filter(applicant__in=group(applicant)).values_list("kind", "key"))
    new = [one for one in _contacts(applicant, typed) if (one.kind, one.key) not in owned]
    Contact.objects.bulk_create(new, ignore_conflicts=True)
    return [str(contact.kind) for contact in new]


def _contacts(applicant: Applicant, typed: Typed) -> list[Contact]:
    return [Contact(applicant=applicant, kind=kind, value=value, key=key) for kind, value, key in typed.contacts()]


def _chain(applicant: Applicant) -> str:
    return f"applicant:{applicant.pk}"


def main(applicant: Applicant) -> Applicant:
    """Return the one this applicant was merged into at last, himself where he was not merged."""
    while applicant.merged_into is not None:
        applicant = applicant.merged_into
    return applicant


def group(applicant: Applicant) -> set[int]:
    """Return the ids of this applicant and of all who were merged into him."""
    found, wave = {applicant.pk}, {applicant.pk}
    while wave:
        wave = set(Applicant.objects.filter(merged_into__in=wave).values_list("pk", flat=True)) - found
        found |= wave
    return found


@transaction.atomic
def merge(kept: Applicant, merged: Applicant, *, by: Employee) -> ApplicantMerge:
    """Make two applicants one. Rows stay where they are; readers follow `main()`."""
    locks.hold(_CHAIN, ["merge"])
    kept, merged = (main(Applicant.objects.get(pk=one.pk)) for one in (kept, merged))
    if kept.pk == merged.pk:
        raise SameApplicant
    Applicant.objects.filter(pk=merged.pk).update(merged_into=kept)
    done = ApplicantMerge.objects.create(kept=kept, merged=merged, by=by)
    # On both: what is kept about the one merged is worth nothing from now on.
    facts: dict[str, object] = {"merged": merged.pk, "merge": done.pk}
    journal.record_each("applicant.merged", {_chain(kept): facts, _chain(merged): facts}, by=by)
    return done


@transaction.atomic
def undo_merge(merge: ApplicantMerge, *, by: Employee) -> None:
    """Take a merge back: both applicants are as they were before it."""
    locks.hold(_CHAIN, ["merge"])
    open_merge = ApplicantMerge.objects.filter(pk=merge.pk, undone_at__isnull=True)
    if not open_merge.update(undone_at=timezone.now(), undone_by=by):
        raise MergeUndone
    if Applicant.objects.filter(pk=merge.kept_id, merged_into__isnull=False).exists():
        raise MergeCovered
    Applicant.objects.filter(pk=merge.merged_id).update(merged_into=None)
    chains = f"applicant:{merge.kept_id}", f"applicant:{merge.merged_id}"
    journal.record_each("applicant.merge_undone", {key: {"merged": merge.merged_id} for key in chains}, by=by)
