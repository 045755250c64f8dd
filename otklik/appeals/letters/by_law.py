"""Letters a step of the law makes: to the applicant, who must be told, and to another body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from otklik.appeals import ways
from otklik.appeals.letters import compose, render
from otklik.appeals.models import Appeal
from otklik.core.models import StoredFile
from otklik.correspondence import delivery, social
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people import access as people_access
from otklik.people import staff
from otklik.people.models import Employee


def to_applicant(
    appeal: Appeal, template: str, facts: Mapping[str, Any], *, subject: str, signer: Employee, by: Employee
) -> OutgoingMessage:
    """Queue a notice by the way the answer is to go, with the same words on the letterhead.

    Where everybody reads nobody is named and no letter is attached.
    """
    channel, address = _way(appeal)
    addressee = people_access.letter_name(appeal.applicant)
    words = _words(appeal, template, facts, signer)
    place = social.place_of(channel, address)
    files: list[tuple[str, StoredFile | bytes]] = []
    if place is not None and social.names_nobody(place):
        social.check_seen_by_all(words)
        text = words
    else:
        text = f"{addressee.greeting}\n\n{words}" if addressee.greeting else words
        to = [addressee.dative, "" if channel in social.NETWORKS else address]
        files = [(f"{_file(subject)}.pdf", pdf(appeal, to, words, signer, greeting=addressee.greeting))]
    return delivery.queue(
        thread=appeal.thread,
        channel=channel,
        kind=OutgoingMessage.Kind.NOTICE,
        recipient=address,
        recipient_name=addressee.dative,
        subject=subject,
        text=text,
        contact_point=appeal.contact_point if appeal.contact_point.channel == channel else None,
        files=files,
        undo_seconds=settings.UNDO_SECONDS,
        by=by,
    )


def to_body(
    appeal: Appeal,
    template: str,
    facts: Mapping[str, Any],
    *,
    body: str,
    channel: str,
    address: str,
    files: list[tuple[str, StoredFile | bytes]],
    subject: str,
    signer: Employee,
    by: Employee,
) -> OutgoingMessage:
    """Queue a letter to another body, on the letterhead, with what is sent on."""
    words = _words(appeal, template, facts, signer)
    letter = (f"{_file(subject)}.pdf", pdf(appeal, [body, address], words, signer))
    return delivery.queue(
        thread=appeal.thread,
        channel=channel,
        kind=OutgoingMessage.Kind.NOTICE,
        recipient=address,
        recipient_name=body,
        subject=subject,
        text=words,
        files=[letter, *files],
        undo_seconds=settings.UNDO_SECONDS,
        by=by,
    )


def pdf(appeal: Appeal, to: list[str], text: str, signer: Employee, *, greeting: str = "") -> bytes:
    """Return such a letter as PDF: letterhead, addressee, text, who signs it."""
    on, department = timezone.localdate(), staff.department()
    letter = render.Letter(
        title=f"Письмо по обращению № {appeal.number}",
        department=department.name,
        requisites=compose.letterhead(department),
        date=f"{on:%d.%m.%Y}",
        number=appeal.number,
        reference="",
        addressee=render.requisites(to),
        greeting=greeting,
        paragraphs=render.paragraphs(text),
        attachments=[],
        post=compose.signer_post(signer, on=on),
        signer=compose.initials_first(signer),
        executor=[],
    )
    return render.pdf(letter, on=on)


def _words(appeal: Appeal, template: str, facts: Mapping[str, Any], signer: Employee) -> str:
    known = {"appeal": appeal, "department": staff.department(), "signer": signer, **facts}
    return render_to_string(f"appeals/letters/{template}.txt", known).strip() + "\n"


def _way(appeal: Appeal) -> tuple[str, str]:
    """Return channel and address: as the answer goes; a site message without e-mail is read on the status page."""
    address = appeal.answer_address.strip()
    if appeal.answer_channel == ChannelCode.WEBSITE:
        return (ChannelCode.EMAIL, address) if "@" in address else (ChannelCode.WEBSITE, "на странице состояния")
    ways.check_address(appeal.answer_channel, address)
    return appeal.answer_channel, address


def _file(subject: str) -> str:
    return subject.replace("/", "-").replace("\\", "-")
