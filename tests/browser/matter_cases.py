"""Letters on paper brought to a step behind the pages: stories of the law begin where their own steps do."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from otklik.appeals import approval, assignment, classification, dispatch, drafting, kinship, registration, signature
from otklik.appeals.models import Appeal, FrozenAnswer, Need, Topic
from otklik.core.errors import DomainError
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import ContactPoint
from otklik.people.applicants import Typed
from otklik.people.models import Employee

ADDRESS = "630000, г. Примерск, ул. Образцовая, д. 1"


def letter(last_name: str, text: str, subject: str = "Письмо") -> int:
    """Register and classify a letter of this person; return the id of the appeal."""
    came = inbox.write_down(
        channel="post", contact_point=None, sender_name=f"{last_name} Анна", subject=subject, text=text,
        received_at=timezone.now(), by=_who("clerk"),
    )  # fmt: skip
    entry = replace(
        registration.entry_for(came),
        contact_point=ContactPoint.objects.filter(channel="post").first(),
        applicant=Typed(last_name=last_name, first_name="Анна", patronymic="Павловна", address=ADDRESS),
        answer_address=ADDRESS,
        subject=subject,
        needs_answer=True,
        questions=[(Topic.objects.filter(leaf=True).earliest("pk"), Need.objects.earliest("pk"))],
    )
    appeal = registration.register(came, entry, by=_who("clerk"))
    if appeal.status == "registered":
        pairs = [(one.topic, one.need) for one in appeal.questions.all()]
        classification.classify(appeal, pairs, by=_who("clerk"))
    return appeal.pk


def assigned(pk: int) -> None:
    """Assign the appeal to executor1."""
    executor = _who("executor1")
    assignment.assign(_again(pk), unit=executor.unit, executor=executor, by=_who("clerk"))


def signed(pk: int, text: str = "Отвечаем на ваши вопросы.") -> None:
    """Write the text where there is none yet, have it approved and signed on paper in СЭД."""
    executor, head = _who("executor1"), _who("head1")
    if _again(pk).executor is None:
        assigned(pk)
    draft = drafting.draft_of(_again(pk))
    if not draft.text.strip():
        drafting.save(_again(pk), text=text, base_version=draft.version, by=executor)
    approval.ask(_again(pk), approvers=[head], by=executor)
    approval.approve(approval.decision_of(_again(pk), head), by=head)
    answer = signature.freeze(_again(pk), signer=_who("signer"), by=executor)
    signature.sign_sed(answer, number=f"77/{pk}", signed_on=timezone.localdate(), by=_who("clerk"))


def answered(pk: int) -> None:
    """Answer the appeal by a letter that has been handed to the post."""
    signed(pk)
    row = dispatch.send(_again(pk), by=_who("clerk"))
    delivery.posted(row.message, on=timezone.localdate(), number="", by=_who("clerk"))


def refused_to_close(pk: int) -> str:
    """Try to close an appeal as the clerk would; return why it was refused, empty where it was closed."""
    try:
        dispatch.close(_again(pk), reason="", by=_who("clerk"))
    except DomainError as refusal:
        return str(refusal)
    return ""


def group(*last_names: str) -> int:
    """Leave letters of these people about one thing, one text to all handed over to be signed; return the first one."""
    keys = alike(*last_names)
    for pk in keys:
        approval.ask(_again(pk), approvers=[_who("head1")], by=_who("executor1"))
        approval.approve(approval.decision_of(_again(pk), _who("head1")), by=_who("head1"))
        signature.freeze(_again(pk), signer=_who("signer"), by=_who("executor1"))
    return FrozenAnswer.objects.get(appeal=keys[0]).pk


def alike(*last_names: str) -> list[int]:
    """Leave letters of these people about one thing with one text written in each, nothing asked yet."""
    subject, text = "Сквер у школы", "Прошу сохранить сквер у школы."
    keys = [letter(one, text, subject) for one in last_names]
    for pk in keys[1:]:
        kinship.relate(_again(pk), _again(keys[0]), kind="group", by=_who("clerk"))
    for pk in keys:
        assigned(pk)
        drafting.save(_again(pk), text="Сквер сохранят: участок не продаётся.", base_version=0, by=_who("executor1"))
    return keys


def _again(pk: int) -> Appeal:
    return Appeal.objects.get(pk=pk)


def _who(login: str) -> Employee:
    return Employee.objects.select_related("unit").get(username=login)
