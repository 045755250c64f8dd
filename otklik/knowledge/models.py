"""Functions, sections and materials of the Knowledge Base. Wagtail's page tree; authored at `/cms/`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.snippets.models import register_snippet

from otklik.people.models import Unit


class Mark(models.TextChoices):
    """Who may get a material: nobody outside, only its text inside an answer, everybody."""

    INTERNAL = "internal", "внутренний"
    FOR_ANSWERS = "for_answers", "для ответов"
    PUBLIC = "public", "публичный"


@register_snippet
class Function(models.Model):
    """A function of the department; each has its section (п. 39)."""

    code = models.SlugField("код", max_length=20, unique=True)
    name = models.CharField("название", max_length=300)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "функция"
        verbose_name_plural = "функции"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class KnowledgeHome(Page):
    """The root of the Knowledge Base: «База знаний» on the portal."""

    max_count = 1
    subpage_types = ["knowledge.Section"]
    template = "knowledge/home.html"

    class Meta:
        verbose_name = "База знаний"
        verbose_name_plural = "База знаний"


class Section(Page):
    """A section of one function, kept by one unit."""

    function = models.ForeignKey(
        Function, models.PROTECT, null=True, blank=True, related_name="sections", verbose_name="функция"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="ответственное подразделение")
    intro = models.TextField("о чём раздел", blank=True)

    parent_page_types = ["knowledge.KnowledgeHome"]
    subpage_types = ["knowledge.Faq", "knowledge.ReplyTemplate"]
    template = "knowledge/section.html"
    content_panels = [*Page.content_panels, FieldPanel("function"), FieldPanel("unit"), FieldPanel("intro")]

    class Meta:
        verbose_name = "раздел"
        verbose_name_plural = "разделы"


class Material(Page):
    """What every kind of material has. Abstract: each kind is a page type of its own."""

    mark = models.CharField("кому доступен", max_length=12, choices=Mark, default=Mark.INTERNAL)
    demo = models.BooleanField("демонстрационный материал", default=False)

    parent_page_types = ["knowledge.Section"]
    subpage_types: list[str] = []

    class Meta:
        abstract = True


class Faq(Material):
    """A question people ask, with a short and a full answer (п. 40)."""

    short_answer = models.TextField("краткий ответ")
    body = RichTextField("полный ответ", blank=True)
    synonyms = models.TextField("как об этом спрашивают", blank=True)

    template = "knowledge/faq.html"
    content_panels = [
        *Page.content_panels,
        FieldPanel("mark"),
        FieldPanel("short_answer"),
        FieldPanel("body"),
        FieldPanel("synonyms"),
    ]

    class Meta:
        verbose_name = "вопрос и ответ"
        verbose_name_plural = "вопросы и ответы"


class ReplyTemplate(Material):
    """A text for answers with placeholders in braces: {обращение}, {номер}, {дата}… (п. 40)."""

    text = models.TextField("текст")
    when = models.TextField("когда применять", blank=True)

    template = "knowledge/reply_template.html"
    content_panels = [*Page.content_panels, FieldPanel("mark"), FieldPanel("when"), FieldPanel("text")]

    class Meta:
        verbose_name = "шаблон ответа"
        verbose_name_plural = "шаблоны ответов"


class MaterialUse(models.Model):
    """A material was inserted, opened or turned down; `reference` is opaque: whoever is above knows what it means."""

    class Action(models.TextChoices):
        INSERTED = "inserted", "вставлен"
        OPENED = "opened", "открыт"
        DECLINED = "declined", "не подошёл"

    page = models.ForeignKey(Page, models.CASCADE, related_name="+", verbose_name="материал")
    revision = models.PositiveBigIntegerField("версия", null=True)
    action = models.CharField("что сделали", max_length=10, choices=Action)
    reference = models.CharField("где", max_length=60, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "использование материала"
        verbose_name_plural = "использование материалов"
        indexes = [models.Index(fields=["page", "action"], name="material_use")]

    def __str__(self) -> str:
        return f"{self.page_id} {self.action}"
