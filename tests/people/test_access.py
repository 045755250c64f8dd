"""Personal data: hidden in lists, opened by those who may, with a reason and a line in the access log."""

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from otklik.core import journal, masking
from otklik.core.models import AccessEntry
from otklik.people import access, applicants
from otklik.people.applicants import Typed
from otklik.people.declension import Name
from otklik.people.models import Applicant, Employee, RoleAssignment

IVANOVA = Typed(
    last_name="Иванова",
    first_name="Мария",
    patronymic="Петровна",
    email="m.ivanova@mail.example",
    phone="8 913 900-00-01",
    address="630000, г. Новосибирск, ул. Примерная, д. 5",
)


@pytest.fixture
def applicant(db):
    return applicants.create(IVANOVA, by=None)


def employee(role):
    made = Employee.objects.create_user(role)
    RoleAssignment.objects.create(employee=made, role_id=role, valid_from=timezone.localdate())
    return made


def test_a_list_shows_enough_to_recognise_and_no_more(applicant):
    shown = access.masked(applicant)
    assert shown == access.Masked("Ив••• М. П.", "m•••@mail.example", "+7 ••• 01", "г. Новосибирск, •••")
    assert not AccessEntry.objects.exists()


def test_a_list_of_prefetched_applicants_costs_no_queries(applicant, django_assert_num_queries):
    [read] = Applicant.objects.prefetch_related("contacts")
    with django_assert_num_queries(0):
        access.masked(read)


def test_an_organisation_is_not_hidden(db):
    firm = applicants.create(Typed(kind="organisation", organisation="ООО «Ромашка»"), by=None)
    assert access.masked(firm).name == "ООО «Ромашка»"
    assert access.letter_name(firm).dative == "ООО «Ромашка»"
    assert access.letter_name(firm).greeting == "Здравствуйте!"


def test_a_look_is_written_down_with_its_reason_and_without_the_data(applicant):
    clerk = employee("clerk")
    seen = access.reveal(applicant, by=clerk, reason="уточнить адрес", about="appeal:7")
    assert (seen.name, seen.email, seen.address) == ("Иванова Мария Петровна", IVANOVA.email, IVANOVA.address)
    entry = AccessEntry.objects.get()
    assert (entry.actor, entry.action) == (clerk, "applicant.revealed")
    assert entry.data == {"applicant": applicant.pk, "reason": "уточнить адрес", "about": "appeal:7"}
    assert journal.verify() == []


def test_without_a_reason_or_the_power_nothing_is_shown_and_nothing_written(applicant):
    with pytest.raises(access.ReasonNeeded):
        access.reveal(applicant, by=employee("clerk"), reason="  ")
    for role in ("auditor", "admin", "kb_author"):
        with pytest.raises(PermissionDenied):
            access.reveal(applicant, by=employee(role), reason="любопытно")
    assert not AccessEntry.objects.exists()


@pytest.mark.parametrize("value", ["", "a", "@", "12", "1234567", "x@y", "   ", "Ю", "ул. Ленина"])
def test_masks_bear_anything_and_never_show_it_whole(value):
    for mask in (masking.email, masking.phone, masking.person, masking.address):
        assert not value.strip() or value.strip() != mask(value)


@pytest.mark.parametrize(
    ("name", "dative", "greeting"),
    [
        (("Иванова", "Мария", "Петровна"), "Ивановой М. П.", "Уважаемая Мария Петровна!"),
        (("Петров", "Олег", "Иванович"), "Петрову О. И.", "Уважаемый Олег Иванович!"),
        (("Сидоренко", "Анна", "Ивановна"), "Сидоренко А. И.", "Уважаемая Анна Ивановна!"),
        (("Шевчук", "Иван", "Ильич"), "Шевчуку И. И.", "Уважаемый Иван Ильич!"),
        (("Шевчук", "Анна", "Ильинична"), "Шевчук А. И.", "Уважаемая Анна Ильинична!"),
        (("Петрова-Водкина", "Ольга", "Кузьминична"), "Петровой-Водкиной О. К.", "Уважаемая Ольга Кузьминична!"),
        (("Достоевский", "Фёдор", "Михайлович"), "Достоевскому Ф. М.", "Уважаемый Фёдор Михайлович!"),
        (("Ким", "Саша", ""), "Ким С.", "Здравствуйте, Саша!"),
        (("Абырвалг", "Ъ", ""), "Абырвалг Ъ.", "Здравствуйте!"),
        (("Иванов", "И.", "И."), "Иванов И. И.", "Здравствуйте!"),
        (("", "", ""), "", "Здравствуйте!"),
    ],
)
def test_names_in_letters_are_declined_and_in_doubt_left_as_they_are(name, dative, greeting):
    assert (Name(*name).dative(), Name(*name).greeting()) == (dative, greeting)
