"""What people may do: each power once, with its Russian name; the starting table of roles.

Rows of `RolePower` decide at run time (dictionaries with dates); `STARTING_ROLES` only fills them
(`otklik load-defaults`).
"""

from __future__ import annotations

from typing import Final

POWERS: Final[dict[str, str]] = {
    "intake.view": "видеть входящие сообщения",
    "intake.decide": "регистрировать, присоединять и отклонять входящие",
    "appeals.view_all": "видеть все обращения",
    "appeals.view_unit": "видеть обращения своего подразделения",
    "appeals.view_own": "видеть свои обращения",
    "appeals.note": "писать внутренние заметки",
    "appeals.propose": "предлагать тему и потребность",
    "appeals.classify": "подтверждать тему и потребность",
    "appeals.assign": "назначать исполнителя",
    "appeals.draft": "готовить ответ",
    "appeals.approve": "согласовывать ответ",
    "appeals.sign": "подписывать ответ",
    "appeals.attest": "вносить сведения о подписи и заверять скан",
    "appeals.dispatch": "отправлять ответ",
    "appeals.close": "закрывать обращение",
    "applicants.view": "открывать персональные данные заявителя",
    "applicants.merge": "объединять заявителей",
    "knowledge.read": "читать Базу знаний",
    "knowledge.edit": "править материалы своего подразделения",
    "knowledge.agree": "согласовывать материалы своего подразделения и нижестоящих, выпускать материалы своего на сайт",
    "knowledge.manage": "править всю Базу знаний",
    "knowledge.review": "проверять материалы своего подразделения и нижестоящих",
    "knowledge.oversee": "видеть актуализацию Базы знаний во всех подразделениях",
    "knowledge.law": "вносить изменения законодательства и закрывать их недели",
    "knowledge.words": "вести словарь поиска и то, чему поиск выучился",
    "hotline.consult": "консультировать по телефону",
    "hotline.missed": "вести журнал пропущенных звонков",
    "hotline.figures": "видеть показатели линии и консультантов",
    "hotline.ekc": "вести записи ЕКЦ и видеть опубликованные материалы",
    "reception.schedule": "вести расписание личного приёма, полномочия и помещения",
    "reception.book": "записывать на личный приём",
    "reception.desk": "встречать на личном приёме: сверка документа, согласия, помещение",
    "reception.hold": "вести личный приём",
    "reception.decide": "решать, кто подпишет ответ с личного приёма вместо ведшего его",
    "reception.recordings": "прикладывать и открывать записи приёмов",
    "reception.figures": "видеть показатели личного приёма",
    "surveys.edit": "составлять анкеты и плакаты с QR-кодом",
    "surveys.paper": "вводить бумажные анкеты",
    "surveys.read": "читать отзывы и разбирать их",
    "calendar.edit": "править календарь и сроки",
    "people.manage": "вести сотрудников, роли и замещения",
    "dictionaries.edit": "вести справочники",
    "journal.view": "смотреть журнал и журнал доступа",
    "system.view": "смотреть состояние системы",
    "channels.connect": "подключать каналы и вести точки взаимодействия",
}

# Whoever may do one of these signs in to a working system with a second factor.
NEED_SECOND_FACTOR: Final = ("people.manage", "appeals.sign")

# Given to people of other organisations: whoever may do nothing else sees nothing else of the workplace.
OF_GUESTS: Final = frozenset({"hotline.ekc"})

_READS = ["knowledge.read"]

STARTING_ROLES: Final[dict[str, tuple[str, list[str]]]] = {
    "clerk": (
        "делопроизводитель",
        [
            *_READS,
            "intake.view",
            "intake.decide",
            "appeals.view_all",
            "appeals.note",
            "appeals.propose",
            "appeals.classify",
            "appeals.assign",
            "appeals.attest",
            "appeals.dispatch",
            "appeals.close",
            "applicants.view",
            "applicants.merge",
            "hotline.missed",
            "hotline.figures",
            "reception.schedule",
            "reception.book",
            "reception.figures",
            "surveys.edit",
            "surveys.paper",
            "surveys.read",
            "calendar.edit",
            "dictionaries.edit",
        ],
    ),
    "executor": (
        "исполнитель",
        [*_READS, "appeals.view_own", "appeals.note", "appeals.propose", "appeals.draft", "applicants.view"],
    ),
    "head": (
        "начальник подразделения",
        [
            *_READS,
            "appeals.view_unit",
            "appeals.note",
            "appeals.propose",
            "appeals.assign",
            "appeals.draft",
            "appeals.approve",
            "applicants.view",
            "knowledge.agree",
            "knowledge.review",
            "hotline.figures",
            "reception.hold",
            "surveys.read",
        ],
    ),
    "signer": (
        "подписывающее должностное лицо",
        [
            *_READS,
            "appeals.view_all",
            "appeals.note",
            "appeals.approve",
            "appeals.sign",
            "applicants.view",
            "knowledge.oversee",
            "reception.hold",
            "reception.decide",
            "reception.figures",
        ],
    ),
    "kb_author": ("автор Базы знаний", [*_READS, "knowledge.edit"]),
    "kb_chief": (
        "главный редактор Базы знаний",
        [*_READS, "knowledge.edit", "knowledge.manage", "knowledge.law", "knowledge.words"],
    ),
    "lawyer": ("юрист: изменения законодательства", [*_READS, "knowledge.law"]),
    "consultant": (
        "телефонный консультант",
        [*_READS, "intake.view", "applicants.view", "hotline.consult", "hotline.missed", "reception.book"],
    ),
    "ekc_operator": ("оператор ЕКЦ", ["hotline.ekc"]),
    "receptionist": (
        "секретарь приёмной",
        [
            *_READS,
            "intake.view",
            "applicants.view",
            "reception.schedule",
            "reception.book",
            "reception.desk",
            "reception.recordings",
            "reception.figures",
        ],
    ),
    "admin": (
        "администратор",
        [
            *_READS,
            "people.manage",
            "dictionaries.edit",
            "calendar.edit",
            "journal.view",
            "knowledge.manage",
            "system.view",
            "channels.connect",
        ],
    ),
    "auditor": ("аудитор (только чтение)", [*_READS, "intake.view", "appeals.view_all", "journal.view"]),
}
