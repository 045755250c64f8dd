"""Applicants: found by what is certain, offered where it is doubtful, merged and taken apart without a trace."""

from threading import Barrier, Thread

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.people import applicants
from otklik.people.applicants import Typed
from otklik.people.models import Applicant, ApplicantMerge, Contact, Employee

IVANOVA = Typed(
    last_name="Иванова",
    first_name="Мария",
    patronymic="Петровна",
    email="m.ivanova@mail.example",
    phone="+7 913 900-00-01",
    address="630000, г. Новосибирск, ул. Примерная, д. 5, кв. 1",
)


def ivanova(**changes):
    return Typed(**{**{name: getattr(IVANOVA, name) for name in IVANOVA.__dataclass_fields__}, **changes})


@pytest.fixture
def known(db):
    return applicants.create(IVANOVA, by=None)


@pytest.fixture
def clerk(db):
    return Employee.objects.create_user("clerk")


CERTAIN = {
    "the same again": IVANOVA,
    "e-mail in other letters": ivanova(email="M.Ivanova@MAIL.example", phone="", address=""),
    "telephone in another form": ivanova(email="", phone="8 (913) 900-00-01", address=""),
    "initials and the same e-mail": ivanova(first_name="М.", patronymic="П.", phone="", address=""),
    "exact name and address typed otherwise": ivanova(email="", phone="", address="Новосибирск, улица Примерная 5-1"),
    "no patronymic and the same telephone": ivanova(patronymic="", email="", address=""),
}
DOUBTFUL = {
    "the same e-mail, another surname": ivanova(last_name="Сидорова", phone="", address=""),
    "the same e-mail, no name": Typed(email=IVANOVA.email),
    "the same telephone, another first name": ivanova(first_name="Анна", email="", address=""),
    "the same name only": ivanova(email="", phone="", address=""),
    "the same name, another address": ivanova(email="", phone="", address="г. Бердск, ул. Другая, д. 1"),
}
STRANGERS = {
    "another person": Typed(last_name="Петров", first_name="Олег", email="o@mail.example"),
    "nothing typed": Typed(),
    "the same address only": Typed(last_name="Петров", first_name="Олег", address=IVANOVA.address),
}


@pytest.mark.parametrize("typed", CERTAIN.values(), ids=CERTAIN)
def test_what_is_certain_finds_the_known_one(known, typed):
    assert [(found.applicant, found.certain) for found in applicants.candidates(typed)] == [(known, True)]
    assert applicants.find_or_create(typed, by=None) == known
    assert Applicant.objects.count() == 1


@pytest.mark.parametrize("typed", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_is_doubtful_is_offered_with_a_reason_and_not_forced(known, typed):
    [offered] = applicants.candidates(typed)
    assert (offered.applicant, offered.certain) == (known, False)
    assert offered.why
    assert applicants.find_or_create(typed, by=None) != known


@pytest.mark.parametrize("typed", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_not_offered(known, typed):
    assert applicants.candidates(typed) == []


def test_an_organisation_is_known_by_its_name_not_by_a_persons(db):
    firm = Typed(kind="organisation", organisation="ООО «Ромашка»", email="info@firm.example")
    known = applicants.create(firm, by=None)
    again = Typed(kind="organisation", organisation="ООО Ромашка", email="INFO@firm.example")
    assert applicants.find_or_create(again, by=None) == known
    worker = Typed(last_name="Петров", first_name="Олег", email="info@firm.example")
    assert [found.certain for found in applicants.candidates(worker)] == [False]
    other = Typed(kind="organisation", organisation="ООО «Лютик»", inn="5400000000")
    applicants.create(other, by=None)
    same_inn = Typed(kind="organisation", organisation="Лютик", inn="5400000000")
    assert [(found.certain, found.why) for found in applicants.candidates(same_inn)] == [(False, "тот же ИНН")]


def test_new_contacts_of_a_known_one_are_added_once_and_what_is_known_stays(known):
    typed = ivanova(email="new@mail.example")
    for _ in range(2):
        assert applicants.find_or_create(typed, by=None) == known
    emails = Contact.objects.filter(applicant=known, kind="email").order_by("pk").values_list("value", flat=True)
    assert list(emails) == ["m.ivanova@mail.example", "new@mail.example"]
    assert JournalEntry.objects.filter(action="applicant.completed").count() == 1


def test_no_name_or_address_gets_into_the_journal(known, clerk):
    applicants.merge(known, applicants.create(ivanova(email="x@mail.example"), by=clerk), by=clerk)
    told = " ".join(f"{entry.action} {entry.data}" for entry in JournalEntry.objects.all())
    for secret in ("Иванова", "Мария", "mail.example", "913", "Примерная"):
        assert secret not in told


def test_a_merge_makes_two_one_and_is_taken_back_whole(known, clerk):
    other = applicants.create(ivanova(last_name="Петрова", email="other@mail.example", phone=""), by=clerk)
    before = list(Applicant.objects.order_by("pk").values()), list(Contact.objects.order_by("pk").values())
    done = applicants.merge(known, other, by=clerk)
    other.refresh_from_db()
    assert applicants.main(other) == known
    assert applicants.group(known) == {known.pk, other.pk}
    found = applicants.candidates(Typed(last_name="Петрова", first_name="Мария", email="other@mail.example"))
    assert [(one.applicant, one.certain) for one in found] == [(known, True)]
    applicants.undo_merge(done, by=clerk)
    assert before == (list(Applicant.objects.order_by("pk").values()), list(Contact.objects.order_by("pk").values()))
    assert JournalEntry.objects.filter(action__in=["applicant.merged", "applicant.merge_undone"]).count() == 4
    assert journal.verify() == []


def test_merging_one_with_himself_or_twice_is_refused_without_a_trace(known, clerk):
    other = applicants.create(ivanova(last_name="Петрова"), by=clerk)
    applicants.merge(known, other, by=clerk)
    for kept, merged in ((known, other), (other, known), (known, known)):
        with pytest.raises(applicants.SameApplicant):
            applicants.merge(kept, merged, by=clerk)
    assert ApplicantMerge.objects.count() == 1
    assert JournalEntry.objects.filter(action="applicant.merged").count() == 2


def test_an_undone_merge_is_not_undone_again_and_a_covered_one_waits(known, clerk):
    second, third = (applicants.create(ivanova(last_name=name), by=clerk) for name in ("Петрова", "Сидорова"))
    first_merge = applicants.merge(second, third, by=clerk)
    later = applicants.merge(known, second, by=clerk)
    with pytest.raises(applicants.MergeCovered):
        applicants.undo_merge(first_merge, by=clerk)
    first_merge.refresh_from_db()
    assert first_merge.undone_at is None
    applicants.undo_merge(later, by=clerk)
    applicants.undo_merge(first_merge, by=clerk)
    with pytest.raises(applicants.MergeUndone):
        applicants.undo_merge(first_merge, by=clerk)
    assert not Applicant.objects.filter(merged_into__isnull=False).exists()


words = st.text("абвгдеёжзАБВ -.«»'", max_size=12)


class Properties(TestCase):
    """What holds for any names, addresses and orders of merging."""

    @settings(max_examples=60)
    @given(words, words, words)
    def test_keys_do_not_depend_on_letters_case_signs_or_spaces(self, last, first, address):
        loud = Typed(last_name=f"  {last.upper()} ", first_name=first.replace("ё", "е"), address=f" {address.upper()}.")
        quiet = Typed(last_name=last, first_name=first, address=address)
        assert loud.name_key == quiet.name_key
        assert applicants.address_key(loud.address) == applicants.address_key(quiet.address)

    @settings(max_examples=100)
    @given(st.text(max_size=30))
    def test_any_text_at_all_can_be_typed_as_a_contact(self, text):
        for key in (applicants.email_key(text), applicants.phone_key(text), applicants.address_key(text)):
            assert key == key.strip()
        assert applicants.email_key(text) == "" or "@" in applicants.email_key(text)

    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=8))
    def test_any_merges_undone_in_reverse_leave_everybody_as_he_was(self, pairs):
        clerk = Employee.objects.create_user("clerk")
        people = [applicants.create(Typed(last_name=f"Номер{n}"), by=None) for n in range(5)]
        done = []
        for one, other in pairs:
            try:
                done.append(applicants.merge(people[one], people[other], by=clerk))
            except applicants.SameApplicant:
                continue
            roots = {applicants.main(person).pk for person in Applicant.objects.all()}
            assert len(roots) == len(people) - len(done)
        for merge in reversed(done):
            applicants.undo_merge(merge, by=clerk)
        assert not Applicant.objects.filter(merged_into__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_enter_the_same_applicant_at_once_make_one():
    start, failures, got = Barrier(4), [], []

    def enter():
        try:
            start.wait()
            got.append(applicants.find_or_create(IVANOVA, by=None).pk)
        except Exception as exc:
            failures.append(exc)
        finally:
            connection.close()

    threads = [Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(got)) == 1
    assert Applicant.objects.count() == 1
    assert Contact.objects.count() == 3
