"""A small department with people for every step, and appeals brought to any of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import approval, assignment, classification, drafting, registration, signature
from otklik.appeals.models import Appeal, FrozenAnswer, Need, Topic
from otklik.appeals.registration import Entry
from otklik.core.models import JournalEntry, Regime
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage
from otklik.people.applicants import Typed
from otklik.people.models import Department, Employee, RoleAssignment, Substitution, Unit

LONG_AGO = date(2024, 1, 1)


def _unit(name: str, parent: Unit | None = None) -> Unit:
    return Unit(name=name, short_name=name, parent=parent, valid_from=LONG_AGO)


def _employee(login: str, last_name: str, unit: Unit, post: str = "") -> Employee:
    name = {"last_name": last_name, "first_name": "Анна", "patronymic": "Петровна"}
    one = Employee(username=login, unit=unit, post=post, **name)
    one.set_unusable_password()
    return one


class World:
    """Units, people and shortcuts that walk an appeal through its steps by public doors only."""

    def __init__(self) -> None:
        names = (
            "Руководство",
            "Отдел организационной и кадровой работы",
            "Отдел земельных отношений",
            "Юридический отдел",
        )
        self.hq, self.registry, self.land, self.law = Unit.objects.bulk_create(_unit(name) for name in names)
        self.land_sub = _unit("Сектор аренды", parent=self.land)
        self.land_sub.save()
        Department.objects.update(registry_unit=self.registry, address="Красный проспект, 18", phone="238-60-02")
        people = Employee.objects.bulk_create(
            [
                _employee("clerk", "Орлова", self.registry),
                _employee("clerk2", "Белова", self.registry),
                _employee("executor", "Сидорова", self.land, "главный специалист"),
                _employee("helper", "Гусева", self.law),
                _employee("stranger", "Чужакова", self.law),
                _employee("head", "Кузнецова", self.land, "Начальник отдела"),
                _employee("signer", "Волкова", self.hq, "Руководитель департамента"),
                _employee("signer2", "Зайцева", self.hq, "Заместитель руководителя"),
                _employee("auditor", "Ежова", self.hq),
            ]
        )
        self.clerk, self.clerk2, self.executor, self.helper, self.stranger = people[:5]
        self.head, self.signer, self.signer2, self.auditor = people[5:]
        roles = ("clerk", "clerk", "executor", "executor", "executor", "head", "signer", "signer", "auditor")
        RoleAssignment.objects.bulk_create(
            RoleAssignment(employee=one, role_id=role, valid_from=LONG_AGO)
            for one, role in zip(people, roles, strict=True)
        )

    def employee(self, login: str, last_name: str, unit: Unit, roles: list[str], post: str = "") -> Employee:
        one = _employee(login, last_name, unit, post)
        one.save()
        for role in roles:
            RoleAssignment.objects.create(employee=one, role_id=role, valid_from=LONG_AGO)
        return one

    def stands_in(self, deputy: Employee, absent: Employee) -> None:
        today = timezone.localdate()
        Substitution.objects.create(deputy=deputy, absent=absent, starts_on=today, ends_on=today)

    def fresh(self, one: Employee) -> Employee:
        """Return the employee as the next request would load him."""
        return Employee.objects.get(pk=one.pk)

    def message(self, **changes: Any) -> IncomingMessage:
        facts: dict[str, Any] = {
            "channel": ChannelCode.POST,
            "contact_point": None,
            "sender_name": "Иванова Мария Петровна",
            "sender_address": "г. Новосибирск, ул. Выдуманная, д. 1",
            "subject": "Продление договора аренды",
            "text": "Здравствуйте! Прошу продлить договор аренды земельного участка.",
            "received_at": timezone.now(),
            "by": self.clerk,
            **changes,
        }
        message = inbox.write_down(**{key: value for key, value in facts.items() if key != "message_id"})
        if message_id := facts.get("message_id"):
            IncomingMessage.objects.filter(pk=message.pk).update(message_id=message_id)
            message.refresh_from_db()
        return message

    def email(self, **changes: Any) -> IncomingMessage:
        return self.message(
            **{
                "channel": ChannelCode.EMAIL,
                "sender_address": "ivanova@citizen.example",
                "message_id": "<letter@citizen.example>",
                **changes,
            }
        )

    def entry(self, **changes: Any) -> Entry:
        facts: dict[str, Any] = {
            "regime": Regime.objects.get(code="59fz"),
            "contact_point": ContactPoint.objects.get(code="post-office"),
            "subject": "Продление аренды участка",
            "needs_answer": True,
            "applicant": Typed(
                last_name="Иванова",
                first_name="Мария",
                patronymic="Петровна",
                address="г. Новосибирск, ул. Выдуманная, 1",
            ),
            "answer_channel": ChannelCode.POST,
            "answer_address": "630000, г. Новосибирск, ул. Выдуманная, д. 1",
            **changes,
        }
        return Entry(**facts)

    def email_entry(self, **changes: Any) -> Entry:
        return self.entry(
            **{
                "regime": Regime.objects.get(code="outside_59fz"),
                "contact_point": ContactPoint.objects.get(code="email-info"),
                "applicant": Typed(
                    last_name="Иванова", first_name="Мария", patronymic="Петровна", email="ivanova@citizen.example"
                ),
                "answer_channel": ChannelCode.EMAIL,
                "answer_address": "ivanova@citizen.example",
                **changes,
            }
        )

    def pair(self, topic: str = "0003.0011.0123.0850", need: str = "lease") -> tuple[Topic, Need]:
        return Topic.objects.get(code=topic), Need.objects.get(code=need)

    def registered(self, **changes: Any) -> Appeal:
        return registration.register(self.message(), self.entry(**changes), by=self.clerk)

    def registered_email(self, **changes: Any) -> Appeal:
        return registration.register(self.email(), self.email_entry(**changes), by=self.clerk)

    def classified(self, appeal: Appeal | None = None) -> Appeal:
        appeal = appeal or self.registered()
        classification.classify(appeal, [self.pair()], by=self.clerk)
        return appeal

    def assigned(self, appeal: Appeal | None = None, **changes: Any) -> Appeal:
        appeal = self.classified(appeal)
        facts = {"unit": self.land, "executor": self.executor, **changes}
        assignment.assign(appeal, by=self.clerk, **facts)
        return appeal

    def drafted(self, appeal: Appeal | None = None, text: str = "Договор продлён.") -> Appeal:
        appeal = self.assigned(appeal)
        drafting.save(appeal, text=text, base_version=0, by=self.executor)
        return appeal

    def asked(self, appeal: Appeal | None = None) -> Appeal:
        appeal = self.drafted(appeal)
        approval.ask(appeal, approvers=[self.head], by=self.executor)
        return appeal

    def approved(self, appeal: Appeal | None = None) -> Appeal:
        appeal = self.asked(appeal)
        row = approval.decision_of(appeal, self.head)
        assert row is not None
        approval.approve(row, by=self.head)
        return self.again(appeal)

    def frozen(self, appeal: Appeal | None = None) -> FrozenAnswer:
        appeal = self.approved(appeal)
        return signature.freeze(appeal, signer=self.signer, by=self.executor)

    def signed(self, appeal: Appeal | None = None) -> Appeal:
        answer = self.frozen(appeal)
        signature.sign_sed(answer, number="01-23/45", signed_on=timezone.localdate(), by=self.clerk)
        return self.again(answer.appeal)

    def again(self, appeal: Appeal) -> Appeal:
        """Return the appeal as the next request would load it."""
        return Appeal.objects.get(pk=appeal.pk)


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def trace() -> Callable[[], dict[str, int]]:
    """Count every row the appeals room and its journal have: a refused action must not change it."""
    from django.apps import apps

    def count() -> dict[str, int]:
        rooms = ("appeals", "correspondence", "people")
        models = [model for room in rooms for model in apps.get_app_config(room).get_models()]
        return {model.__name__: model.objects.count() for model in [*models, JournalEntry]}

    return count
