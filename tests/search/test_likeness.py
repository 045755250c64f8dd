"""Texts that repeat one another, texts that tell of one thing: found whatever their order, endings and stories."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from otklik.search import likeness

REPEAT = """
    Прошу продлить договор аренды земельного участка под гаражом на новый срок. Участок стоит на улице у реки, гараж
    построен отцом ещё до войны. Платежи вношу вовремя, квитанции сохранились. Ответ пришлите почтой.
"""
# Letters on matters no material knows, each with a story of its own.
WELLS = {
    1: "Здравствуйте. На нашей улице обвалилась старая водонапорная башня, кирпичи падают на дорогу. Кто отвечает за "
    "водонапорную башню и когда её снесут? Дети ходят мимо в школу.",
    2: "Водонапорная башня у магазина накренилась после бури. Прошу сообщить, на чьём балансе башня и кто обязан её "
    "снести. Мы писали уже в сельсовет, ответа нет.",
    3: "Мой огород рядом с аварийной башней. Водонапорную башню не используют лет двадцать, снести её обещали давно. "
    "Чья она, если документов ни у кого нет?",
}
BEES = {
    4: "Держу пасеку, сорок ульев. Поле обработали ядом без предупреждения, пчёлы погибли. Кто возместит гибель пчёл?",
    5: "Прошу разобраться: арендатор поля опрыскал рапс, и у меня погибли пчёлы на всей пасеке. Предупреждать о "
    "обработке поля обязаны или нет? Куда жаловаться о возмещении?",
    6: "У соседей и у меня после обработки полей погибла пасека. Пчёлы лежат мёртвые у ульев. "
    "Нас никто не предупредил.",
}
BOATS = {
    11: "Весной у лодочной станции перекрыли шлагбаумом спуск к воде. Лодку на прицепе теперь не спустить. Законно ли?",
    12: "Рыбаки нашего посёлка просят убрать шлагбаум: к воде с лодкой не подъехать, до другого спуска тридцать вёрст.",
    13: "Кто разрешил турбазе поставить шлагбаум на дороге к реке? Раньше все спускали там лодки, теперь берут деньги.",
    14: "Прошу проверить, на каком основании закрыт проезд к берегу. У меня катер, спуск на воду был тут всегда.",
}
GRAVES = {
    15: "Хотим расширить ограду на кладбище и поставить памятник деду, смотритель требует паспорт "
    "захоронения. Где взять?",
    16: "Паспорт захоронения утерян при переезде. Без него на кладбище не дают хоронить бабушку рядом с мужем.",
    17: "На кладбище снесли старую ограду нашей семьи. Смотритель говорит, что захоронение бесхозное. "
    "Как оформить его?",
    18: "Могилу родителей перенесли без нас. Кто на кладбище отвечает за учёт захоронений и выдаёт на них документы?",
}
ALONE = {
    7: "Подскажите, можно ли оплатить госпошлину за внука через его личный кабинет, если карта моя?",
    8: "Когда достроят мост через овраг? Автобус делает круг в двенадцать километров, зимой ходим пешком по льду.",
    9: "Спасибо",
    10: "Спасибо",
}


def test_a_letter_sent_again_is_known_though_cut_shuffled_and_misspelt() -> None:
    chance = random.Random(7)
    sentences = [one.strip() for one in REPEAT.split(".") if one.strip()]
    again = ". ".join(chance.sample(sentences, 3)).replace("земельного", "земельнго")
    texts = likeness.Texts({"first": REPEAT, "again": again, **{str(key): text for key, text in WELLS.items()}})
    assert texts.repeated("first", "again") >= likeness.REPEATED
    assert all(texts.repeated("first", str(key)) < 0.1 for key in WELLS)


def test_what_makes_two_texts_alike_is_told_rare_words_first() -> None:
    texts = likeness.Texts({**WELLS, **BEES, **ALONE})
    assert set(texts.shared(1, 2, 3)) >= {"водонапорный", "башня"}
    assert texts.likeness(1, 2) > texts.likeness(1, 4)


def test_letters_about_one_thing_are_one_group_and_others_left_out() -> None:
    groups = likeness.Texts({**WELLS, **BEES, **ALONE}).groups()
    assert sorted(map(sorted, groups)) == [sorted(WELLS), sorted(BEES)]


def test_most_pairs_of_letters_about_one_thing_meet_and_few_others_do() -> None:
    matters = [WELLS, BEES, BOATS, GRAVES]
    texts = {key: text for matter in [*matters, ALONE] for key, text in matter.items()}
    true = {pair for matter in matters for pair in combinations(sorted(matter), 2)}
    met = {pair for group in likeness.Texts(texts).groups() for pair in combinations(sorted(group), 2)}
    right = len(true & met)
    assert right / len(true) >= 0.6  # recall
    assert right / len(met) >= 0.9  # precision: a wrong letter in a proposal costs more than one left out


def test_a_group_never_grows_beyond_its_bound() -> None:
    many = {number: f"{WELLS[1]} Письмо {number}" for number in range(25)} | {100 + key: BEES[key] for key in BEES}
    groups = likeness.Texts(many).groups(most=10)
    assert max(map(len, groups)) <= 10
    assert sum(map(len, groups)) >= 25


def test_common_words_of_a_group_are_those_most_of_it_has() -> None:
    assert "башня" in likeness.Texts({**WELLS, **BEES}).common(list(WELLS), 5)


@settings(max_examples=30)
@given(st.dictionaries(st.integers(0, 30), st.text(alphabet="абвг д", max_size=60), max_size=12))
def test_any_texts_are_parted_without_repeating_one(texts: dict[int, str]) -> None:
    groups = likeness.Texts(texts).groups()
    met = [key for group in groups for key in group]
    assert len(met) == len(set(met))
    assert set(met) <= set(texts)
