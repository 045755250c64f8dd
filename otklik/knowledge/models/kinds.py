"""The kinds of material (п. 40, 24.2.1 of the Procedure): each a page type with its own fields, authored at `/cms/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, InlinePanel, TitleFieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Orderable

from otklik.knowledge import placeholders
from otklik.knowledge.models.material import RICH_TEXT, SHARED_PANELS, TITLE, TITLE_HELP, Mark, Material, Part
from otklik.knowledge.models.script_steps import ScriptSteps
from otklik.people.declension import CASES
from otklik.people.models import Unit

MARK = FieldPanel("mark")


class LegalAct(Material):
    """An act that rules a function: what it is called, the edition in force, the articles that matter."""

    class State(models.TextChoices):
        IN_FORCE = "in_force", "действует"
        REPEALED = "repealed", "утратил силу"

    form = models.CharField("вид акта", max_length=100, help_text="Федеральный закон, приказ, постановление…")
    number = models.CharField("номер", max_length=60)
    adopted_on = models.DateField("дата принятия")
    issuer = models.CharField("кто принял", max_length=300)
    full_title = models.TextField("полное название")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.IN_FORCE)
    edition = models.CharField("редакция", max_length=200, blank=True, help_text="Например: от 08.08.2024 № 232-ФЗ.")
    link = models.URLField("текст акта", blank=True, max_length=500)
    articles = RichTextField("статьи, которые применяем", blank=True, features=RICH_TEXT)

    lead_field = "full_title"
    fact_fields = ("form", "number", "adopted_on", "issuer", "state", "edition", "link")
    part_fields = ("articles",)
    content_panels = [
        TitleFieldPanel(
            "title", help_text=TITLE_HELP, heading="Краткое название", placeholder="Земельный кодекс, 59-ФЗ…"
        ),
        MARK,
        FieldRowPanel([FieldPanel("form"), FieldPanel("issuer")]),
        FieldRowPanel([FieldPanel("number"), FieldPanel("adopted_on")]),
        FieldPanel("full_title"),
        FieldRowPanel([FieldPanel("state"), FieldPanel("edition")]),
        FieldPanel("link"),
        FieldPanel("articles"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "правовой акт"
        verbose_name_plural = "правовые акты"

    def twin(self, typed: Mapping[str, Any]) -> str:
        """Return the title of the same act: number and date are its name."""
        number, adopted_on = typed.get("number"), typed.get("adopted_on")
        if not (number and adopted_on):
            return ""
        same = LegalAct.objects.filter(number=number, adopted_on=adopted_on).exclude(pk=self.pk)
        return str(same.values_list("title", flat=True).first() or "")


class JobDescription(Material):
    """What an employee of a post does; for employees only (п. 40)."""

    post = models.CharField("должность", max_length=200)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="подразделение")
    approved_on = models.DateField("утверждена")
    approved_by = models.CharField("кем и чем утверждена", max_length=300, blank=True)
    duties = RichTextField("обязанности", features=RICH_TEXT)
    body = RichTextField("остальное из инструкции", blank=True, features=RICH_TEXT)

    marks = (Mark.INTERNAL,)
    why_marks = "Должностная инструкция бывает только внутренней."
    fact_fields = ("post", "unit", "approved_on", "approved_by")
    part_fields = ("duties", "body")
    content_panels = [
        TITLE,
        MARK,
        FieldRowPanel([FieldPanel("post"), FieldPanel("unit")]),
        FieldRowPanel([FieldPanel("approved_on"), FieldPanel("approved_by")]),
        FieldPanel("duties"),
        FieldPanel("body"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "должностная инструкция"
        verbose_name_plural = "должностные инструкции"


class Faq(Material):
    """A question people ask, with a short and a full answer (п. 40)."""

    short_answer = models.TextField("краткий ответ", help_text="Два-три предложения: их читают первыми и вслух.")
    body = RichTextField("полный ответ", blank=True, features=RICH_TEXT)
    synonyms = models.TextField(
        "как об этом спрашивают",
        blank=True,
        help_text="Слова и вопросы людей, каждый с новой строки. Помогают поиску, на странице не видны.",
    )

    lead_field = "short_answer"
    lead_named = False
    part_fields = ("body",)
    content_panels = [
        TitleFieldPanel(
            "title", help_text=TITLE_HELP, heading="Вопрос", placeholder="Как о чём-то узнать, что-то получить…"
        ),
        MARK,
        FieldPanel("short_answer"),
        FieldPanel("body"),
        FieldPanel("synonyms"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "вопрос и ответ"
        verbose_name_plural = "вопросы и ответы"

    def clean(self) -> None:
        """Refuse a short answer of blanks."""
        super().clean()
        if self.short_answer and not self.short_answer.strip():
            raise ValidationError({"short_answer": "Напишите краткий ответ: два-три предложения."})

    def twin(self, typed: Mapping[str, Any]) -> str:
        """Return the same question, whatever its letters, blanks and marks at the end."""
        mine = same_question(typed.get("title") or "")
        others = Faq.objects.exclude(pk=self.pk).values_list("title", "draft_title")
        return next((title for title, draft in others if mine in (same_question(title), same_question(draft))), "")

    def also_found_by(self) -> str:
        """Return the words people use."""
        return self.synonyms

    def text_for_answer(self) -> str:
        """Return the full answer as plain text, the short one where there is no full one."""
        full = self._piece("body")
        return full.text if full else self.short_answer


class ReplyTemplate(Material):
    """A text for answers with placeholders in braces: {обращение}, {номер}, {дата}… (п. 40)."""

    text = models.TextField("текст для ответа")
    when = models.TextField("когда применять", blank=True, help_text="Видно только сотрудникам.")

    marks = (Mark.INTERNAL, Mark.FOR_ANSWERS)
    usual_mark = Mark.FOR_ANSWERS
    why_marks = "Шаблон не публикуют на сайте. Выберите «для ответов»."
    lead_field = "when"
    part_fields = ("text",)
    content_panels = [
        TITLE,
        MARK,
        FieldPanel("when"),
        FieldPanel("text"),
        HelpPanel(heading="Что можно подставить", template="knowledge/placeholders.html"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "шаблон ответа"
        verbose_name_plural = "шаблоны ответов"

    def clean(self) -> None:
        """Refuse placeholders nobody fills."""
        super().clean()
        if unknown := placeholders.unknown(self.text):
            names = ", ".join(f"{{{name}}}" for name in unknown)
            known = ", ".join(f"{{{name}}}" for name in placeholders.KNOWN)
            declined = ", ".join(name for name, one in placeholders.KNOWN.items() if one.case)
            cases = ", ".join(CASES)
            raise ValidationError(
                {
                    "text": f"Неизвестные подстановки: {names}. Можно: {known}. "
                    f"Падеж пишут после двоеточия ({cases}), он бывает только у этих: {declined}."
                }
            )

    def text_for_answer(self) -> str:
        """Return the text with its placeholders."""
        return self.text


class DecisionExample(Material):
    """A decision worth repeating: the situation, what was decided and why; no people's names (п. 40)."""

    situation = RichTextField("ситуация", features=RICH_TEXT)
    decision = RichTextField("решение", features=RICH_TEXT)
    grounds = RichTextField("основания", features=RICH_TEXT)
    decided_by = models.CharField("кто решил", max_length=200, help_text="Должность, без фамилии.")
    decided_on = models.DateField("когда решено")
    anonymised = models.BooleanField(
        "обезличен", default=False, help_text="В тексте нет фамилий, адресов, телефонов и кадастровых номеров людей."
    )

    marks = (Mark.INTERNAL,)
    why_marks = "Пример решения бывает только внутренним."
    fact_fields = ("decided_by", "decided_on")
    part_fields = ("situation", "decision", "grounds")
    content_panels = [
        TITLE,
        MARK,
        FieldPanel("situation"),
        FieldPanel("decision"),
        FieldPanel("grounds"),
        FieldRowPanel([FieldPanel("decided_by"), FieldPanel("decided_on")]),
        FieldPanel("anonymised"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "пример решения"
        verbose_name_plural = "примеры решений"

    def clean(self) -> None:
        """Refuse an example nobody looked through for people's data."""
        super().clean()
        if not self.anonymised:
            raise ValidationError({"anonymised": "Уберите из текста сведения о людях и отметьте это здесь."})


class Service(Material):
    """A service of the department: what one gets, what is needed, how long, what it costs (п. 40)."""

    result = models.TextField("результат услуги", help_text="Что получает человек.")
    who = models.TextField("кто может получить", blank=True)
    documents = RichTextField("какие документы нужны", features=RICH_TEXT)
    term = models.CharField("срок", max_length=200, help_text="Например: 20 рабочих дней со дня заявления.")
    cost = models.CharField("стоимость", max_length=200, default="бесплатно")
    electronic = models.BooleanField("можно получить в электронном виде", default=False)
    link = models.URLField("где получить", blank=True, max_length=500)
    how = RichTextField("как получить", blank=True, features=RICH_TEXT)

    lead_field = "result"
    fact_fields = ("who", "term", "cost", "electronic", "link")
    part_fields = ("documents", "how")
    content_panels = [
        TitleFieldPanel("title", help_text=TITLE_HELP, heading="Название услуги"),
        MARK,
        FieldPanel("result"),
        FieldPanel("who"),
        FieldPanel("documents"),
        FieldRowPanel([FieldPanel("term"), FieldPanel("cost")]),
        FieldRowPanel([FieldPanel("electronic"), FieldPanel("link")]),
        FieldPanel("how"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "услуга"
        verbose_name_plural = "услуги"

    def clean(self) -> None:
        """Refuse an electronic service without its address."""
        super().clean()
        if self.electronic and not self.link:
            raise ValidationError({"link": "Услуга электронная: укажите адрес, где её получают."})


class ReceptionSchedule(Material):
    """Who receives clients, where and when (п. 40)."""

    who = models.CharField("кто принимает", max_length=300, help_text="Должность или подразделение.")
    place = models.CharField("где", max_length=300, help_text="Адрес и кабинет.")
    order = RichTextField("порядок приёма", blank=True, features=RICH_TEXT, help_text="Как записаться, что взять.")

    lead_field = "who"
    fact_fields = ("place",)
    part_fields = ("order",)
    content_panels = [
        TITLE,
        MARK,
        FieldPanel("who"),
        FieldPanel("place"),
        InlinePanel("hours", heading="Когда принимают", label="часы приёма", min_num=1),
        FieldPanel("order"),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "график приёма"
        verbose_name_plural = "графики приёма"

    def parts(self) -> list[Part]:
        """Return the hours, a line a day, then the order."""
        lines = [str(row) for row in self.hours.all()]
        return [*([Part("Когда", "\n".join(lines))] if lines else []), *super().parts()]


class ReceptionHours(Orderable):
    """The hours of one day of a schedule."""

    class Day(models.IntegerChoices):
        MONDAY = 1, "понедельник"
        TUESDAY = 2, "вторник"
        WEDNESDAY = 3, "среда"
        THURSDAY = 4, "четверг"
        FRIDAY = 5, "пятница"
        SATURDAY = 6, "суббота"

    page = ParentalKey(ReceptionSchedule, related_name="hours", verbose_name="график")
    day = models.PositiveSmallIntegerField("день", choices=Day)
    starts = models.TimeField("с")
    ends = models.TimeField("до")
    note = models.CharField("примечание", max_length=200, blank=True, help_text="Например: первый в месяце.")

    panels = [FieldRowPanel([FieldPanel("day"), FieldPanel("starts"), FieldPanel("ends")]), FieldPanel("note")]

    class Meta(Orderable.Meta):
        verbose_name = "часы приёма"
        verbose_name_plural = "часы приёма"

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"{self.get_day_display()}{note}: {self.starts:%H:%M}–{self.ends:%H:%M}"

    def clean(self) -> None:
        """Refuse an end before the beginning."""
        if self.starts and self.ends and self.ends <= self.starts:
            raise ValidationError({"ends": "Конец приёма не позже начала. Исправьте время."})


class ContactData(Material):
    """Where one asks: whom, about what, by which telephone and address (п. 40)."""

    about = models.TextField("по каким вопросам")
    phone = models.CharField("телефон", max_length=200, blank=True)
    email = models.EmailField("электронная почта", blank=True)
    address = models.CharField("адрес", max_length=300, blank=True)
    hours = models.CharField("часы работы", max_length=300, blank=True)
    link = models.URLField("страница", blank=True, max_length=500)

    lead_field = "about"
    fact_fields = ("phone", "email", "address", "hours", "link")
    content_panels = [
        TitleFieldPanel(
            "title", help_text=TITLE_HELP, heading="Кто отвечает", placeholder="Горячая линия, отдел аренды…"
        ),
        MARK,
        FieldPanel("about"),
        FieldRowPanel([FieldPanel("phone"), FieldPanel("email")]),
        FieldPanel("address"),
        FieldRowPanel([FieldPanel("hours"), FieldPanel("link")]),
        *SHARED_PANELS,
    ]

    class Meta:
        verbose_name = "контактные данные"
        verbose_name_plural = "контактные данные"

    def clean(self) -> None:
        """Refuse a contact nobody can be reached by."""
        super().clean()
        if not any((self.phone, self.email, self.address, self.link)):
            raise ValidationError({"phone": "Укажите хотя бы телефон, почту, адрес или страницу."})


class Script(Material):
    """How a conversation goes: short lines to read aloud, and where each answer leads (п. 24.2.1, 27.1)."""

    when = models.TextField("когда применять", help_text="Кто звонит и с чем.")
    steps = StreamField(ScriptSteps(), verbose_name="шаги разговора")

    marks = (Mark.INTERNAL, Mark.FOR_ANSWERS)
    usual_mark = Mark.FOR_ANSWERS
    why_marks = "Сценарий не публикуют на сайте. Выберите «для ответов»."
    lead_field = "when"
    content_panels = [TITLE, MARK, FieldPanel("when"), FieldPanel("steps"), *SHARED_PANELS]

    class Meta:
        verbose_name = "сценарий разговора"
        verbose_name_plural = "сценарии разговоров"

    def parts(self) -> list[Part]:
        """Return what is said, a piece a step."""
        return [Part(step.value["name"], step.value["say"]) for step in self.steps]

    def text_for_answer(self) -> str:
        """Return the lines that are read aloud."""
        return "\n\n".join(part.text for part in self.parts())


def same_question(title: str) -> str:
    """Return a question as it is compared with others."""
    return " ".join(title.casefold().replace("ё", "е").split()).rstrip(" ?!.")


# In the order of п. 40; the coverage map and «создать» go by it.
KINDS: tuple[type[Material], ...] = (
    LegalAct,
    JobDescription,
    Faq,
    ReplyTemplate,
    DecisionExample,
    Service,
    ReceptionSchedule,
    ContactData,
    Script,
)
