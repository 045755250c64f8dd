"""Texts that ask the same are one group, whatever their order and endings; others are none."""

from otklik.search import likeness


def test_letters_that_ask_the_same_are_found_and_others_left_out() -> None:
    texts = {
        1: "Прошу продлить договор аренды земельного участка под гаражом на новый срок",
        2: "Порубочный билет на участке соседей получить",
        3: "Продлите, пожалуйста, договор аренды земельных участков под гаражами на новый срок",
        4: "Прошу о продлении договора аренды земельного участка под гараж на новые сроки",
        5: "Спасибо",
        6: "Спасибо",
    }
    [group] = likeness.groups(texts)
    assert set(group) >= {1, 3}
    assert not {2, 5, 6} & set(group)
