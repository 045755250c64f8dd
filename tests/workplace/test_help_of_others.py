"""Pages of resolutions, of parts, of requests to other bodies, of absences and of СЭД, as people press them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import bulk, drafting, parts, resolutions, sed
from otklik.appeals.models import Appeal, HelperPart, Inquiry, InquiryRule, Resolution, SedNumber, SedRecord
from otklik.core import sheets
from otklik.correspondence.models import OutgoingMessage
from otklik.people.models import Substitution
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.desk import MATTER, at, desk

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


@pytest.fixture
def world(db: None) -> World:
    return World()


def client_of(employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(name, *args):
    return reverse(f"workplace:{name}", args=args)


def told(employee):
    while notices.work_next():
        pass
    return list(Notice.objects.filter(employee=employee).order_by("pk").values_list("text", flat=True))


def full(world: World) -> Appeal:
    """Return an appeal with two of everything."""
    appeal = world.assigned()
    above = resolutions.write(appeal, text="Рассмотреть", to=world.head, by=world.signer, control=True).resolution
    resolutions.write(world.again(appeal), text="Ответить", to=world.executor, parent=above, by=world.head)
    parts.ask(
        world.again(appeal),
        [world.helper, world.stranger],
        what="Реестр",
        due_on=TODAY + timedelta(days=2),
        by=world.executor,
    )
    for body in ("Росреестр", "Мэрия"):
        client_of(world.executor).post(
            url("inquiry_new", appeal.pk),
            {
                "rule": InquiryRule.objects.get().pk,
                "body": body,
                "channel": "post",
                "address": "Державина, 28",
                "text": "Да?",
            },
        )
    sed.enter(appeal, direction="in", number="1/1", on=TODAY, by=world.clerk)
    sed.enter(appeal, direction="out", number="1/2", on=TODAY, by=world.clerk)
    return world.again(appeal)


def test_the_matter_shows_all_four_parts_to_the_executor_at_few_queries(world):
    appeal, who = full(world), client_of(world.executor)
    who.get(url("matter", appeal.pk))
    with CaptureQueriesContext(
        connection,
    ) as seen:
        page = who.get(url("matter", appeal.pk)).content.decode()
    for words in (
        "Резолюции",
        "Части соисполнителей",
        "Запросы в другие органы",
        "СЭД",
        "Росреестр",
        "1/2",
        "Рассмотреть",
    ):
        assert words in page
    assert len([one for one in seen.captured_queries if "SAVEPOINT" not in one["sql"]]) <= MATTER


def test_a_head_directs_from_the_page_and_the_executor_hears_of_it(world):
    appeal = world.classified()
    Appeal.objects.filter(pk=appeal.pk).update(unit=world.land)
    head = client_of(world.head)
    page = head.get(url("resolution_write", appeal.pk))
    assert "Чья резолюция" not in page.content.decode(), "only who enters for others is asked"
    nobody = head.post(url("resolution_write", appeal.pk), {"text": "Ответить"})
    assert nobody.status_code == 422
    assert "одного сотрудника или одно подразделение" in nobody.content.decode()
    assert ">Ответить</textarea>" in nobody.content.decode().replace("\n", "")
    done = head.post(
        url("resolution_write", appeal.pk), {"text": "Ответить", "to_person": world.executor.pk}, follow=True
    )
    assert "исполнитель назначен: Сидорова" in done.content.decode()
    assert world.again(appeal).executor == world.executor
    assert any(one.startswith("Вам резолюция") for one in told(world.executor))


def test_a_resolution_is_reported_given_back_and_taken_off_control_on_its_page(world):
    appeal = world.assigned()
    row = resolutions.write(appeal, text="Ответить", to=world.executor, by=world.signer, control=True).resolution
    executor, signer, page = client_of(world.executor), client_of(world.signer), url("resolution", row.pk)
    assert executor.post(page, {"step": "report", "words": ""}).status_code != 302
    assert executor.post(page, {"step": "report", "words": "Сделано"}).status_code == 302
    assert "По резолюции отчитались" in " ".join(told(world.signer))
    refused = signer.post(page, {"step": "back", "words": " "})
    assert "напишите, что нужно доделать" in refused.content.decode()
    assert signer.post(page, {"step": "accept"}).status_code == 302
    again = signer.post(page, {"step": "accept"})
    assert again.status_code != 302
    listed = signer.get(url("resolutions") + "?state=closed").content.decode()
    assert appeal.number in listed


def test_a_clerk_enters_a_resolution_from_paper(world):
    appeal = world.classified()
    given = {"author": world.signer.pk, "text": "К исполнению", "to_unit": world.land.pk, "control": "on"}
    assert client_of(world.clerk).post(url("resolution_write", appeal.pk), given).status_code == 302
    row = Resolution.objects.get()
    assert (row.author, row.to_unit, row.control) == (world.signer, world.land, True)
    assert client_of(world.head).get(url("card", appeal.pk)).status_code == 200
    assert any(one.startswith("Вам резолюция") for one in told(world.head))


def test_a_helper_hands_in_a_part_and_the_executor_assembles_it_in_one_press(world):
    appeal = world.drafted(text="Здравствуйте!")
    executor, helper = client_of(world.executor), client_of(world.helper)
    given = {"people": [world.helper.pk], "what": "Проверить реестр", "due_on": f"{TODAY:%Y-%m-%d}"}
    assert executor.post(url("part_ask", appeal.pk), given).status_code == 302
    row = HelperPart.objects.get()
    assert any("сдать часть ответа" in one for one in told(world.helper))
    page = helper.get(url("helper_part", row.pk)).content.decode()
    assert "Проверить реестр" in page
    file = SimpleUploadedFile("выписка.txt", "Есть".encode())
    assert helper.post(url("helper_part", row.pk), {"text": "Участок есть.", "files": [file]}).status_code == 302
    assert "Соисполнитель сдал свою часть ответа" in told(world.executor)
    assert "Собрать в проект ответа: 1" in executor.get(url("matter", appeal.pk)).content.decode().replace("\xa0", " ")
    done = executor.post(url("part_assemble", appeal.pk))
    assert done["Location"] == url("draft", appeal.pk)
    assert drafting.draft_of(appeal).text.endswith("Участок есть.")
    again = executor.post(url("part_assemble", appeal.pk), follow=True).content.decode()
    assert "Собирать нечего" in again


def test_a_program_as_a_file_is_refused_and_the_text_stays_in_its_field(world):
    appeal = world.assigned()
    [row] = parts.ask(appeal, [world.helper], what="Да", due_on=TODAY, by=world.executor)
    bad = SimpleUploadedFile("a.exe", b"MZ\x90\x00")
    answer = client_of(world.helper).post(url("helper_part", row.pk), {"text": "Мой текст", "files": [bad]})
    assert answer.status_code != 302
    assert "Мой текст" in answer.content.decode()
    assert HelperPart.objects.get().handed_at is None


def test_a_request_is_sent_reminded_and_answered_on_its_page(world):
    appeal = world.assigned()
    executor = client_of(world.executor)
    page = executor.get(url("inquiry_new", appeal.pk)).content.decode()
    assert "15 дней (59-ФЗ, ст. 10 ч. 2)" in page
    given = {"rule": InquiryRule.objects.get().pk, "body": "Росреестр", "channel": "email", "text": "Есть ли право?"}
    refused = executor.post(url("inquiry_new", appeal.pk), {**given, "address": "не адрес"})
    assert refused.status_code != 302
    assert "Есть ли право?" in refused.content.decode()
    executor.post(url("inquiry_new", appeal.pk), {**given, "address": "a@body.example"})
    row = Inquiry.objects.get()
    assert executor.post(url("inquiry", row.pk), {"step": "remind"}).status_code == 302
    assert OutgoingMessage.objects.filter(thread=row.thread).count() == 2
    message = world.email(sender_address="a@body.example", message_id="<r@body.example>")
    clerk = client_of(world.clerk)
    assert f'value="{message.pk}"' in clerk.get(url("inquiry", row.pk)).content.decode()
    assert clerk.post(url("inquiry", row.pk), {"step": "link", "message": message.pk}).status_code == 302
    assert "Пришёл ответ на запрос сведений" in told(world.executor)
    executor.get(url("inquiries"))  # what was said after the presses is read
    assert row.number not in executor.get(url("inquiries")).content.decode()
    assert "Росреестр" in executor.get(url("card", appeal.pk)).content.decode()


def test_everything_late_is_told_once_a_stage(world):
    appeal = full(world)
    day = TODAY - timedelta(days=1)
    Resolution.objects.update(due_on=day)
    HelperPart.objects.update(due_on=day)
    Inquiry.objects.update(on=day - timedelta(days=15), due_on=day)
    assert notices.tell_of_help() > 0
    assert notices.tell_of_help() == 0
    assert any("Часть ответа не сдана" in one for one in told(world.helper))
    assert any("Ответа на запрос нет" in one for one in told(world.executor))
    assert appeal.due_on == world.again(appeal).due_on


def test_terms_at_risk_in_an_absence_are_shown_and_handed_over_in_one_press(world):
    other = world.employee("executor2", "Попова", world.land, ["executor"])
    ahead, far = world.assigned(), world.assigned()
    Appeal.objects.filter(pk=ahead.pk).update(due_on=TODAY + timedelta(days=5), internal_due_on=None)
    Appeal.objects.filter(pk=far.pk).update(due_on=TODAY + timedelta(days=29), internal_due_on=None)
    days = {
        "absent": world.executor.pk,
        "starts_on": TODAY.isoformat(),
        "ends_on": (TODAY + timedelta(days=7)).isoformat(),
    }
    own = client_of(world.executor).get(url("away_risk"), days).content.decode()
    assert ahead.number in own
    assert far.number not in own
    assert "Передать их другому исполнителю может" in own
    head = client_of(world.head)
    page = head.get(url("away_risk"), days).content.decode()
    assert "Заместитель на эти дни не назначен" in page
    Substitution.objects.create(
        absent=world.executor, deputy=world.stranger, starts_on=TODAY, ends_on=TODAY + timedelta(days=7)
    )
    assert "замещает Чужакова" in head.get(url("away_risk"), days).content.decode()
    answer = head.post(url("away_risk"), {**days, "executor": other.pk})
    assert answer.status_code == 302
    while bulk.work_next():
        pass
    assert (world.again(ahead).executor, world.again(far).executor) == (other, world.executor)
    assert "Сделано: 1 из 1" in head.get(answer["Location"]).content.decode()


def test_who_may_not_assign_hands_over_nothing(world):
    appeal = world.assigned()
    Appeal.objects.filter(pk=appeal.pk).update(due_on=TODAY + timedelta(days=5))
    days = {
        "absent": world.executor.pk,
        "starts_on": TODAY.isoformat(),
        "ends_on": (TODAY + timedelta(days=7)).isoformat(),
    }
    answer = client_of(world.executor).post(url("away_risk"), {**days, "executor": world.stranger.pk})
    assert answer.status_code == 403
    assert world.again(appeal).executor == world.executor


def test_a_scanned_number_is_written_by_one_press_of_enter_and_opens_the_case(world):
    appeal, clerk = world.registered(), client_of(world.clerk)
    scanned = {"number": f"01-23/45 от {TODAY:%d.%m.%Y}", "direction": "in", "on": "2026-01-01"}
    assert clerk.post(url("sed_number", appeal.pk), scanned).status_code == 302
    row = SedNumber.objects.get()
    assert (row.how, row.on) == ("scanned", TODAY)
    assert clerk.post(url("sed"), {"number": "01-23/45"})["Location"] == url("card", appeal.pk)
    missing = clerk.post(url("sed"), {"number": "99-99"})
    assert missing.status_code == 404
    assert 'value="99-99"' in missing.content.decode()
    taken = clerk.post(url("sed_number", world.registered().pk), scanned)
    assert f"уже записан у обращения № {appeal.number}" in taken.content.decode()
    clerk.post(url("sed_number", appeal.pk), {"remove": row.pk})
    assert not SedNumber.objects.exists()


def test_a_list_is_looked_at_before_it_is_loaded_and_each_difference_opens_its_case(world):
    appeal, clerk = world.registered(), client_of(world.clerk)
    table = [
        list(sed.COLUMNS.values()),
        ["входящий", "7/1", f"{TODAY:%d.%m.%Y}", appeal.number],
        ["входящий", "7/2", f"{TODAY:%d.%m.%Y}", ""],
    ]
    file = SimpleUploadedFile("sed.xlsx", sheets.xlsx(table, title="СЭД"))
    page = clerk.post(url("sed_upload"), {"sheet": file})
    assert SedRecord.objects.count() == 0
    context = page.context
    done = clerk.post(url("sed_upload"), {"read": context["read"], "load": context["agreed"]}, follow=True)
    assert "Загружено записей СЭД: 2" in done.content.decode()
    assert SedNumber.objects.get().appeal == appeal
    again = clerk.post(url("sed_upload"), {"read": context["read"], "load": context["agreed"]})
    assert "данные изменились" in again.content.decode()
    assert "7/2" in clerk.get(url("sed")).content.decode()
    bare = world.registered()
    assert url("sed_number", bare.pk) in clerk.get(url("sed") + "?kind=bare").content.decode()
    SedRecord.objects.filter(number="7/1").update(on=TODAY - timedelta(days=1))
    assert url("card", appeal.pk) in clerk.get(url("sed") + "?kind=dates").content.decode()
    assert clerk.get(url("sed_sample")).status_code == 200
    bad = clerk.post(url("sed_upload"), {"sheet": SimpleUploadedFile("sed.xlsx", b"no table")})
    assert bad.status_code == 422


def test_a_key_no_table_can_have_is_no_choice_and_no_defect(world: World) -> None:
    appeal = world.assigned()
    asked = {"people": "1" * 30, "what": "Проверить реестр", "due_on": "2026-12-01"}
    assert desk(world.executor).post(at("part_ask", appeal.pk), asked).status_code == 422
