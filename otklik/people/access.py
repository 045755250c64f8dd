"""The only door to an applicant's personal data: masked in lists, opened with a reason and a row in the access log."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied

from otklik.core import journal, masking
from otklik.core.errors import DomainError
from otklik.people import declension
from otklik.people.declension import InCase
from otklik.people.models import Applicant, Contact, Employee


class ReasonNeeded(DomainError):
    """Nobody looks without saying why."""

    code = "access.reason_needed"
    text = "Укажите, зачем нужны персональные данные: это останется в журнале доступа."


@dataclass(frozen=True)
class Masked:
    """An applicant as lists show him."""

    name: str
    email: str
    phone: str
    address: str


@dataclass(frozen=True)
class Revealed:
    """An applicant in full. Got by `reveal()` only."""

    name: str
    email: str
    phone: str
    address: str
    inn: str
    contacts: list[tuple[str, str]]


@dataclass(frozen=True)
class Addressee:
    """Whom a letter goes to: «Ивановой М. П.», «Уважаемая Мария Петровна!»; `short` and `whole` in any case."""

    name: str
    dative: str
    short: InCase
    whole: InCase
    greeting: str
    email: str
    address: str


def full_name(applicant: Applicant) -> str:
    """Return the name in the nominative; for letters and for those who have been let in."""
    person = " ".join(part for part in (applicant.last_name, applicant.first_name, applicant.patronymic) if part)
    return applicant.organisation or person


def masked(applicant: Applicant) -> Masked:
    """Return what a list may show. Prefetch `contacts` for a list: then it costs no query."""
    return Masked(
        name=masked_name(applicant),
        email=masking.email(_contact(applicant, Contact.Kind.EMAIL)),
        phone=masking.phone(_contact(applicant, Contact.Kind.PHONE)),
        address=masking.address(applicant.address),
    )


def masked_name(applicant: Applicant) -> str:
    """Return the name a list may show. The name of an organisation is not personal data."""
    if applicant.organisation:
        return applicant.organisation
    return masking.person(applicant.last_name, applicant.first_name, applicant.patronymic) or "без имени"


def _contact(applicant: Applicant, kind: str) -> str:
    """Return the latest contact of a kind."""
    values = [contact.value for contact in applicant.contacts.all() if contact.kind == kind]
    return values[-1] if values else ""


def reveal(applicant: Applicant, *, by: Employee, reason: str, about: str = "") -> Revealed:
    """Return the applicant in full and write down who looked, why, and over which matter (`about`: «appeal:7»)."""
    if not by.has_power("applicants.view"):
        raise PermissionDenied
    if not reason.strip():
        raise ReasonNeeded
    journal.looked("applicant.revealed", by=by, applicant=applicant.pk, reason=reason.strip()[:300], about=about)
    return Revealed(
        name=full_name(applicant),
        email=_contact(applicant, Contact.Kind.EMAIL),
        phone=_contact(applicant, Contact.Kind.PHONE),
        address=applicant.address,
        inn=applicant.inn,
        contacts=[(contact.get_kind_display(), contact.value) for contact in applicant.contacts.all()],
    )


@dataclass(frozen=True)
class Reported:
    """An applicant as a report by law names him to the authority; empty where it is not known."""

    name: str
    email: str
    address: str


def reported(applicant: Applicant) -> Reported:
    """Return who is named in a report the law asks for; taking its file away is logged. Prefetch `contacts`."""
    return Reported(full_name(applicant), _contact(applicant, Contact.Kind.EMAIL), applicant.address)


def letter_name(applicant: Applicant) -> Addressee:
    """Return how a letter addresses the applicant; nobody looks at it here, so nothing is logged."""
    name = declension.Name(applicant.last_name, applicant.first_name, applicant.patronymic)
    firm = declension.organisation(applicant.organisation) if applicant.organisation else None
    return Addressee(
        name=full_name(applicant),
        dative=applicant.organisation or name.dative(),
        short=firm or name.short,
        whole=firm or name.whole,
        greeting="Здравствуйте!" if applicant.organisation else name.greeting(),
        email=_contact(applicant, Contact.Kind.EMAIL),
        address=applicant.address,
    )
