"""Carrying the Knowledge Base: out and in again nothing is lost; what cannot be taken is told and leaves no trace."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wagtail.documents.models import Document
from wagtail.models import Page, Revision

from otklik.core.models import JournalEntry
from otklik.knowledge import archive, articles, lines, materials, portable, public, transfer, trust
from otklik.knowledge.lines import Refused
from otklik.knowledge.models import (
    KINDS,
    Attachment,
    Faq,
    Function,
    LawChange,
    LegalAct,
    Mark,
    Material,
    PublicVersion,
    ReceptionHours,
    ReceptionSchedule,
    Reference,
    ReviewDuty,
    ReviewItem,
    Section,
    SectionLink,
)
from otklik.people.models import Employee, Unit
from otklik.search import engine
from tests.knowledge.test_kinds import fields_of
from tests.knowledge.test_rights import signed_in

pytestmark = pytest.mark.django_db
PAST = datetime(2024, 3, 5, 9, 30, 15, 123456, tzinfo=UTC)


def questions() -> list[dict[str, str]]:
    text = (files("otklik.knowledge") / "data" / "articles.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def written(path: Path, *records: Any) -> Path:
    """Write records, one a line; text goes in as it is."""
    said = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(said) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            text = packed.read(lines.LINES).decode()
    else:
        text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def emptied() -> None:
    """Take everything of the Knowledge Base away, as in a new installation; people and units stay."""
    for section in Section.objects.all():
        section.delete()
    Document.objects.all().delete()
    Function.objects.all().delete()
    assert not Material.objects.exists()
    assert not Revision.page_revisions.exists()


def run(*args: str) -> str:
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


@pytest.fixture
def lived_in(home, garages, leases, land, rent, author, chief, employee, settings, tmp_path):
    """Everything a Knowledge Base can hold: all kinds, versions, drafts, what is on the site, archive, links, files."""
    settings.MEDIA_ROOT = tmp_path / "media-before"
    function = Function.objects.create(code="s01", name="Земля без торгов", valid_from=PAST.date())
    garages.function = function
    garages.save()
    form = Document(title="Форма заявления", uploaded_by_user=author, file_size=5)
    form.file.save("zayavlenie.txt", ContentFile("форма".encode()))
    form._set_document_file_metadata()
    form.save()
    Document.objects.filter(pk=form.pk).update(created_at=PAST)
    made: dict[type[Material], Material] = {}
    for number, kind in enumerate(KINDS):
        page = garages.add_child(
            instance=kind(
                title=f"Материал {number}", slug=f"k{number}", live=False, owner=author, **fields_of(kind, land)
            )
        )
        if kind is ReceptionSchedule:
            page.hours.add(ReceptionHours(day=1, starts=time(9), ends=time(12, 30), note="кроме июля"))
        page.save_revision(user=author).publish(user=author, skip_permission_checks=True)
        made[kind] = kind.objects.get(pk=page.pk)
    faq, act = made[Faq], made[LegalAct]
    faq.body = (
        f'<p data-block-key="a1">Смотрите <a linktype="page" id="{act.pk}">закон</a>, раздел '
        f'<a id="{leases.pk}" linktype="page">аренда</a>, <a linktype="document" id="{form.pk}">форму</a>, '
        f'<a href="https://example.org/?a=1&amp;b=2">сайт</a> и <a linktype="page" id="999999">ничто</a>.</p><hr/>'
        f"<ul><li>раз<br/>два</li></ul>"
    )
    faq.staff_note = f'<p>Внутри: <a linktype="page" id="{faq.pk}">он сам</a></p>'
    faq.mark = Mark.PUBLIC
    faq.references.add(Reference(target=act, place="ст. 39.20"))
    faq.attachments.add(Attachment(document=form, inner=False))
    faq.save_revision(user=author).publish(user=author, skip_permission_checks=True)
    faq.refresh_from_db()
    public.pin(faq, revision=faq.live_revision_id, by=chief)
    faq = Faq.objects.get(pk=faq.pk)
    faq.short_answer = "Новее, чем на сайте."
    faq.save_revision(user=chief).publish(user=chief, skip_permission_checks=True)
    faq = Faq.objects.get(pk=faq.pk)
    faq.title = "Черновик после публикации"
    faq.save_revision(user=author)
    # The act refers to what comes after it, and in a circle.
    act.references.add(Reference(target=faq))
    act.save_revision(user=author).publish(user=author, skip_permission_checks=True)
    # A version written before there were notes says nothing of them.
    first = Revision.page_revisions.filter(object_id=str(faq.pk)).earliest("pk")
    del first.content["staff_note"]
    first.save()
    leases.links.add(SectionLink(material=faq))
    leases.save_revision(user=chief).publish(user=chief, skip_permission_checks=True)
    never = leases.add_child(instance=Faq(title="Никогда не публиковали", slug="2024", live=False, short_answer=""))
    never.save_revision(user=author, clean=False)
    old = leases.add_child(instance=Faq(title="Старое", slug="old", demo=True, short_answer="Было."))
    old.save_revision().publish()
    old.refresh_from_db()
    archive.archive(old, reason="Есть новее", replaced_by=faq, by=chief)
    _checked(faq, act, land, author)
    return faq


def _checked(faq: Faq, act: LegalAct, unit: Unit, by: Employee) -> None:
    """A quarter's check, then one of the law that ended in a new version, and one that nobody has made yet."""
    duty = ReviewDuty.objects.create(unit=unit, year=2024, quarter=3, opened_on="2024-07-01", due_on="2024-09-30")
    change = LawChange.objects.create(act=act, named="Закон", happened_on=PAST.date(), what="Сроки", entered_by=by)
    first, state = Revision.page_revisions.filter(object_id=str(faq.pk)).earliest("pk").pk, ReviewItem.State
    facts = {"material": faq, "title": faq.title, "unit": unit, "due_on": PAST.date()}
    done = {"decided_at": PAST, "decided_by": by, "revision": first, "note": "Сверено", "acts": "ЗК РФ, ст. 39.20"}
    ReviewItem.objects.create(**facts, **done, duty=duty, state=state.CONFIRMED)
    law = {"cause": ReviewItem.Cause.LAW, "change": change, "why": "Закон: изменён"}
    done |= {"decided_at": PAST + timedelta(days=200), "revision": None, "note": "", "acts": ""}
    ReviewItem.objects.create(**facts, **done, **law, state=state.CHANGED)
    ReviewItem.objects.create(**{**facts, "material": act}, **law)


def test_out_and_in_again_the_same_lines(lived_in, tmp_path, settings):
    before, after = tmp_path / "before.zip", tmp_path / "after.zip"
    counted = transfer.export_to(before)
    assert counted == {"функций": 1, "файлов": 1, "разделов": 2, "материалов": len(KINDS) + 2}
    assert {record["kind"] for record in read(before) if record.get("type") == "material"} == {
        kind.__name__ for kind in KINDS
    }
    emptied()
    settings.MEDIA_ROOT = tmp_path / "media-after"
    report = transfer.import_from(before)
    assert (report.bad, report.skipped, report.notes) == ([], [], {})
    assert Page.find_problems() == ([], [], [], [], [])
    transfer.export_to(after)
    was, now = read(before), read(after)
    assert len(was) == len(now)
    for one, other in zip(was, now, strict=True):
        assert one == other
    with zipfile.ZipFile(after) as packed:
        [name] = [name for name in packed.namelist() if name != lines.LINES]
        assert packed.read(name).decode() == "форма"


def test_what_came_in_is_read_found_and_on_the_site(lived_in, tmp_path, settings, reader, author, chief):
    url, words = lived_in.get_url(), PublicVersion.objects.get().found_by
    transfer.export_to(tmp_path / "kb.zip")
    emptied()
    settings.MEDIA_ROOT = tmp_path / "media-after"
    transfer.import_from(tmp_path / "kb.zip")
    faq = Faq.objects.get(short_answer="Новее, чем на сайте.")
    act = LegalAct.objects.get()
    assert f'linktype="page" id="{act.pk}"' in faq.body
    assert f'linktype="document" id="{Document.objects.get().pk}"' in faq.body
    assert 'linktype="page" id="0"' in faq.body
    assert [one.target_id for one in faq.references.all()] == [act.pk]
    assert faq.owner == author
    version = PublicVersion.objects.get()
    assert (version.material_id, version.pinned_by, version.url, version.found_by) == (faq.pk, chief, url, words)
    assert version.refers_to == [[act.pk, "ст. 39.20"]]
    assert list(version.documents.all()) == [Document.objects.get()]
    assert f'id="{act.pk}"' in version.parts[0]["html"]
    assert [found.page_id for found in materials.find("понедельник июля", user=reader)] == [
        ReceptionSchedule.objects.get().pk
    ]
    assert [found.page_id for found in materials.find("аренда форму")] == [faq.pk]
    assert faq.get_latest_revision_as_object().title == "Черновик после публикации"
    # A version from before the last one can be published again, rows beside it and all.
    first = public.version_of(faq).revision.as_object()
    assert [one.target_id for one in first.references.all()] == [act.pk]
    assert faq.live_revision.user == chief
    # An author finds every version in the history, and may compare it and bring it back.
    history = signed_in(author).get(reverse("wagtailadmin_pages:history", args=[faq.pk])).content.decode()
    for kept in Revision.page_revisions.filter(object_id=str(faq.pk)).exclude(pk=faq.latest_revision_id):
        assert reverse("wagtailadmin_pages:revisions_revert", args=[faq.pk, kept.pk]) in history
    old = Faq.objects.get(slug="old")
    assert archive.archived(old.pk).replaced_by.pk == faq.pk
    assert old.demo
    # Whoever wrote the newest published version still does not let it out.
    with pytest.raises(public.OwnWork):
        public.pin(Material.objects.get(pk=faq.pk), revision=faq.live_revision_id, by=chief)


def test_who_checked_a_material_there_and_when_is_known_here(lived_in, tmp_path, author, land):
    checked_on = trust.of([lived_in])[lived_in.pk].checked_on
    transfer.export_to(tmp_path / "kb.jsonl")
    emptied()
    report = transfer.import_from(tmp_path / "kb.jsonl")
    assert report.made["проверок"] == 2
    faq = Faq.objects.get(short_answer="Новее, чем на сайте.")
    told = trust.of([faq])[faq.pk]
    assert (told.state, told.checked_on, told.by) == (trust.FRESH, checked_on, str(author))
    first, last = faq.reviews.order_by("decided_at")
    assert (first.note, first.acts, first.unit, first.get_state_display()) == (
        *("Сверено", "ЗК РФ, ст. 39.20", land),
        "проверено, изменений не требуется",
    )
    assert first.revision == Revision.page_revisions.filter(object_id=str(faq.pk)).earliest("pk").pk
    assert (last.why, last.revision) == ("Закон: изменён", None)
    # Nobody owes anything for what was checked elsewhere, and a name nobody has here is said to be missing.
    assert ReviewItem.objects.filter(material=faq, duty=None, state=ReviewItem.State.WAITING).count() == 0
    faq.reviews.update(decided_by=None)
    assert trust.of([faq])[faq.pk].by == "имя при переносе опущено"


def test_a_second_import_adds_nothing(lived_in, tmp_path):
    transfer.export_to(tmp_path / "kb.zip")
    said = run("kb_import", str(tmp_path / "kb.zip"))
    assert "Загружено: ничего нового." in said
    assert "уже есть" in said
    transfer.export_to(tmp_path / "again.zip")
    assert read(tmp_path / "kb.zip") == read(tmp_path / "again.zip")


def test_without_files_their_absence_is_told(lived_in, tmp_path):
    said = run("kb_export", str(tmp_path / "kb.jsonl"))
    assert "выгрузите в .zip" in said
    assert read(tmp_path / "kb.jsonl")[0] == {"format": "otklik-kb", "version": 1, "files": False}
    emptied()
    said = run("kb_import", str(tmp_path / "kb.jsonl"))
    assert "файлов без содержания" in said
    assert not Attachment.objects.exists()
    assert 'linktype="document" id="0"' in Faq.objects.get(short_answer="Новее, чем на сайте.").body


def test_an_export_never_overwrites(home, tmp_path):
    (tmp_path / "kb.zip").write_text("чужое")
    with pytest.raises(CommandError, match="уже есть"):
        run("kb_export", str(tmp_path / "kb.zip"))
    assert (tmp_path / "kb.zip").read_text() == "чужое"
    with pytest.raises(CommandError, match=r"\.zip"):
        run("kb_export", str(tmp_path / "kb.txt"))


def test_all_the_articles_come_in_once(home, land, tmp_path, author):
    path = written(tmp_path / "articles.jsonl", *questions())
    said = run("kb_import", str(path), "--unit", land.name, "--publish", "--mark", "public", "--by", "author")
    assert "материалов: 120" in said
    assert "второй человек" in said
    faqs = Faq.objects.filter(live=True, mark=Mark.PUBLIC, owner=author)
    assert faqs.count() == 120
    assert {section.unit for section in Section.objects.all()} == {land}
    assert not PublicVersion.objects.exists()
    found = questions()[40]["title"]
    assert found in [hit.title for hit in materials.find(found, user=author)]
    row = JournalEntry.objects.get(action="knowledge.imported")
    assert (row.actor, row.data["added"]["материалов"]) == (author, 120)
    assert JournalEntry.objects.filter(action="material.imported").count() == 120
    pages = Page.objects.count()
    said = run("kb_import", str(path), "--publish")
    assert "ничего нового" in said
    assert "Пропущено, строк: 120" in said
    assert Page.objects.count() == pages
    # The author of what was imported is not who lets it out.
    with pytest.raises(public.OwnWork):
        public.check_can_pin(faqs.first(), by=author)


def test_articles_are_drafts_unless_told(garages, tmp_path, reader):
    one = {"id": "A1", "section": "garages", "title": "Как узаконить гараж?", "body": "Подайте заявление.\n\nИ ждите."}
    run("kb_import", str(written(tmp_path / "a.jsonl", one)))
    faq = Faq.objects.get()
    assert (faq.live, faq.mark, faq.short_answer) == (False, Mark.INTERNAL, "Подайте заявление.")
    assert faq.body == "<p>Подайте заявление.</p><p>И ждите.</p>"
    assert materials.find("узаконить гараж", user=reader) == []
    twin = {**one, "id": "A2", "title": "как узаконить  ГАРАЖ"}
    report = transfer.import_from(written(tmp_path / "b.jsonl", twin, {**twin, "title": "Другой вопрос"}))
    assert [told.line for told in report.skipped] == [1]
    assert report.made["материалов"] == 1


def test_a_dry_run_leaves_nothing(lived_in, tmp_path, settings, land):
    transfer.export_to(tmp_path / "kb.zip")
    emptied()
    settings.MEDIA_ROOT = tmp_path / "media-after"
    rows, indexed = JournalEntry.objects.count(), engine.find(materials.INDEX, "материал", scopes=["staff"])
    said = run("kb_import", str(tmp_path / "kb.zip"), "--dry-run")
    assert "ничего не сохранено" in said
    assert f"материалов: {len(KINDS) + 2}" in said
    assert not Section.objects.exists()
    assert not Document.objects.exists()
    assert not list((tmp_path / "media-after").rglob("*.txt"))
    assert JournalEntry.objects.count() == rows
    assert engine.find(materials.INDEX, "материал", scopes=["staff"]) == indexed


HEADER = {"format": "otklik-kb", "version": 1, "files": False}
FAQ = {"title": "Вопрос", "mark": "public", "short_answer": "Ответ.", "live": True}


def line(**changed: Any) -> dict[str, Any]:
    return {"type": "material", "kind": "Faq", "key": "garages/new", "page": dict(FAQ), **changed}


def page(**changed: Any) -> dict[str, Any]:
    return line(page={**FAQ, **changed})


def steps(*given: Any) -> dict[str, Any]:
    return line(
        kind="Script", page={"title": "С", "mark": "for_answers", "when": "К", "live": True, "steps": list(given)}
    )


GOOD_STEP = {"stage": "answer", "name": "Шаг", "say": "Скажите", "hint": "", "branches": []}
BAD = [
    ("{", "не JSON"),
    ("[1]", "фигурных скобках"),
    ("[" * 100_000, "вложенных"),
    ('{"a":' * 5_000 + "1" + "}" * 5_000, "вложенных"),
    ('{"a": NaN}', "число"),
    ('{"a": 1' + "0" * 5_000 + "}", "число"),
    ('{"type": "material", "key": "a\\u0000"}', "недопустимый знак"),
    ('{"type": "material", "key": "\\ud800"}', "недопустимый знак"),
    ({"type": "appeal"}, "неизвестный тип"),
    ({"type": ["material"]}, "неизвестный тип"),
    (line(kind="Employee"), "неизвестный вид"),
    (line(kind=["Faq"]), "неизвестный вид"),
    (line(kind="Section"), "неизвестный вид"),
    (line(secret=1), "неизвестные поля: secret"),
    (page(path="0001"), "неизвестные поля: path"),
    (page(title=1), "title: ждали текст"),
    (page(title=""), "title"),
    (page(title="я" * 300), "title"),
    (page(live="да"), "live: ждали true"),
    (page(short_answer={"a": 1}), "short_answer: ждали текст"),
    (page(short_answer="  "), "short_answer"),
    (page(expire_at="завтра"), "expire_at"),
    (page(expire_at=5), "expire_at: ждали дату"),
    (page(mark="secret"), "mark"),
    (page(references="a"), "references: ждали список"),
    (line(checks=5), "checks: ждали список"),
    (line(checks=[5]), "checks: ждали наборы"),
    (line(checks=[{"state": "waiting", "at": "2026-01-31T09:00:00+00:00"}]), "checks: state: бывает confirmed"),
    (line(checks=[{"state": "confirmed", "at": "3026-01-31T09:00:00+00:00"}]), "checks: at: ждали время"),
    (line(checks=[{"state": "confirmed", "at": "2026-01-31T09:00:00+00:00", "version": 7}]), "version: такой версии"),
    (line(checks=[{"state": "confirmed", "at": "2026-01-31T09:00:00+00:00", "by": 1}]), "by: ждали текст"),
    (page(references=[{"target": "garages/none"}]), "«garages/none» нет"),
    (page(references=[{"target": "garages/new"}]), "сам на себя"),
    (page(references=[{"target": "garages", "place": "п"}] * 2), "дважды"),
    (page(body='<p><a linktype="page" id="garages/none">нет</a></p>'), "«garages/none» нет"),
    (page(body='<p><a linktype="document" id="abc">нет</a></p>'), "файла «abc» нет"),
    (page(attachments=[{"document": "abc"}]), "файла «abc» нет"),
    (page(slug="other"), "не тот же"),
    (line(key="new"), "адрес раздела"),
    (line(key="a/b/c"), "адрес раздела"),
    (line(key="nowhere/new"), "«nowhere» нет"),
    (line(key=5), "key: ждали текст"),
    (line(key="garages/с пробелом"), "slug"),
    (line(page=None), "фигурных скобках"),
    (line(versions={}), "versions"),
    (line(versions=[{"at": "вчера", "content": FAQ}]), "at: ждали время"),
    (line(versions=[{"at": "2024-01-01T00:00:00", "content": FAQ}]), "at: ждали время"),
    (line(versions=[{"at": PAST.isoformat(), "content": {"title": 1}}]), "title"),
    (line(versions=[], live_version=0), "такой версии нет"),
    (line(live_version=True), "такой версии нет"),
    (line(on_site={}), "не сказано, какая версия"),
    (line(on_site={"version": 0, "parts": [{"html": 1}]}), "html: ждали текст"),
    (line(on_site={"version": 0, "facts": [{"url": "javascript:alert(1)"}]}), "url: ждали адрес"),
    (line(on_site={"version": 0, "refers_to": [["garages/none", ""]]}), "«garages/none» нет"),
    (line(kind="DecisionExample", page={"title": "П", "mark": "public", "decided_on": "2024-01-01"}), "внутренним"),
    (
        line(
            versions=[{"at": PAST.isoformat(), "content": {"mark": "public"}}],
            kind="ReplyTemplate",
            page={"title": "Ш"},
        ),
        "не публикуют",
    ),
    (
        line(
            kind="JobDescription",
            page={"title": "И", "mark": "internal", "post": "п", "approved_on": "2024-01-01", "unit": "Нет такого"},
        ),
        "подразделения «Нет такого» нет",
    ),
    (line(kind="JobDescription", page={"title": "И", "post": "п", "approved_on": "2024-01-01"}), "unit: не заполнено"),
    (line(kind="LegalAct", page={"title": "А", "live": False}), "adopted_on: не заполнено"),
    (
        line(kind="ReplyTemplate", page={"title": "Ш", "mark": "for_answers", "text": "{кто}", "live": True}),
        "Неизвестные",
    ),
    (line(kind="ReplyTemplate", page={"title": "Ш", "text": "т"}, on_site={"version": 0}), "на сайте не бывают"),
    (steps("шаг"), "неизвестный блок"),
    (steps({"type": "step", "value": []}), "steps: ждали"),
    (steps({"type": "step", "value": {**GOOD_STEP, "say": 5}}), "steps.say"),
    (steps({"type": "step", "value": {"name": "Шаг"}}), "нет поля stage"),
    (steps({"type": "step", "value": {**GOOD_STEP, "branches": [{"heard": "а", "go_to": "Нет"}]}}), ""),
    ({"type": "section", "key": "s"}, "фигурных скобках"),
    ({"type": "section", "key": "s1", "page": {"title": "Р", "unit": "Нет"}}, "подразделения «Нет» нет"),
    ({"type": "section", "key": "s2", "page": {"title": "Р"}}, "unit: не заполнено"),
    ({"type": "function", "code": "x"}, ""),
    ({"type": "function", "code": "с пробелом", "name": "Ф", "valid_from": "2024-01-01"}, "code"),
    ({"type": "file", "key": "", "name": "a.txt", "sha256": "0"}, "key"),
]


def test_every_line_that_cannot_be_taken_is_told_and_the_good_ones_are_kept(garages, tmp_path):
    said = [one if isinstance(one, str) else json.dumps(one) for one, _ in BAD]
    # Each under a name of its own: what is wrong with one must not hide behind another.
    apart = [text.replace("garages/new", f"garages/n{number}") for number, text in enumerate(said)]
    path = written(tmp_path / "kb.jsonl", HEADER, line(key="garages/good"), *apart)
    with pytest.raises(Refused):
        transfer.import_from(path)
    assert not Material.objects.exists()
    report = transfer.import_from(path, skip_bad=True)
    told = {one.line - 3: one.why for one in report.bad}
    assert list(told) == list(range(len(BAD)))
    for number, (said_there, why) in enumerate(BAD):
        assert why in told[number], (said_there, told[number])
    assert list(Material.objects.values_list("slug", flat=True)) == ["good"]


def test_what_leads_to_a_bad_line_goes_with_it(garages, tmp_path):
    leads = line(key="garages/leads", page={**FAQ, "references": [{"target": "garages/new"}]})
    path = written(tmp_path / "kb.jsonl", HEADER, leads, page(title=""), line(key="garages/good"))
    report = transfer.import_from(path, skip_bad=True)
    assert [one.line for one in report.bad] == [2, 3]
    assert list(Material.objects.values_list("slug", flat=True)) == ["good"]


def test_a_line_written_by_hand_is_its_own_first_version(garages, tmp_path, reader):
    transfer.import_from(written(tmp_path / "kb.jsonl", HEADER, line()))
    faq = Faq.objects.get()
    assert faq.live_revision.as_object().title == "Вопрос"
    assert [found.page_id for found in materials.find("Вопрос", user=reader)] == [faq.pk]
    assert not materials.for_public().exists()


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p>а<script>alert(1)</script></p>", "<p>а</p>"),
        ('<p onclick="x()">а</p>', "<p>а</p>"),
        ('<p><img src="x" onerror="x()">а</p>', "<p>а</p>"),
        ('<p><a href="javascript:x()">а</a></p>', "<p><a>а</a></p>"),
        ("<p>а</p><img src=x onerror=x() ", "<p>а</p>"),
        ('<p>а</p><embed embedtype="image" id="1"/>', "<p>а</p>"),
        ("<h2>а</h2><iframe></iframe>", "а"),
        ("<p>а<!-- б --></p>", "<p>а</p>"),
    ],
)
def test_rich_text_is_cleaned_to_what_the_editor_makes(garages, tmp_path, html, clean):
    on_site = {"version": 0, "title": "В", "parts": [{"heading": "О", "text": "а", "html": html}]}
    version = {"at": PAST.isoformat(), "content": {**FAQ, "body": html}}
    given = line(page={**FAQ, "body": html, "staff_note": html}, versions=[version], live_version=0, on_site=on_site)
    transfer.import_from(written(tmp_path / "kb.jsonl", HEADER, given))
    faq = Faq.objects.get()
    assert (faq.body, faq.staff_note, faq.live_revision.content["body"]) == (clean, clean, clean)
    assert faq.public_version.parts[0]["html"] == clean


def test_clean_rich_text_stays_to_the_letter():
    html = (
        '<h3 data-block-key="x">З</h3><p>а&nbsp;«б» &lt;в&gt; &quot;<b>г</b>&quot;<br/></p><hr/>'
        '<a id="1" linktype="page">д</a>'
    )
    assert portable.clean_html(html) == html


def packed(path: Path, text: str, **beside: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive_:
        archive_.writestr(lines.LINES, text)
        for name, content in beside.items():
            archive_.writestr(name, content)
    return path


def a_file(name: str, content: bytes, **changed: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"type": "file", "key": "f", "title": "Ф", "name": name, "sha256": sha256, "size": len(content), **changed}


def zipped(path: Path, record: dict[str, Any], content: bytes) -> Path:
    text = "\n".join(json.dumps(one) for one in (HEADER, record))
    return packed(path, text, **{f"files/{record['sha256']}/{record['name']}": content})


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "..\\..\\evil.txt", "evil.txt"])
def test_a_name_in_an_archive_never_leads_out_of_the_store(home, tmp_path, settings, name):
    transfer.import_from(zipped(tmp_path / "kb.zip", a_file(name, b"text"), b"text"))
    document = Document.objects.get()
    assert Path(document.file.path).resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve())
    assert document.filename == "evil.txt"


@pytest.mark.parametrize(
    ("record", "content", "why"),
    [
        (a_file("a.txt", b"one"), b"other", "отпечаток не совпал"),
        (a_file("a.pdf", b"MZ program"), b"MZ program", "программа"),
        (a_file("a.exe", b"text"), b"text", ""),
        (a_file("a.svg", b"<svg/>"), b"<svg/>", ""),
        (a_file("a.pdf", b"text"), b"text", "не соответствует"),
        (a_file("a.txt", b"text", at="вчера"), b"text", "время"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(home, tmp_path, settings, record, content, why):
    with pytest.raises(Refused) as refused:
        transfer.import_from(zipped(tmp_path / "kb.zip", record, content))
    assert why in str(refused.value) + "".join(told.why for told in refused.value.report.bad)
    assert not Document.objects.exists()
    assert not [one for one in Path(settings.MEDIA_ROOT).rglob("*") if one.is_file()]


def test_bombs_are_put_out(garages, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    monkeypatch.setattr(lines, "LARGEST_FILE", 1000)
    long = page(short_answer="я" * 5000)
    with pytest.raises(Refused) as refused:
        transfer.import_from(written(tmp_path / "kb.jsonl", HEADER, long, line(key="garages/good")))
    assert [told.line for told in refused.value.report.bad] == [2]
    with pytest.raises(Refused) as refused:
        transfer.import_from(zipped(tmp_path / "files.zip", a_file("a.txt", b"0" * 5000), b"0" * 5000))
    assert "больше" in refused.value.report.bad[0].why
    monkeypatch.setattr(lines, "MOST_TEXT", 20_000)
    with pytest.raises(Refused, match="слишком велик"):
        transfer.import_from(packed(tmp_path / "bomb.zip", " " * 10_000_000))


def test_files_that_are_no_such_file(home, tmp_path, land):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    for path, why in (
        (tmp_path / "none.jsonl", "нет"),
        (tmp_path, "нет"),
        (tmp_path / "empty.jsonl", "пуст"),
        (written(tmp_path / "newer.jsonl", {**HEADER, "version": 2}), "более новой"),
        (written(tmp_path / "other.jsonl", {"format": {}}), "другой программы"),
    ):
        with pytest.raises(CommandError, match=why):
            run("kb_import", str(path))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    with pytest.raises(CommandError, match=r"нет kb\.jsonl"):
        run("kb_import", str(tmp_path / "other.zip"))
    with pytest.raises(CommandError, match="подразделения «нигде» нет"):
        run("kb_import", str(tmp_path / "empty.jsonl"), "--unit", "нигде")
    with pytest.raises(CommandError, match="логином «никто»"):
        run("kb_import", str(tmp_path / "empty.jsonl"), "--by", "никто")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"title": 5}, "title"),
        ({"title": " "}, "title"),
        ({"title": "я" * 256}, "title"),
        ({"body": "\n\n"}, "body"),
        ({"section": "новый"}, "--unit"),
        ({"section": "?"}, "section"),
        ({"kind": "Faq"}, "неизвестные поля: kind"),
    ],
)
def test_a_bad_question_is_told_at_the_command(garages, tmp_path, changed, why, capsys):
    good = {"id": "A1", "section": "garages", "title": "Первый", "body": "Ответ."}
    path = written(tmp_path / "a.jsonl", good, {**good, "title": "Второй", **changed})
    out = io.StringIO()
    with pytest.raises(CommandError, match="Ничего не загружено: строк с ошибками: 1"):
        call_command("kb_import", str(path), stdout=out)
    assert "строка 2:" in out.getvalue()
    assert why in out.getvalue()
    assert not Material.objects.exists()
    assert "материалов: 1" in run("kb_import", str(path), "--skip-bad")


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["title", "mark", "short_answer", "body", "live", "references", "attachments", "expire_at", "slug", "locked_by"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changed=st.dictionaries(
        st.sampled_from(["type", "kind", "key", "versions", "live_version", "on_site"]), odd, max_size=2
    ),
    fields=st.dictionaries(st.sampled_from(NAMES), odd, max_size=3),
    short=st.dictionaries(st.sampled_from(articles.FIELDS), odd, max_size=3),
)
def test_whatever_a_line_says_it_is_taken_or_told(garages, tmp_path, changed, fields, short):
    full = {**page(**fields), **changed}
    question = {"id": "A1", "section": "garages", "title": "Вопрос", "body": "Ответ.", **short}
    for records in ([HEADER, full], [question]):
        path = written(tmp_path / "odd.jsonl", *(json.dumps(record) for record in records))
        report = transfer.import_from(path, skip_bad=True, dry_run=True)
        assert len(report.bad) + len(report.skipped) + report.made["материалов"] + report.made["разделов"] >= 1
