"""What goes in and out, field by field: the OpenAPI description is drawn from here."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from django.conf import settings
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from otklik.appeals.models import Appeal
from otklik.channels.handover import handed
from otklik.core.typed import FIRST_YEAR, LAST_YEAR
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.knowledge.models import Mark
from otklik.people.models import Applicant

MOST_ID: Final = 10**18 - 1
DATES: Final = "нужна дата вида 2026-11-24, у времени — с часовым поясом"
Channel: TypeAlias = ChannelCode
MessageState: TypeAlias = IncomingMessage.State
AppealStatus: TypeAlias = Appeal.Status
ApplicantKind: TypeAlias = Applicant.Kind
MaterialMark: TypeAlias = Mark
AnswerChannel = Literal["email", "post", "hotline"]


def _in_our_time(given: date) -> date:
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ValueError(f"год — от {FIRST_YEAR} до {LAST_YEAR}")
    return given


def _nearest(given: date) -> date:
    """Return a day of a list's filter that a database can compare: there is nothing beyond the years we count with."""
    return min(max(given, date(FIRST_YEAR, 1, 1)), date(LAST_YEAR, 12, 31))


def _storable(given: str) -> str:
    if "\x00" in given or any("\ud800" <= sign <= "\udfff" for sign in given):
        raise ValueError("есть знаки, которых не хранит база данных")
    return given


def _written(given: str) -> str:
    if not given.strip():
        raise ValueError("нужно указать")
    return given


def _base64(given: str) -> str:
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("содержимое файла должно быть в base64") from None
    return given


def _as_written(given: Any) -> Any:
    """Let pass dates as text only: a number of seconds is a slip of a program."""
    if not isinstance(given, str) or not re.match(r"\d{4}-\d\d-\d\d", given):
        raise ValueError(DATES)
    return given


def _whole(given: Any) -> Any:
    """Let pass whole numbers only, not true, nor text that looks like one."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("нужно целое число")
    return given


# The patterns are for the description; the validators say the same in words.
Text = Annotated[str, AfterValidator(_storable), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]
Said = Annotated[
    str,
    AfterValidator(_storable),
    AfterValidator(_written),
    Field(json_schema_extra={"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$", "minLength": 1}),
]
Day = Annotated[date, BeforeValidator(_as_written), AfterValidator(_nearest)]
GivenDay = Annotated[date, BeforeValidator(_as_written), AfterValidator(_in_our_time)]
Moment = Annotated[AwareDatetime, BeforeValidator(_as_written), AfterValidator(_in_our_time)]
Whole = Annotated[int, BeforeValidator(_whole)]


class Given(BaseModel):
    """What a program sends: an unknown field is a mistake, not a silence."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Отказ по RFC 9457: что случилось и что делать."""

    class Wrong(BaseModel):
        """Одна ошибка в запросе."""

        where: str = Field(description="Поле.")
        what: str = Field(description="Что не так.")

    type: str = Field(description="Вид отказа, один и тот же для одного кода.", examples=["urn:otklik:problem:404"])
    title: str = Field(description="Кратко.")
    status: int = Field(description="Код HTTP.")
    detail: str = Field(description="Что случилось и что делать, словами для человека.")
    code: str = Field(description="Код для программы.", examples=["registration.incomplete"])
    errors: list[Wrong] = Field(default=[], description="Какие поля неверны.")


# ---------- keys ----------


class KeyInfo(BaseModel):
    """Ключ, с которым пришёл запрос."""

    id: int
    name: str = Field(description="Что подключено.")
    owner: str = Field(description="От чьего имени действует ключ.")
    scopes: list[str] = Field(description="Что разрешено.")
    valid_from: date
    valid_to: date


# ---------- messages ----------


class GivenApplicant(Given):
    """Кто обращается; любое поле может отсутствовать."""

    kind: ApplicantKind = Field(ApplicantKind.PERSON, description="Кто это.")
    last_name: Text = Field("", max_length=150, examples=["Примерова"])
    first_name: Text = Field("", max_length=150, examples=["Анна"])
    patronymic: Text = Field("", max_length=150)
    organisation: Text = Field("", max_length=300)
    inn: Text = Field("", pattern=r"^(\d{10}|\d{12})?$", description="ИНН: 10 или 12 цифр.")
    email: Text = Field("", max_length=254, examples=["anna@citizen.example"])
    phone: Text = Field("", max_length=40, examples=["+7 383 000-00-00"])
    address: Text = Field("", max_length=500)


class GivenAnswer(Given):
    """Как заявитель просит ответить."""

    channel: AnswerChannel = Field(description="email, post или hotline (по телефону).")
    address: Said = Field(max_length=320, description="Адрес или телефон.", examples=["anna@citizen.example"])


class GivenFile(Given):
    """Файл, приложенный к сообщению."""

    name: Said = Field(max_length=200, examples=["заявление.pdf"])
    content: Annotated[str, AfterValidator(_base64)] = Field(
        min_length=4,
        description="Содержимое в base64. Программы, пустые и запароленные файлы не принимаются.",
        json_schema_extra={"contentEncoding": "base64"},
        examples=["0J/RgNC40LzQtdGA"],
    )
    content_type: Text = Field("", max_length=100, description="Вид; проверяется по содержанию.")


class GivenMessage(Given):
    """Сообщение, поступившее в другую систему."""

    channel: handed.Handed = Field(description="Канал, по которому сообщение поступило в другую систему.")
    external_id: Annotated[Text, Field(pattern=r"^[!-~]+$")] = Field(
        min_length=1,
        max_length=200,
        description=(
            "Номер сообщения в другой системе. Повтор с тем же номером и содержанием узнаётся; "
            "тот же номер с другим содержанием — другое сообщение."
        ),
        examples=["GP-2026-118"],
    )
    text: Said = Field(max_length=200_000, description="Текст, как его написали.", examples=["Как узнать номер дома?"])
    subject: Text = Field("", max_length=500, examples=["Номер дома"])
    applicant: GivenApplicant | None = None
    answer: GivenAnswer | None = None
    identified: StrictBool = Field(False, description="Другая система проверила личность (ЕСИА).")
    received_at: Moment | None = Field(
        None,
        description="Когда сообщение поступило в другую систему, не в будущем; нет — сейчас.",
        examples=["2026-11-24T09:30:00+07:00"],
    )
    contact_point: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = Field(
        "", max_length=60, description="Код точки взаимодействия этого канала.", examples=["governor"]
    )
    files: list[GivenFile] = Field([], max_length=settings.UPLOAD_MAX_FILES, description="Не больше 10 МБ все вместе.")


class HandedMessage(BaseModel):
    """Переданное сообщение: что с ним стало."""

    id: int
    external_id: str
    channel: Channel
    received_at: datetime
    state: MessageState = Field(description="stored → new → registered, joined или rejected; quarantined — разбирают.")
    state_name: str = Field(description="Состояние по-русски.")
    reject_reason: str = Field(description="Почему отклонено.")
    appeal: str | None = Field(description="Номер обращения, когда сообщение зарегистрировано или присоединено.")
    appeal_status: AppealStatus | None = Field(description="Состояние обращения.")
    answered_on: date | None = Field(description="Когда отправлен ответ.")


class MessageRow(BaseModel):
    """Строка списка сообщений; имена и адреса скрыты."""

    id: int
    channel: Channel
    contact_point: str | None
    received_at: datetime
    state: MessageState
    subject: str
    sender: str = Field(description="Скрыто: «Ив••• М. П.».", examples=["Пр••• А."])
    appeal: int | None = Field(description="Обращение, которому сообщение принадлежит.")


class File(BaseModel):
    """Файл; содержимое — по адресу `url`."""

    id: int
    name: str
    size: int = Field(description="Байт.")
    content_type: str
    sha256: str
    url: str


class Message(MessageRow):
    """Сообщение целиком. Открытие записывается в журнал доступа."""

    text: str
    sender_address: str = Field(description="Скрыто, пока не попросили personal=true.")
    match: str = Field(description="Ответ ли это в переписке.")
    problem: str = Field(description="Почему сообщение в карантине.")
    files: list[File]


class Messages(BaseModel):
    """Страница сообщений, новые сверху."""

    items: list[MessageRow]
    next: str | None = Field(description="cursor следующей страницы; null — это последняя.")


# ---------- appeals ----------


class Named(BaseModel):
    """Строка справочника."""

    code: str
    name: str


class Row(BaseModel):
    """Подразделение или сотрудник."""

    id: int
    name: str


class AppealRow(BaseModel):
    """Строка списка обращений; заявитель скрыт."""

    id: int
    number: str
    subject: str
    status: AppealStatus
    status_name: str
    regime: str = Field(description="Код режима рассмотрения.", examples=["59fz"])
    channel: Channel
    received_on: date
    registered_on: date
    due_on: date | None = Field(description="Ответить до этого дня включительно.")
    answered_on: date | None
    closed_on: date | None
    unit: Row | None
    executor: Row | None
    applicant: str = Field(description="Скрыто: «Ив••• М. П.»; название организации не скрывается.")
    unseen_reply: bool = Field(description="Заявитель написал ещё.")


class ShownApplicant(BaseModel):
    """Заявитель: скрыт, пока не попросили personal=true."""

    id: int
    kind: ApplicantKind
    name: str
    email: str
    phone: str
    address: str
    personal: bool = Field(description="Показан полностью; это записано в журнал доступа.")


class Question(BaseModel):
    """Вопрос обращения."""

    topic: Named
    need: Named
    confirmed: bool = Field(description="Подтверждено регистрирующим подразделением.")


class AppealMessageRow(BaseModel):
    """Сообщение обращения."""

    id: int
    received_at: datetime
    first: bool = Field(description="С него обращение началось.")


class ShownAppeal(AppealRow):
    """Обращение целиком. Открытие записывается в журнал доступа."""

    applicant: ShownApplicant  # type: ignore[assignment]
    contact_point: Named
    written: bool
    needs_answer: bool
    answer_channel: Channel
    answer_address: str = Field(description="Скрыто, пока не попросили personal=true.")
    internal_due_on: date | None
    close_reason: str
    questions: list[Question]
    messages: list[AppealMessageRow]


class Appeals(BaseModel):
    """Страница обращений, новые сверху."""

    items: list[AppealRow]
    next: str | None = Field(description="cursor следующей страницы; null — это последняя.")


class GivenAppeal(Given):
    """Регистрация сообщения. Чего нет, берётся из предложенного системой, как на странице регистрации."""

    message: Whole = Field(ge=1, le=MOST_ID, description="Сообщение в состоянии new.")
    regime: str | None = Field(None, max_length=40, description="Код режима рассмотрения.", examples=["59fz"])
    contact_point: str | None = Field(None, max_length=60, description="Код точки взаимодействия.")
    subject: Said | None = Field(None, max_length=300, description="Краткое содержание.")
    needs_answer: StrictBool | None = Field(None, description="Нужен ли ответ по существу.")
    written: StrictBool | None = None
    received_on: GivenDay | None = None
    applicant: GivenApplicant | None = None
    answer: GivenAnswer | None = None
    sed_number: Text | None = Field(None, max_length=60, description="Номер из СЭД вместо нашего.")


class Query(Given):
    """Что искать. Передаётся в теле, чтобы слова не оставались в адресах и журналах."""

    q: Said = Field(max_length=200, description="Слова или номер.", examples=["аренда участка под гаражом"])
    limit: Whole = Field(10, ge=1, le=50)


class FoundAppeal(BaseModel):
    """Найденное обращение."""

    appeal: AppealRow
    snippet: str = Field(description="Место в тексте.")
    why: list[str] = Field(description="Почему найдено, словами.")


class FoundAppeals(BaseModel):
    """Найденные обращения, лучшие сверху."""

    items: list[FoundAppeal]


# ---------- materials ----------


class MaterialRow(BaseModel):
    """Материал Базы знаний в списке."""

    id: int
    title: str
    kind: str = Field(description="Вид материала.", examples=["вопрос и ответ"])
    mark: MaterialMark = Field(description="internal — не для внешних; for_answers — текст для ответа; public.")
    section: str
    unit: str = Field(description="Ответственное подразделение.")
    published_on: date | None


class Material(MaterialRow):
    """Материал с текстом."""

    brief: str = Field(description="Кратко.")
    text: str = Field(description="Полный текст без разметки.")
    checked_on: date | None = Field(description="Когда подразделение unit проверило его последний раз; null — не было.")
    url: str | None = Field(description="Страница на сайте; есть только у публичных.")


class Materials(BaseModel):
    """Страница материалов."""

    items: list[MaterialRow]
    next: str | None


class FigureRow(BaseModel):
    """Показатель одного обещания."""

    code: str
    clause: str
    text: str
    number: int | None


class Figures(BaseModel):
    """Показатели на день."""

    on: date
    items: list[FigureRow]


class MeasureRow(BaseModel):
    """Показатель департамента за период."""

    code: str
    group: str
    title: str
    formula: str
    kind: str = Field(description="share — проценты, days — дни, minutes — минуты, score — балл, count — число.")
    value: float | None = Field(description="Пусто: сказать нечего или случаев меньше десяти.")
    part: int
    whole: int
    before: float | None = Field(description="Значение за период до, такой же длины.")
    target: float | None
    reached: bool | None
    suppressed: bool = Field(description="Доля не сообщается: случаев меньше десяти.")


class Measures(BaseModel):
    """Показатели департамента за период."""

    first: date
    last: date
    fresh_at: datetime | None = Field(description="На какое время посчитаны обращения.")
    items: list[MeasureRow]


class FoundMaterial(MaterialRow):
    """Найденный материал."""

    snippet: str
    why: list[str] = Field(description="Почему найден, словами.", examples=[["исправлена опечатка: «гарож» → «гараж»"]])


class FoundMaterials(BaseModel):
    """Найденные материалы, лучшие сверху."""

    items: list[FoundMaterial]
    confidence: float = Field(ge=0, le=1, description="Насколько вероятно, что лучший из них отвечает на запрос.")
    sure: bool = Field(description="false — уверенного ответа нет: найденное — лишь ближайшее.")
    read_as: str = Field(description="Запрос, как он понят после исправлений; пусто, если понят как есть.")


# ---------- the telephone line ----------


class LineNow(BaseModel):
    """Телефонная линия: отвечают ли сейчас."""

    code: str = Field(examples=["ekc"])
    name: str
    phones: list[str] = Field(examples=[["110"]])
    ours: bool = Field(description="Отвечают консультанты департамента; false — другая организация.")
    is_open: bool = Field(description="Отвечают сейчас.")
    changes_at: datetime | None = Field(description="Когда закроется или откроется; null — дальше, чем известно.")
    words: str = Field(description="То же словами.", examples=["открыта до 18:00"])


class Lines(BaseModel):
    """Линии, действующие сегодня."""

    at: datetime = Field(description="На какой момент.")
    items: list[LineNow]


class TwoAnswers(Given):
    """Ответы на два вопроса п. 27.3: оба вместе."""

    answered: Literal["yes", "no"] = Field(description="Получен ли ответ на Ваш вопрос?")
    quality: Literal["satisfied", "partial", "unsatisfied"] = Field(description="Качество работы консультанта.")


class GivenConsultation(Given):
    """Консультация, данная ЕКЦ."""

    external_id: Annotated[Text, Field(pattern=r"^[!-~]+$")] = Field(
        min_length=1,
        max_length=120,
        description="Номер записи у ЕКЦ. Повтор с тем же номером узнаётся; с другим содержанием — отказ 409.",
        examples=["EKC-2026-118"],
    )
    at: Moment = Field(description="Когда началась, не в будущем.", examples=["2026-11-24T10:15:00+07:00"])
    question: Said = Field(max_length=20_000, description="О чём спросили.", examples=["В чьей собственности участок?"])
    answer: Text = Field("", max_length=20_000, description="Что ответили.")
    number: Text = Field("", max_length=40, description="Телефон звонившего; пусто — скрыт.")
    caller: Text = Field("", max_length=200, description="Как к нему обращались.")
    operator: Text = Field("", max_length=120, description="Кто отвечал: имя или номер.")
    seconds: Whole = Field(0, ge=0, le=21_600, description="Сколько длилась.")
    outcome: Literal["answered", "transferred", "written", "dropped", "wrong_number"] = Field(
        "answered",
        description="Итог: ответили; соединён с департаментом; письменное обращение; сорвался; ошибся номером.",
    )
    answers: TwoAnswers | None = Field(None, description="Два вопроса; null — не спрашивали.")
    refused: StrictBool = Field(False, description="Отказался отвечать на два вопроса.")
    told_of_qr: StrictBool = Field(False, description="Сказано об анкете по QR-коду.")


class TakenConsultation(BaseModel):
    """Принятая консультация ЕКЦ, без её текста."""

    id: int
    external_id: str
    at: datetime
    outcome: str
    asked: str = Field(description="Два вопроса: answered, refused или пусто.")
    topic: Named | None = Field(description="Тема, когда её подтвердил делопроизводитель.")
    need: Named | None = Field(description="Типовая потребность, когда её подтвердили.")


def dumped(model: BaseModel) -> dict[str, Any]:
    """Return a model as JSON carries it."""
    return model.model_dump(mode="json")
