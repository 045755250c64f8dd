"""Consultations of the ЕКЦ: by which way they come, once each; topics confirmed; both sides of a handing over."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core import sheets
from otklik.core.models import AccessEntry, JournalEntry
from otklik.hotline import consultations, reading_aloud
from otklik.hotline import ekc as records
from otklik.hotline.models import Consultation, Transfer
from otklik.people.applicants import phone_key
from otklik.people.models import Employee
from otklik.search import engine
from otklik.surveys.models import Response
from tests.api.conftest import program
from tests.api.test_entry import problem
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db

TITLES = ["Номер записи", "Когда", "Вопрос", "Ответ", "Телефон", "Получен ли ответ", "Качество"]
GOOD = ["118", "24.11.2026 10:15", "Как узнать границы участка?", "Назвали МФЦ.", NUMBER, "да", "удовлетворен"]


@pytest.fixture
def operator(world, ekc) -> Employee:
    return world.employee("operator", "Откликова", world.hq, ["ekc_operator"])


@pytest.fixture
def colleague(world, ekc) -> Employee:
    return world.employee("operator2", "Соседова", world.hq, ["ekc_operator"])


def desk(employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def at(name, *args):
    return reverse(f"workplace:{name}", args=args)


def given(**changes: Any) -> records.Given:
    facts = {"at": timezone.now(), "question": "Как продлить аренду участка?", "external_id": "118", **changes}
    return records.Given(**facts)


def told(**changes: Any) -> dict[str, Any]:
    facts = {"external_id": "EKC-118", "at": "2026-11-24T10:15:00+07:00", "question": "Как продлить аренду участка?"}
    return {**facts, "answers": {"answered": "yes", "quality": "partial"}, **changes}


def table(*rows: list[str], titles: list[str] | None = None, name: str = "ekc.csv") -> SimpleUploadedFile:
    content = b"".join(sheets.csv_lines([titles or TITLES, *rows])) if name.endswith("csv") else b""
    return SimpleUploadedFile(name, content or sheets.xlsx([titles or TITLES, *rows], title="ЕКЦ"))


# ---------- by the API ----------


def test_a_program_hands_a_consultation_over_once(operator):
    caller = program(operator, "consultations.create")
    first = caller.post("/line/consultations", told())
    again = caller.post("/line/consultations", told())
    assert (first.status_code, again.status_code) == (201, 200), first.content.decode()
    row = Consultation.objects.get()
    assert first.headers["Location"] == f"/api/v1/line/consultations/{row.pk}"
    assert caller.get(f"/line/consultations/{row.pk}").json() == again.json() == first.json()
    assert (row.line.code, row.by, row.asked, row.outcome) == ("ekc", None, "answered", "answered")
    response = Response.objects.get()
    assert (response.answers, response.source) == ({"answered": "yes", "quality": "partial"}, "phone")
    assert response.invitation.channel == "ekc"
    entry = JournalEntry.objects.get(action="ekc.taken")
    assert (entry.actor, entry.data["source"]) == (operator, "api")
    assert "аренду" not in str(entry.data)


def test_the_same_request_gets_the_same_answer_and_another_with_its_key_is_refused(operator):
    caller = program(operator, "consultations.create")
    caller.post("/line/consultations", told(), key="k1")
    same = caller.post("/line/consultations", told(), key="k1")
    assert (same.status_code, same.headers["Idempotency-Replayed"]) == (201, "true")
    problem(caller.post("/line/consultations", told(question="О другом"), key="k1"), 422, "api.other_request")
    problem(caller.post("/line/consultations", told(question="О другом")), 409, "ekc.other_record")
    assert Consultation.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"at": (timezone.now() + timedelta(days=1)).isoformat()}, "ekc.bad_record"),
        ({"at": "2026-11-24T10:15:00"}, "api.invalid"),
        ({"question": "  "}, "api.invalid"),
        ({"answers": {"answered": "yes"}}, "api.invalid"),
        ({"refused": True}, "ekc.bad_record"),
        ({"outcome": "to_ekc"}, "api.invalid"),
        ({"at": "2020-01-09T10:00:00+07:00"}, "ekc.bad_record"),  # the two questions were not asked then
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(operator, changes, code):
    problem(program(operator, "consultations.create").post("/line/consultations", told(**changes)), 422, code)
    assert not Consultation.objects.exists()
    assert not Response.objects.exists()


def test_the_key_needs_its_scope_and_its_owner_the_power(operator, world):
    problem(program(operator, "messages.create").post("/line/consultations", told()), 403, "api.scope_missing")
    problem(program(world.clerk, "consultations.create").post("/line/consultations", told()), 403, "ekc.no_power")


def test_any_key_learns_whether_the_lines_are_answered(world, line):
    answer = program(world.clerk, "messages.read").get("/line/").json()
    assert [one["code"] for one in answer["items"]] == ["department", "ekc"]
    assert answer["items"][1]["phones"] == ["110"]
    assert answer["items"][0]["words"]


# ---------- as a table ----------


@pytest.mark.parametrize("name", ["ekc.csv", "ekc.xlsx"])
def test_a_table_is_looked_at_first_and_taken_once(world, ekc, name):
    client = desk(world.clerk)
    bad = ["119", "вчера", "", "", "", "может быть", ""]
    page = client.post(at("ekc_upload"), {"sheet": table(GOOD, bad, name=name)})
    words = page.content.decode()
    assert page.status_code == 200, words
    assert "«вчера» не прочитано" in words
    assert not Consultation.objects.exists()
    done = client.post(at("ekc_upload"), {"read": page.context["read"]})
    assert done.status_code == 302
    row = Consultation.objects.get()
    assert (row.external_id, row.by, row.number_key, row.asked) == ("118", None, phone_key(NUMBER), "answered")
    assert timezone.localtime(row.opened_at).strftime("%d.%m.%Y %H:%M") == "24.11.2026 10:15"
    again = client.post(at("ekc_upload"), {"sheet": table(GOOD, name=name)}).content.decode()
    assert "уже есть" in again
    assert "Записывать нечего" in again
    other = [*GOOD[:2], "О другом", *GOOD[3:]]
    assert "и в ней другое" in client.post(at("ekc_upload"), {"sheet": table(other, name=name)}).content.decode()


def test_a_table_confirmed_after_its_records_came_another_way_is_shown_again(world, ekc, operator):
    client = desk(world.clerk)
    page = client.post(at("ekc_upload"), {"sheet": table(GOOD)})
    records.take(given(external_id="118", question="О другом"), source="api", by=operator)
    done = client.post(at("ekc_upload"), {"read": page.context["read"]})
    assert done.status_code == 409
    assert "другим путём" in done.content.decode()
    assert Consultation.objects.count() == 1


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (SimpleUploadedFile("a.csv", b"\x00\x01"), "не таблица CSV"),
        (SimpleUploadedFile("a.csv", "Вопрос;Лишний\nа;б".encode()), "«Лишний» незнаком"),
        (SimpleUploadedFile("a.csv", "Вопрос\nа".encode()), "нет столбцов"),
        (SimpleUploadedFile("a.csv", b"\n\n"), "таблица пустая"),
        (SimpleUploadedFile("a.exe", b"MZ" + b"\0" * 100), ".xlsx"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(world, ekc, upload, said):
    page = desk(world.clerk).post(at("ekc_upload"), {"sheet": upload})
    assert page.status_code == 422
    assert said in page.content.decode()


def test_a_table_of_windows_with_commas_is_read(ekc):
    content = "Номер записи,Когда,Вопрос\n7,24.11.2026 9:05,Где приём?\n".encode("cp1251")
    [row] = records.read(io.BytesIO(content), "a.csv")
    assert row.cells["question"] == "Где приём?"
    assert records.plan([row])[0].verdict == "take"


def test_a_number_met_twice_in_a_table_is_refused_the_second_time(ekc):
    content = b"".join(sheets.csv_lines([TITLES, GOOD, GOOD]))
    first, second = records.plan(records.read(io.BytesIO(content), "a.csv"))
    assert (first.verdict, second.verdict) == ("take", "refuse")
    assert "уже встретился в строке 2" in second.why[0]


# ---------- by operators ----------


def typed(client: Client, **changes: str) -> dict[str, str]:
    key = client.get(at("ekc")).context["form"].initial["key"]
    return {"question": "Как продлить аренду?", "outcome": "answered", "key": str(key), **changes}


def test_an_operator_writes_a_record_once_and_sees_his_own_only(operator, colleague):
    client, other = desk(operator), desk(colleague)
    sent = typed(client, answered="refused", number=NUMBER)
    assert client.post(at("ekc"), sent).status_code == 302
    assert client.post(at("ekc"), sent).status_code == 302
    row = Consultation.objects.get()
    assert (row.by, row.asked, row.operator) == (operator, "refused", operator.short_name)
    assert "Как продлить аренду?" in client.get(at("ekc")).content.decode()
    assert client.get(at("ekc_record", row.pk)).status_code == 200
    assert "Как продлить аренду?" not in other.get(at("ekc")).content.decode()
    assert other.get(at("ekc_record", row.pk)).status_code == 404


def test_a_record_without_a_question_or_with_half_an_answer_is_refused_and_stays_typed(operator):
    client = desk(operator)
    page = client.post(at("ekc"), typed(client, question="", answer="Рассказали"))
    assert page.status_code == 422
    assert "Напишите, о чём спросили" in page.content.decode()
    assert "Рассказали" in page.content.decode()
    page = client.post(at("ekc"), typed(client, answered="yes"))
    assert "указывают вместе" in page.content.decode()
    assert not Consultation.objects.exists()


def test_an_operator_may_bring_a_table_and_the_records_are_his(operator):
    client = desk(operator)
    page = client.post(at("ekc_upload"), {"sheet": table(GOOD)})
    assert client.post(at("ekc_upload"), {"read": page.context["read"]}).headers["Location"] == at("ekc")
    assert records.own(operator).count() == 1


def test_search_of_operators_asks_published_materials_only(operator, monkeypatch):
    asked, nothing = [], reading_aloud.Answers()
    monkeypatch.setattr(reading_aloud, "search", lambda query, **how: asked.append((query, how)) or nothing)
    desk(operator).post(at("ekc_search"), {"q": "аренда  участка"}, headers={"HX-Request": "true"})
    assert asked == [("аренда участка", {"typing": True})]  # without a user: only what is on the site
    assert desk(operator).post(at("ekc_search"), {"q": "аренда"}).status_code == 200


# ---------- what the department does with them ----------


def test_a_topic_is_proposed_and_confirmed_by_a_clerk(world, operator):
    row = records.take(given(), source="api", by=operator).consultation
    later = records.take(given(external_id="119", question="Где мой договор?"), source="api", by=operator).consultation
    client = desk(world.clerk)
    assert "Как продлить аренду участка?" in client.get(at("ekc_untopiced")).content.decode()
    page = client.get(at("ekc_classify", row.pk))
    assert "Предложено по тексту" in page.content.decode()
    assert AccessEntry.objects.filter(action="consultation.seen", data__consultation=row.pk).exists()
    topic, need = world.pair()
    empty = client.post(at("ekc_classify", row.pk), {"topic": "", "need": ""})
    assert empty.status_code == 422
    done = client.post(at("ekc_classify", row.pk), {"topic": str(topic), "need": need.pk})
    assert done.headers["Location"] == at("ekc_classify", later.pk)
    row.refresh_from_db()
    assert (row.topic, row.need) == (topic, need)
    assert list(records.untopiced()) == [later]
    assert JournalEntry.objects.get(action="ekc.classified").actor == world.clerk
    assert desk(operator).get(at("ekc_untopiced")).status_code == 403


def test_what_was_said_is_found_in_the_index_of_consultations(operator):
    row = records.take(given(question="Как узаконить гараж?"), source="api", by=operator).consultation
    assert engine.keys(consultations.INDEX, "гараж", scopes=["all"]) == [str(row.pk)]
    assert engine.keys(consultations.INDEX, "гараж", scopes=["person:0"]) == []


def test_numbers_are_masked_in_lists(world, operator):
    records.take(given(question=f"Перезвоните на {NUMBER}", number=NUMBER), source="api", by=operator)
    assert "000-00-01" not in desk(world.clerk).get(at("ekc_untopiced")).content.decode()


def talked(line, by, *, number=NUMBER) -> Consultation:
    now = timezone.now()
    return Consultation.objects.create(line=line, by=by, opened_at=now, number=number, number_key=phone_key(number))


def test_a_consultant_notes_once_that_the_ekc_has_put_the_caller_through(line, consultant):
    row = talked(line, consultant)
    for _ in range(2):
        answer = desk(consultant).post(at("call_act", row.pk, "from-ekc"), headers={"HX-Request": "true"})
        assert "соединил оператор ЕКЦ" in answer.content.decode()
    assert [(one.where, one.result) for one in row.transfers.all()] == [("from_ekc", "taken")]
    assert "110" in desk(consultant).get(at("call", row.pk)).content.decode()


def test_both_sides_of_a_handing_over_stand_in_one_row(world, line, operator, consultant):
    there = talked(line, consultant)
    Transfer.objects.create(consultation=there, where="ekc", why="Не наш вопрос", result="taken")
    lost = talked(line, consultant, number="+7 913 000-00-02")
    Transfer.objects.create(consultation=lost, where="ekc", why="Не наш вопрос")
    back = talked(line, consultant, number="+7 913 000-00-03")
    Transfer.objects.create(consultation=back, where="from_ekc", why="Соединил ЕКЦ")
    records.take(given(external_id="1", number=NUMBER), source="api", by=operator)
    before = timezone.now() - timedelta(minutes=5)
    sent = {"outcome": "transferred", "at": before}
    records.take(given(external_id="2", number="8 913 000 00 03", **sent), source="api", by=operator)
    records.take(given(external_id="3", number="8 913 000 00 04", **sent), source="api", by=operator)
    today = timezone.localdate()
    rows = records.handed(today - timedelta(days=1), today)
    assert {(row.to_us, row.ours and row.ours.pk, row.theirs and row.theirs.external_id) for row in rows} == {
        (False, there.pk, "1"),
        (False, lost.pk, None),
        (True, back.pk, "2"),
        (True, None, "3"),
    }
    page = desk(world.clerk).get(at("ekc_handed")).content.decode()
    assert "нет у ЕКЦ" in page
    assert "нет у нас" in page
    assert "000-00-02" not in page
    assert desk(operator).get(at("ekc_handed")).status_code == 403
