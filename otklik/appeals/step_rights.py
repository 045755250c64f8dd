"""What each step of an appeal asks of a person, in words for the page «Кто что может».

The steps themselves ask (`steps.CHECKS`); a test walks roles, people and states and holds this table to their answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WRITERS: Final = "исполнитель, соисполнитель, начальник подразделения"


@dataclass(frozen=True)
class Asked:
    """One step: any of `powers` is needed; `whose` says which people or appeals it is narrowed to.

    `signer`: the official named under the answer may do it without these powers.
    """

    name: str
    powers: tuple[str, ...]
    whose: str = "любое обращение, которое видно"
    signer: bool = False


ASKED: Final[dict[str, Asked]] = {
    "propose": Asked("Предложить тему и потребность", ("appeals.propose",)),
    "classify": Asked(
        "Подтвердить тему и потребность",
        ("appeals.classify",),
        "сотрудники подразделения, которое классифицирует (п. 9.1 Порядка)",
    ),
    "assign": Asked(
        "Назначить исполнителя",
        ("appeals.assign",),
        "кто видит все обращения — любое; начальник — своего подразделения",
    ),
    "draft": Asked("Готовить ответ", ("appeals.draft",), _WRITERS),
    "reopen": Asked("Начать новый ответ", ("intake.decide", "appeals.draft"), f"делопроизводитель; {_WRITERS}"),
    "ask_approval": Asked("Передать на согласование", ("appeals.draft",), _WRITERS),
    "decide": Asked("Согласовать или вернуть", ("appeals.approve",), "кого попросили; не автор текста"),
    "freeze": Asked("Передать на подпись", ("appeals.dispatch", "appeals.draft"), f"кто отправляет ответы; {_WRITERS}"),
    "withdraw": Asked(
        "Отозвать с подписи",
        ("appeals.dispatch", "appeals.draft"),
        f"подписывающий; кто отправляет ответы; {_WRITERS}",
        signer=True,
    ),
    "sign": Asked(
        "Внести файл электронной подписи", ("appeals.attest",), "подписывающий; кто вносит подписи", signer=True
    ),
    "attest": Asked("Внести скан или номер в СЭД", ("appeals.attest",)),
    "approve_dispatch": Asked(
        "Согласовать отправку без подписи",
        ("appeals.sign", "appeals.approve"),
        "кому передано на подпись, где режим это допускает; не автор текста",
    ),
    "send": Asked("Отправить ответ", ("appeals.dispatch",)),
    "undo": Asked("Отменить отправку", ("appeals.dispatch",)),
    "close": Asked("Закрыть обращение", ("appeals.close",)),
    "extend": Asked(
        "Продлить срок",
        ("appeals.sign", "intake.decide"),
        "решает тот, кто подписывает ответы; вносит и делопроизводитель",
    ),
    "forward": Asked("Переслать по принадлежности", ("appeals.dispatch",), "ответ ещё не передан на согласование"),
    "control": Asked("Внести или снять контрольный срок", ("intake.decide",)),
    "change_regime": Asked("Изменить режим рассмотрения", ("intake.decide",), "ответ ещё не передан на подпись"),
    "invite": Asked(
        "Пригласить оценить", ("intake.decide", "appeals.draft"), f"делопроизводитель; {_WRITERS}; ответ отправлен"
    ),
    "keep": Asked("Отметить, что решение стоит сохранить", ("appeals.draft",), _WRITERS),
    "write_material": Asked(
        "Создать материал из ответа",
        ("knowledge.edit", "knowledge.manage"),
        "обращение, которое видно; раздел, который автор правит",
    ),
    "note": Asked("Написать внутреннюю заметку", ("appeals.note",)),
}
