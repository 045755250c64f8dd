"""Names and posts in their cases: declined where one can be sure, as typed and said so where one cannot."""

import pytest

from otklik.people import declension
from otklik.people.declension import CASES, Name


@pytest.mark.parametrize(
    ("name", "dative", "genitive", "instrumental"),
    [
        ("Иванов Иван Петрович", "Иванову Ивану Петровичу", "Иванова Ивана Петровича", "Ивановым Иваном Петровичем"),
        ("Ткачёва Айгуль Рашидовна", "Ткачёвой Айгуль Рашидовне", "Ткачёвой Айгуль Рашидовны", ""),
        ("Толстой Лев Николаевич", "Толстому Льву Николаевичу", "Толстого Льва Николаевича", ""),
        ("Рабинович Илья Львович", "Рабиновичу Илье Львовичу", "Рабиновича Ильи Львовича", ""),
        ("Рабинович Анна Львовна", "Рабинович Анне Львовне", "Рабинович Анны Львовны", ""),
        ("Салтыков-Щедрин Михаил Евграфович", "Салтыкову-Щедрину Михаилу Евграфовичу", "", ""),
        ("Черных Вера Ивановна", "Черных Вере Ивановне", "Черных Веры Ивановны", "Черных Верой Ивановной"),
        ("Сидоренко Никита Ильич", "Сидоренко Никите Ильичу", "Сидоренко Никиты Ильича", ""),
        ("Шварц Любовь Петровна", "Шварц Любови Петровне", "", ""),
        ("ИВАНОВА МАРИЯ ПЕТРОВНА", "ИВАНОВОЙ МАРИИ ПЕТРОВНЕ", "", ""),
        ("Гюго Виктор", "Гюго Виктору", "Гюго Виктора", ""),
    ],
)
def test_names_are_declined_in_every_case(name, dative, genitive, instrumental):
    person = Name(*name.split())
    for case, expected in (("datv", dative), ("gent", genitive), ("ablt", instrumental)):
        declined = person.whole(case)
        assert declined.sure
        assert not expected or declined.text == expected


@pytest.mark.parametrize(
    "name", ["Пак Олег Сергеевич", "Заяц Пётр Ильич", "Smith John", "Иванов Саша", "Лысый Иван Ильич", "Гарсиа Олег"]
)
def test_a_name_nobody_declines_surely_stays_as_typed_and_says_so(name):
    person = Name(*name.split())
    for case in set(CASES.values()) - {"nomn"}:
        assert (person.whole(case).text, person.whole(case).sure) == (name, False)
        assert (person.short(case).text.split()[0], person.short(case).sure) == (name.split()[0], False)
    assert person.whole("nomn") == declension.Declined(name)


@pytest.mark.parametrize(
    ("post", "dative", "accusative"),
    [
        ("начальник отдела", "начальнику отдела", "начальника отдела"),
        ("Первый заместитель министра", "Первому заместителю министра", "Первого заместителя министра"),
        ("ведущий специалист-эксперт", "ведущему специалисту-эксперту", "ведущего специалиста-эксперта"),
        ("главный специалист 1 разряда", "главному специалисту 1 разряда", "главного специалиста 1 разряда"),
        ("исполняющий обязанности директора", "исполняющему обязанности директора", ""),
        ("заведующая сектором", "заведующей сектором", "заведующую сектором"),
        ("бизнес-аналитик", "бизнес-аналитику", "бизнес-аналитика"),
        ("заместитель начальника – начальник сектора", "заместителю начальника – начальнику сектора", ""),
        ("и. о. начальника отдела", "и. о. начальника отдела", "и. о. начальника отдела"),
        ("отдел земельных отношений", "отделу земельных отношений", "отдел земельных отношений"),
    ],
)
def test_posts_and_units_are_declined(post, dative, accusative):
    said = declension.post(post)
    assert said("datv") == declension.Declined(dative)
    assert not accusative or said("accs") == declension.Declined(accusative)


def test_an_unknown_post_and_an_organisation_are_never_declined_silently():
    assert declension.post("бубубшка")("datv") == declension.Declined("бубубшка", sure=False)
    assert declension.organisation("ООО «Ромашка»")("datv") == declension.Declined("ООО «Ромашка»")
    assert not declension.organisation("Администрация города")("datv").sure
