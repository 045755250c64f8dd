"""A small Knowledge Base: two units, a section each, people of every kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.knowledge import public, quarters
from otklik.knowledge.models import Faq, KnowledgeHome, Mark, Material, ReplyTemplate, ReviewItem, Section
from otklik.people.models import Employee, Role, RoleAssignment, Unit

SINCE = date(2024, 1, 1)


@pytest.fixture
def home(db: None) -> KnowledgeHome:
    return KnowledgeHome.objects.get()


@pytest.fixture
def land(home: KnowledgeHome) -> Unit:
    return Unit.objects.create(name="Отдел земли", short_name="Отдел земли", valid_from=SINCE)


@pytest.fixture
def rent(home: KnowledgeHome) -> Unit:
    return Unit.objects.create(name="Отдел аренды", short_name="Отдел аренды", valid_from=SINCE)


def _section(home: KnowledgeHome, title: str, slug: str, unit: Unit) -> Section:
    section: Section = home.add_child(instance=Section(title=title, slug=slug, unit=unit))
    return section


@pytest.fixture
def garages(home: KnowledgeHome, land: Unit) -> Section:
    return _section(home, "Гаражная амнистия", "garages", land)


@pytest.fixture
def leases(home: KnowledgeHome, rent: Unit) -> Section:
    return _section(home, "Аренда участков", "leases", rent)


@pytest.fixture
def publish() -> Callable[..., Material]:
    def make(section: Section, title: str, mark: str = Mark.PUBLIC, **fields: str) -> Material:
        fields = {"short_answer": f"Коротко: {title}.", "body": "<p>Подробно.</p>", **fields}
        number = Material.objects.count()
        page = section.add_child(instance=Faq(title=title, slug=f"m{number}", mark=mark, live=False, **fields))
        page.save_revision().publish()
        page.refresh_from_db()
        if mark == Mark.PUBLIC:
            public.let_out(page)
        return page

    return make


@pytest.fixture
def publish_template() -> Callable[..., ReplyTemplate]:
    def make(section: Section, title: str, text: str, mark: str = Mark.FOR_ANSWERS) -> ReplyTemplate:
        page = section.add_child(
            instance=ReplyTemplate(title=title, slug=f"t{Material.objects.count()}", mark=mark, text=text, live=False)
        )
        page.save_revision().publish()
        page.refresh_from_db()
        return page

    return make


@pytest.fixture
def employee(home: KnowledgeHome) -> Callable[..., Employee]:
    def make(login: str, unit: Unit | None = None, *roles: str, until: date | None = None) -> Employee:
        person = Employee.objects.create_user(login, password="x", unit=unit, last_name=login)
        for role in roles:
            RoleAssignment.objects.create(
                employee=person, role=Role.objects.get(pk=role), valid_from=SINCE, valid_to=until
            )
        return person

    return make


@pytest.fixture
def reader(employee: Callable[..., Employee], land: Unit) -> Employee:
    return employee("reader", land, "executor")


@pytest.fixture
def author(employee: Callable[..., Employee], land: Unit) -> Employee:
    return employee("author", land, "kb_author")


@pytest.fixture
def chief(employee: Callable[..., Employee], rent: Unit) -> Employee:
    return employee("chief", rent, "kb_chief")


@pytest.fixture
def yesterday() -> date:
    return timezone.localdate() - timedelta(days=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, db: None) -> Any:
    """Set the clock: `clock(2026, 7, 1)` is that day, nine in the morning."""

    def set_to(year: int, month: int, day: int, hour: int = 9) -> date:
        moment = timezone.make_aware(datetime(year, month, day, hour))
        monkeypatch.setattr(timezone, "now", lambda: moment)
        return moment.date()

    return set_to


@pytest.fixture
def garage(clock, garages, publish) -> Material:
    """A material of May, before the third quarter of 2026."""
    clock(2026, 5, 12)
    return publish(garages, "Как оформить гараж")


@pytest.fixture
def item(clock, garage) -> ReviewItem:
    """Its review, open since the first of July."""
    quarters.open_quarter(clock(2026, 7, 1))
    return ReviewItem.objects.get()
