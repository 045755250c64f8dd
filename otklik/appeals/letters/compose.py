"""What goes into the letter of one appeal: requisites, addressee, text, the signer's post and name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from otklik.appeals import kinship
from otklik.appeals.letters import render
from otklik.appeals.models import Appeal, DraftFile
from otklik.correspondence import social
from otklik.people import access as people_access
from otklik.people import declension, staff
from otklik.people.models import Department, Employee


def letter_pdf(appeal: Appeal, text: str, attachments: Sequence[DraftFile], signer: Employee, *, on: date) -> bytes:
    """Return the answer as a PDF letter of this day."""
    return render.pdf(letter_of(appeal, text, attachments, signer, on=on), on=on)


def letter_name(appeal: Appeal) -> str:
    """Return the file name of the letter: «Ответ О-2026-000123.pdf»."""
    return f"Ответ {appeal.number}.pdf".replace("/", "-").replace("\\", "-")


def letterhead(department: Department) -> list[str]:
    """Return the lines under the department's name on its letters."""
    return render.requisites(
        [
            department.address,
            f"тел. {department.phone}" if department.phone else "",
            " ".join(part for part in (department.email, department.site) if part),
            department.requisites,
        ]
    )


def letter_of(
    appeal: Appeal, text: str, attachments: Sequence[DraftFile], signer: Employee, *, on: date
) -> render.Letter:
    """Return everything the letter shows. The greeting is part of the text when its author wrote one."""
    department = staff.department()
    addressee = people_access.letter_name(appeal.applicant)
    greeting = addressee.greeting
    executor = appeal.executor
    numbers = kinship.numbers(appeal)
    return render.Letter(
        title=f"Ответ на обращение № {', № '.join(numbers)}",
        department=department.name,
        requisites=letterhead(department),
        date=f"{on:%d.%m.%Y}",
        number=", ".join(numbers),
        reference=f"на {appeal.regime.citizen_word} от {appeal.received_on:%d.%m.%Y}",
        addressee=render.requisites(
            [addressee.dative, "" if appeal.answer_channel in social.NETWORKS else appeal.answer_address]
        ),
        greeting="" if greeting and text.lstrip().startswith(greeting) else greeting,
        paragraphs=render.paragraphs(text),
        attachments=[row.name for row in attachments],
        post=signer_post(signer, on=on),
        signer=initials_first(signer),
        executor=render.requisites([executor.full_name, executor.phone]) if executor else [],
    )


def signer_post(signer: Employee, *, on: date) -> str:
    """Return the post under a letter; a deputy signs as «И. о.» of the one whose right he uses on that day.

    It begins a line, so with a capital letter, however the list of employees spells it.
    """
    absent = staff.in_whose_name(signer, "appeals.sign", on)
    if absent is None:
        return signer.post[:1].upper() + signer.post[1:]
    post = declension.post(absent.post)("gent").text
    return f"И. о. {post[:1].lower()}{post[1:]}"


def initials_first(person: Employee) -> str:
    """Return «А. П. Волкова»: as a name stands under a letter."""
    initials = " ".join(f"{part[0]}." for part in (person.first_name, person.patronymic) if part)
    return f"{initials} {person.last_name}".strip() or person.username
