"""The starting dictionaries: topics, needs, regimes by channel, the pattern of numbers. `load()` adds what is missing.

A row that is there already is left as people made it; nothing is removed.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import transaction

from otklik.appeals import answer_ways, outcome_kinds
from otklik.appeals.models import (
    AnswerRule,
    ChannelDefault,
    ForeignMailRule,
    InquiryRule,
    Need,
    NumberPattern,
    QuestionKind,
    Topic,
)
from otklik.appeals.numbers import DEFAULT_PATTERN
from otklik.appeals.pos import themes as pos_themes
from otklik.core import journal
from otklik.correspondence.models import ChannelCode

VERSION: Final = "2025-10-31"
SINCE: Final = date(2025, 10, 31)
LONG_AGO: Final = date(2006, 11, 2)  # 59-ФЗ came into force
EMAIL_ENDED: Final = date(2025, 3, 30)  # 547-ФЗ: e-mail is no longer a way to file

# Sections and themes: code → name. A leaf's parent is the nearest of these.
SECTIONS: Final[dict[str, str]] = {
    "0001.0000.0000.0000": "Государство, общество, политика",
    "0001.0002.0000.0000": "Основы государственного управления",
    "0001.0003.0000.0000": "Гражданское право",
    "0001.0003.0037.0000": "Право собственности и другие вещные права",
    "0003.0000.0000.0000": "Экономика",
    "0003.0011.0000.0000": "Природные ресурсы и охрана окружающей природной среды",
    "0003.0011.0123.0000": "Использование и охрана земель",
}

# Leaves: code → name, words that point to it.
TOPICS: Final[dict[str, tuple[str, str]]] = {
    "0003.0011.0123.0842": (
        "Полномочия органов власти в области земельных отношений, в том числе «дальневосточный гектар»",
        "полномочия, дальневосточный гектар, кто распоряжается землёй, чья земля",
    ),
    "0003.0011.0123.0843": (
        "Государственный земельный надзор",
        "земельный надзор, земельный контроль, самозахват, самовольное занятие, захватил участок, проверка участка",
    ),
    "0003.0011.0123.0844": (
        "Мониторинг земель, землеустройство, установление (изменение) границ, резервирование земель",
        "землеустройство, границы участка, установление границ, межевание, резервирование, охранная зона, схема",
    ),
    "0003.0011.0123.0845": (
        "Защита прав на землю и рассмотрение земельных споров",
        "земельный спор, спор о границах, сосед, реестровая ошибка, нарушение прав на землю",
    ),
    "0003.0011.0123.0846": (
        "Приватизация земельных участков",
        "приватизация земли, приватизировать участок, выкуп участка, выкупить участок, дачная амнистия",
    ),
    "0003.0011.0123.0847": (
        "Образование, раздел, выдел, объединение земельных участков, возникновение прав на землю",
        "раздел участка, объединение участков, выдел доли, перераспределение, образование участка, схема расположения, "
        "предоставление участка, без торгов, аукцион, торги, бесплатно участок, многодетная",
    ),
    "0003.0011.0123.0848": (
        "Прекращение права собственности, изъятие земельных участков, находящихся в собственности",
        "прекращение права, отказ от участка, изъятие у собственника, отказаться от земли",
    ),
    "0003.0011.0123.0849": (
        "Выделение земельных участков для индивидуального жилищного строительства",
        "участок под ИЖС, индивидуальное жилищное строительство, строительство дома, построить дом, под жилой дом",
    ),
    "0003.0011.0123.0850": (
        "Арендные отношения в области землепользования",
        "аренда земли, аренда участка, договор аренды, арендная плата, продление аренды, продлить договор, "
        "задолженность по аренде, расторжение аренды, субаренда",
    ),
    "0003.0011.0123.0851": (
        "Нецелевое использование земель сельскохозяйственного назначения",
        "сельхозземля, сельскохозяйственного назначения, зарастает, не по назначению, нецелевое использование, пашня",
    ),
    "0003.0011.0123.0852": (
        "Изъятие земельных участков для государственных и муниципальных нужд",
        "изъятие для государственных нужд, изъятие для муниципальных нужд, строительство дороги, "
        "компенсация за изъятие",
    ),
    "0003.0011.0125.0856": (
        "Ограничение доступа к водному объекту",
        "доступ к воде, доступ к озеру, берег реки, береговая полоса, перекрыли берег, забор у реки",
    ),
    "0003.0011.0126.0862": ("Земли лесного фонда", "лесной фонд, лесной участок, лес, вырубка, рубка"),
    "0003.0011.0122.0837": (
        "Особо охраняемые природные территории",
        "заповедник, заказник, памятник природы, особо охраняемая, природный парк",
    ),
    "0001.0003.0037.0209": (
        "Приобретение и прекращение права собственности",
        "право собственности, признание права, приобретение права, бесхозяйное, бесхозный, выкуп имущества, "
        "выкупить помещение",
    ),
    "0001.0003.0037.0210": (
        "Государственная регистрация прав на недвижимое имущество и сделок с ним",
        "регистрация права, Росреестр, ЕГРН, выписка, кадастровый учёт, зарегистрировать право",
    ),
    "0001.0003.0037.0211": (
        "Эффективность государственных компаний, государственных и муниципальных предприятий и учреждений",
        "ГУП, МУП, государственное предприятие, государственное учреждение, акционерное общество",
    ),
    "0001.0003.0037.0212": (
        "Обращение имущества в государственную или муниципальную собственность и распоряжение им",
        "реестр государственного имущества, сведения из реестра, передача имущества, аренда помещения, "
        "аренда здания, продажа имущества, приватизация имущества, распоряжение имуществом, безвозмездное пользование",
    ),
    "0001.0003.0037.0213": (
        "Эффективность использования государственного имущества",
        "государственное имущество, пустует здание, разрушается здание, заброшенное здание, не используется",
    ),
    "0001.0003.0037.0214": (
        "Эффективность использования муниципального имущества",
        "муниципальное имущество, администрация района, муниципальное помещение",
    ),
    "0001.0003.0037.0215": (
        "Собственность и имущественные отношения иностранных граждан",
        "иностранный гражданин, иностранец, вид на жительство",
    ),
    "0001.0003.0034.0206": ("Сделки", "сделка, недействительность сделки, оспорить сделку"),
    "0001.0003.0035.0207": ("Представительство, доверенность", "доверенность, представитель, по доверенности"),
    "0001.0003.0036.0208": ("Сроки, исковая давность", "исковая давность, пропустил срок, восстановить срок"),
    "0001.0003.0039.0217": (
        "Общие положения о договоре",
        "заключение договора, расторжение договора, условия договора",
    ),
    "0001.0003.0040.0218": (
        "Договоры и другие обязательства",
        "обязательство, неисполнение договора, неустойка, купля-продажа",
    ),
    "0001.0003.0042.0220": ("Наследование", "наследство, наследник, вступить в наследство, завещание, умер"),
    "0001.0002.0025.0114": (
        "Государственная кадастровая оценка, кадастровая стоимость",
        "кадастровая стоимость, кадастровая оценка, оспорить стоимость, завышена стоимость, земельный налог",
    ),
    "0001.0002.0025.0101": (
        "Надзор за саморегулируемыми организациями кадастровых инженеров",
        "кадастровый инженер, СРО кадастровых инженеров, ошибка инженера",
    ),
    "0001.0002.0025.0092": (
        "Порядок получения государственных услуг",
        "государственная услуга, как подать заявление, какие документы, МФЦ, Госуслуги, отказ в приёме документов",
    ),
}

# The order names the axis (п. 9.1) but not its values: a starter set that the registry unit keeps.
NEEDS: Final[list[tuple[str, str, str]]] = [
    (
        "registry-data",
        "Получить сведения из реестра госсобственности",
        "сведения из реестра, выписка из реестра, реестр имущества, чья собственность",
    ),
    (
        "land-without-auction",
        "Получить участок без торгов",
        "без торгов, предоставить участок, получить участок, выделить участок, бесплатно участок",
    ),
    ("auction", "Участвовать в торгах", "торги, аукцион, конкурс, задаток, лот, извещение"),
    ("buy-out", "Выкупить участок или имущество", "выкуп, выкупить, купить участок, купить помещение, приватизировать"),
    ("lease", "Оформить или продлить аренду", "оформить аренду, продлить аренду, продление договора, взять в аренду"),
    (
        "rent-payments",
        "Узнать арендную плату и задолженность",
        "арендная плата, задолженность, долг, пени, расчёт аренды, реквизиты для оплаты, квитанция",
    ),
    (
        "boundaries",
        "Согласовать схему, перераспределение, границы",
        "схема расположения, перераспределение, согласовать границы, межевание, раздел участка, объединить участки",
    ),
    ("easement", "Установить сервитут", "сервитут, проезд через участок, проход через участок, публичный сервитут"),
    ("seizure", "Изъятие и компенсация", "изъятие, компенсация, возмещение, снос, выкупная стоимость"),
    (
        "benefits",
        "Льготное предоставление (многодетные, участники СВО)",
        "многодетная, многодетные, участник СВО, ветеран, инвалид, льгота, очередь на участок, сертификат",
    ),
    ("consent", "Согласие или разрешение собственника", "согласие собственника, разрешение, согласовать размещение"),
    ("cadastral-value", "Кадастровая стоимость", "кадастровая стоимость, кадастровая оценка, пересмотр стоимости"),
    (
        "status",
        "Узнать статус своего обращения",
        "статус обращения, что с моим обращением, когда ответят, не получил ответ, рассмотрение заявления, "
        "номер обращения",
    ),
    ("disagree", "Не согласен с ответом", "не согласен с ответом, отписка, повторно обращаюсь, ответ не по существу"),
    ("complaint", "Жалоба на сотрудника", "жалоба на сотрудника, нагрубил, грубость, бездействие, хамство"),
    ("appointment", "Записаться на приём", "записаться на приём, личный приём, запись к руководителю"),
    ("thanks", "Благодарность, предложение", "благодарность, спасибо за работу, предлагаю, предложение"),
]

# Type and subtype of a question (справочник 2025-10-31): code, code for reports, name, words that point to it.
# Names of subtypes are shortened; the numbers of some of one name are told apart by their code only.
KINDS: Final[list[tuple[str, str, str, str]]] = [
    ("1", "", "Предложение", "предлагаю, предложение, рекомендую, прошу рассмотреть возможность, целесообразно"),
    *((f"1.1.{n}", f"П1.{n}", f"Предложение: рекомендации по {what}", "")
      for n, what in enumerate(("законам", "иным правовым актам", "работе госорганов", "работе ОМСУ"), 1)),
    ("1.2", "П2", "Предложение: развитие общественных отношений", ""),
    *((f"1.3.{n}", f"П3.{n}", f"Предложение: улучшение сфер деятельности государства и общества (П3.{n})", "")
      for n in range(1, 5)),
    ("2", "", "Заявление", "заявление, прошу предоставить, прошу продлить, прошу согласовать, прошу выдать"),
    *((f"2.1.{n}", f"З1.{n}", f"Заявление: содействие в реализации прав и свобод (З1.{n})", "") for n in range(1, 5)),
    *((f"2.2.{n}", f"З2.{n}", f"Заявление: сообщение о нарушении законов, недостатках работы (З2.{n})", "")
      for n in range(1, 6)),
    *((f"2.3.{n}", f"З3.{n}", f"Заявление: критика {whom}", "")
      for n, whom in enumerate(("госорганов", "ОМСУ", "должностных лиц"), 1)),
    ("3", "", "Жалоба", "жалоба, жалуюсь, бездействие, нарушены мои права, незаконный отказ, обжаловать, не согласен"),
    *((f"3.1.{n}", f"Ж1.{n}", f"Жалоба: восстановление или защита прав (Ж1.{n})", "") for n in range(1, 7)),
    *((f"3.2.{n}", f"Ж2.{n}", f"Жалоба на действия (бездействие): {what}", "")
      for n, what in enumerate(("нарушены права", "созданы препятствия", "возложена обязанность",
                                "привлечён к ответственности"), 1)),
    ("4", "", "Не обращение", ""),
    *((f"4.{n}", f"НО{n}", f"Не обращение: {what}", hints)
      for n, (what, hints) in enumerate((
          ("оценка деятельности", "благодарность, благодарю, спасибо за работу"), ("поздравление", "поздравляю"),
          ("приглашение", "приглашаем вас"), ("соболезнование", "соболезнования"), ("бессмысленный текст", ""),
          ("на ознакомление", "для ознакомления, к сведению"), ("просьба не по закону", "")), 1)),
    ("5", "", "Запрос информации", "прошу сообщить, прошу разъяснить, предоставить информацию, запрос информации"),
    ("6", "", "Коллективное обращение", "коллективное обращение, мы жители, нижеподписавшиеся, подписи жителей"),
    ("7", "", "Служебный запрос", "служебный запрос, в рамках межведомственного взаимодействия, прокуратура"),
    ("8", "", "Дубликат", ""),
    ("9", "", "Иное", ""),
]  # fmt: skip

LAW: Final = "59fz"
OUTSIDE: Final = "outside_59fz"
POS: Final = "pos"

# Channel, identified, regime, written, why, since.
CHANNELS: Final[list[tuple[str, bool, str, bool, str, date]]] = [
    (ChannelCode.POST, False, LAW, True, "Письмо по почте или нарочно — обращение по 59-ФЗ, ст. 4 и 7.", LONG_AGO),
    (
        ChannelCode.GOVERNOR,
        False,
        LAW,
        True,
        "Общественная приёмная Губернатора принимает обращения с подтверждением личности.",
        LONG_AGO,
    ),
    (
        ChannelCode.WEBSITE,
        False,
        OUTSIDE,
        True,
        "Отправитель не подтвердил личность: с 30.03.2025 это не обращение по 59-ФЗ (547-ФЗ).",
        EMAIL_ENDED,
    ),
    (
        ChannelCode.WEBSITE,
        True,
        LAW,
        True,
        "Сайт с подтверждением личности — способ подачи обращения (59-ФЗ, ст. 4).",
        EMAIL_ENDED,
    ),
    (
        ChannelCode.EMAIL,
        False,
        OUTSIDE,
        True,
        "С 30.03.2025 электронная почта — не способ подачи обращения по 59-ФЗ (547-ФЗ).",
        EMAIL_ENDED,
    ),
    (ChannelCode.RECEPTION, False, LAW, False, "Личный приём — 59-ФЗ, ст. 13.", LONG_AGO),
    (ChannelCode.MEDO, False, LAW, True, "По МЭДО органы пересылают обращения по 59-ФЗ, ст. 8.", LONG_AGO),
    (ChannelCode.VK, False, OUTSIDE, True, "Сообщение в госпаблике: 8-ФЗ, положения 59-ФЗ не применяются.", LONG_AGO),
    (ChannelCode.OK, False, OUTSIDE, True, "Сообщение в госпаблике: 8-ФЗ, положения 59-ФЗ не применяются.", LONG_AGO),
    (ChannelCode.TELEGRAM, False, OUTSIDE, True, "Сообщение в мессенджере — не обращение по 59-ФЗ.", LONG_AGO),
    (ChannelCode.MAX, False, OUTSIDE, True, "Сообщение в мессенджере — не обращение по 59-ФЗ.", LONG_AGO),
    (ChannelCode.POS, False, POS, True, "Обычное сообщение ПОС рассматривают по правилам ПОС.", LONG_AGO),
    (ChannelCode.HOTLINE, False, OUTSIDE, False, "Устная консультация по телефону.", LONG_AGO),
    (ChannelCode.EKC, False, OUTSIDE, False, "Устная консультация через ЕКЦ (110).", LONG_AGO),
]


_F, _WAY = AnswerRule.Form, AnswerRule.Standing
_ANSWERED: Final = "59-ФЗ, ст. 10 ч. 4"
# By which ways an answer goes: regime, form of the appeal, way, how it is allowed, article, since.
ANSWER_RULES: Final = (
    (LAW, _F.PAPER, ChannelCode.POST, _WAY.MAIN, _ANSWERED, LONG_AGO),
    (LAW, _F.PAPER, ChannelCode.EMAIL, _WAY.COPY, _ANSWERED, LONG_AGO),
    (LAW, _F.ELECTRONIC, ChannelCode.EMAIL, _WAY.MAIN, _ANSWERED, LONG_AGO),
    (LAW, _F.ELECTRONIC, ChannelCode.WEBSITE, _WAY.MAIN, _ANSWERED, LONG_AGO),
    (LAW, _F.ELECTRONIC, ChannelCode.POS, _WAY.MAIN, _ANSWERED, LONG_AGO),
    (LAW, _F.ELECTRONIC, ChannelCode.POST, _WAY.AFTER, _ANSWERED, LONG_AGO),
)
FOREIGN_MAIL: Final = (ForeignMailRule.Mode.WARN, "внутренний порядок департамента", LONG_AGO)


@transaction.atomic
def load() -> None:
    """Add the starting rows that are missing; needs the regimes of `core.defaults`."""
    added = _topics() + _needs() + _kinds() + _channels() + outcome_kinds.add_missing() + pos_themes.load()
    added += answer_ways.load(ANSWER_RULES, FOREIGN_MAIL)
    if not NumberPattern.objects.exists():
        NumberPattern.objects.create(pattern=DEFAULT_PATTERN, valid_from=LONG_AGO)
        added += 1
    added += _inquiry_rules()
    if added:
        journal.record("appeals.dictionaries_loaded", chain="dictionaries", by=None, rows=added, version=VERSION)


def _inquiry_rules() -> int:
    """Add how long other bodies have to answer a request, where nobody has entered any."""
    if InquiryRule.objects.exists():
        return 0
    InquiryRule.objects.create(
        name="Документы и материалы для рассмотрения обращения",
        days=15,
        basis="59-ФЗ, ст. 10 ч. 2",
        valid_from=LONG_AGO,
    )
    return 1


def _topics() -> int:
    known = set(Topic.objects.filter(version=VERSION).values_list("code", flat=True))
    rows = [
        *(_topic(code, name, leaf=False) for code, name in SECTIONS.items() if code not in known),
        *(_topic(code, name, hints=hints) for code, (name, hints) in TOPICS.items() if code not in known),
    ]
    return len(Topic.objects.bulk_create(rows))


def _topic(code: str, name: str, *, hints: str = "", leaf: bool = True) -> Topic:
    return Topic(
        code=code, version=VERSION, name=name, hints=hints, leaf=leaf, parent_code=parent_of(code), valid_from=SINCE
    )


def parent_of(code: str) -> str:
    """Return the nearest known section above a code: the groups are zeroed from the right; empty at the top."""
    groups = code.split(".")
    for place in range(len(groups) - 1, 0, -1):
        groups[place] = "0000"
        above = ".".join(groups)
        if above != code and above in SECTIONS:
            return above
    return ""


def _needs() -> int:
    known = set(Need.objects.values_list("code", flat=True))
    rows = [
        Need(code=code, name=name, hints=hints, valid_from=LONG_AGO, order=(place + 1) * 10)
        for place, (code, name, hints) in enumerate(NEEDS)
        if code not in known
    ]
    return len(Need.objects.bulk_create(rows))


def _kinds() -> int:
    known = set(QuestionKind.objects.values_list("code", flat=True))
    rows = [
        QuestionKind(
            code=code,
            official=official,
            name=name,
            hints=hints,
            parent_code=code.partition(".")[0] if "." in code else "",
            valid_from=SINCE,
            order=(place + 1) * 10,
        )
        for place, (code, official, name, hints) in enumerate(KINDS)
        if code not in known
    ]
    return len(QuestionKind.objects.bulk_create(rows))


def _channels() -> int:
    known = set(ChannelDefault.objects.values_list("channel", "identified"))
    rows = [
        ChannelDefault(
            channel=channel, identified=identified, regime_id=regime, written=written, why=why, valid_from=since
        )
        for channel, identified, regime, written, why, since in CHANNELS
        if (channel, identified) not in known
    ]
    return len(ChannelDefault.objects.bulk_create(rows))
