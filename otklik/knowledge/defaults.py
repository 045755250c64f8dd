"""The Knowledge Base before anybody wrote in it: its root page, its address, the groups of its authors, its terms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from wagtail.models import Page, Site

from otklik.knowledge import law, rights
from otklik.knowledge.coverage import GENERAL
from otklik.knowledge.models import CheckTerm, KnowledgeHome, Mark, Script, Section
from otklik.people.models import Unit

_GENERAL_INTRO: Final = "То, что не относится к одной функции: как обратиться, когда принимают, куда звонить."


@transaction.atomic
def load() -> KnowledgeHome:
    """Make the root page, the site and the groups where they are missing; what people changed stays."""
    home = KnowledgeHome.objects.first() or _plant_home()
    _point_site_at(home)
    rights.prepare(home)
    if not CheckTerm.objects.exists():
        CheckTerm.objects.create(days=law.DAYS, basis=law.BASIS, valid_from=law.SINCE)
    return home


@transaction.atomic
def plant_general(unit: Unit) -> Section:
    """Return the section of what belongs to no single function; where there is none it is made, kept by the unit.

    With it come the scripts of the line (п. 27.1): whoever answers the first call has what to say; authors edit them.
    """
    home = KnowledgeHome.objects.get()
    known: Section | None = Section.objects.child_of(home).filter(function=None).first()
    if known:
        return known
    general: Section = home.add_child(
        instance=Section(title=GENERAL, slug="general", unit=unit, intro=_GENERAL_INTRO, live=False)
    )
    general.save_revision(log_action=True).publish()
    for script in _scripts():
        general.add_child(instance=script)
        script.save_revision(log_action=True).publish()
    return general


def _scripts() -> list[Script]:
    """Return the scripts shipped: greeting, holding, transfer, conflict, ending, farewell, apology."""
    told = json.loads((files("otklik.knowledge") / "data" / "scripts.json").read_text(encoding="utf-8"))
    return [
        Script(
            title=one["title"],
            slug=f"script-{number}",
            when=one["when"],
            steps=[("step", {**step, "branches": _branches(step)}) for step in one["steps"]],
            mark=Mark.FOR_ANSWERS,
            live=False,  # a draft until it is published, so it is indexed once
        )
        for number, one in enumerate(told, start=1)
    ]


def _branches(step: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"heard": heard, "go_to": go_to} for heard, go_to in step["branches"]]


def _plant_home() -> KnowledgeHome:
    root = Page.get_first_root_node() or Page.add_root(instance=Page(title="Корень", slug="root"))
    home: KnowledgeHome = root.add_child(instance=KnowledgeHome(title="База знаний", slug="kb", live=True))
    return home


def _point_site_at(home: KnowledgeHome) -> None:
    """Let `/kb/` open the root page. Wagtail's welcome page goes: nobody wrote it."""
    site = Site.objects.filter(is_default_site=True).first() or Site(is_default_site=True)
    if site.root_page_id != home.pk:
        welcome, site.root_page = site.root_page_id, home
        address = urlsplit(settings.BASE_URL)
        site.hostname, site.port = address.hostname or "localhost", address.port or 80
        site.site_name = "База знаний"
        site.save()
        Page.objects.filter(pk=welcome, depth=2, numchild=0, slug="home").delete()
