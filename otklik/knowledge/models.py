"""Functions, sections and materials of the Knowledge Base. Wagtail's page tree; authored at `/cms/`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from wagtail.admin.panels import FieldPanel, HelpPanel, MultiFieldPanel, TitleFieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.snippets.models import register_snippet
from wagtail.url_routing import RouteResult

from otklik.knowledge import placeholders
from otklik.knowledge.plain import plain_text
from otklik.people.models import Unit

# No images and no embedding: a published page asks nothing of other hosts, and of ours only what is public.
RICH_TEXT = ["h3", "h4", "bold", "italic", "ol", "ul", "hr", "link", "document-link"]


class Mark(models.TextChoices):
    """Who may get a material: nobody outside, only its text inside an answer, everybody."""

    INTERNAL = "internal", "внутренний"
    FOR_ANSWERS = "for_answers", "для ответов"
    PUBLIC = "public", "публичный"


@register_snippet
class Function(models.Model):
    """A function of the department; each has its section (п. 39)."""

    code = models.SlugField("код", max_length=20, unique=True, help_text="Латинские буквы и цифры, например f01.")
    name = models.CharField("название", max_length=300)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True, help_text="Пусто — действует сейчас.")

    class Meta:
        verbose_name = "функция"
        verbose_name_plural = "функции"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse an end before the beginning."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": "Дата окончания раньше даты начала. Исправьте одну из них."})


class KnowledgePage(Page):
    """What our pages share: read under `/kb/` by the marks, never by Wagtail's own privacy settings."""

    private_page_options: list[str] = []
    promote_panels = [MultiFieldPanel([FieldPanel("slug"), FieldPanel("search_description")], heading="Адрес страницы")]

    class Meta:
        abstract = True

    def is_open(self) -> bool:
        """Tell whether a citizen may open the page."""
        return bool(self.live)

    def route(self, request: HttpRequest, path_components: list[str]) -> RouteResult:
        """Return the page at a public address; what is not public does not exist there, even for employees."""
        if not self.is_open():
            raise Http404
        return super().route(request, path_components)

    def get_sitemap_urls(self, request: HttpRequest | None = None) -> list[dict[str, Any]]:
        """Return the page's line of the sitemap; none for what is not public."""
        return super().get_sitemap_urls(request) if self.is_open() else []


class KnowledgeHome(KnowledgePage):
    """The root of the Knowledge Base: «База знаний» on the portal."""

    max_count = 1
    parent_page_types = ["wagtailcore.Page"]
    subpage_types = ["knowledge.Section"]
    template = "knowledge/home.html"

    class Meta:
        verbose_name = "База знаний"
        verbose_name_plural = "База знаний"

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the sections that have something to read, or what was found for `?q=`."""
        from otklik.knowledge import materials

        query = request.GET.get("q", "").strip()
        more: dict[str, Any] = {"query": query}
        if query:
            more["found"] = materials.find(query, limit=20)
        else:
            more["sections"] = materials.sections()
        return {**super().get_context(request, *args, **kwargs), **more}


class Section(KnowledgePage):
    """A section of one function, kept by one unit."""

    function = models.ForeignKey(
        Function,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="функция",
        help_text="Функция департамента, материалы которой собраны в разделе (п. 39 Порядка).",
    )
    unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        related_name="+",
        verbose_name="ответственное подразделение",
        help_text="Авторы этого подразделения правят раздел. Меняет главный редактор.",
    )
    intro = models.TextField("о чём раздел", blank=True, help_text="Одно-два предложения, видны всем.")

    count = 0  # how many of its materials the reader sees; set by `materials.sections`

    parent_page_types = ["knowledge.KnowledgeHome"]
    subpage_types = ["knowledge.Faq", "knowledge.ReplyTemplate"]
    template = "knowledge/section.html"
    content_panels = [
        TitleFieldPanel("title"),
        FieldPanel("function", permission="knowledge.assign_section"),
        FieldPanel("unit", permission="knowledge.assign_section"),
        FieldPanel("intro"),
    ]

    class Meta:
        verbose_name = "раздел"
        verbose_name_plural = "разделы"
        permissions = [("assign_section", "может назначать разделу функцию и подразделение")]

    def is_open(self) -> bool:
        """Tell whether the section has anything a citizen may read."""
        from otklik.knowledge import materials

        return bool(self.live) and materials.for_public().filter(path__startswith=self.path).exists()

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the public questions of the section."""
        from otklik.knowledge import materials

        questions = materials.questions(self)
        return {**super().get_context(request, *args, **kwargs), "questions": questions}


class Material(KnowledgePage):
    """What every kind of material has; each kind is a page type of its own."""

    mark = models.CharField(
        "кому доступен",
        max_length=12,
        choices=Mark,
        default=Mark.INTERNAL,
        help_text="Внутренний — только сотрудникам, в ответ не вставить. Для ответов — текст можно вставить в ответ "
        "или прочитать вслух, страницы на сайте нет. Публичный — ещё и страница на сайте.",
    )
    demo = models.BooleanField("демонстрационный материал", default=False, editable=False)

    is_creatable = False
    parent_page_types = ["knowledge.Section"]
    subpage_types: list[str] = []

    def is_open(self) -> bool:
        """Tell whether a citizen may open the material."""
        from otklik.knowledge import materials

        return materials.for_public().filter(pk=self.pk).exists()

    def brief(self) -> str:
        """Return what the material says in one or two lines."""
        return ""

    def found_by(self) -> str:
        """Return the text the material is found by, besides its title."""
        return self.brief()

    def text_for_answer(self) -> str:
        """Return the plain text that goes into an answer; placeholders not yet filled."""
        return self.brief()

    @property
    def for_answers(self) -> bool:
        """Tell whether the text may leave the department inside an answer."""
        return self.mark != Mark.INTERNAL


class Faq(Material):
    """A question people ask, with a short and a full answer (п. 40)."""

    short_answer = models.TextField("краткий ответ", help_text="Два-три предложения: их читают первыми и вслух.")
    body = RichTextField("полный ответ", blank=True, features=RICH_TEXT)
    synonyms = models.TextField(
        "как об этом спрашивают",
        blank=True,
        help_text="Слова и вопросы людей, каждый с новой строки. Помогают поиску, на странице не видны.",
    )

    template = "knowledge/faq.html"
    content_panels = [
        TitleFieldPanel("title", heading="Вопрос", placeholder="Как о чём-то узнать, что-то получить…"),
        FieldPanel("mark"),
        FieldPanel("short_answer"),
        FieldPanel("body"),
        FieldPanel("synonyms"),
    ]

    class Meta:
        verbose_name = "вопрос и ответ"
        verbose_name_plural = "вопросы и ответы"

    def clean(self) -> None:
        """Refuse a short answer of blanks."""
        super().clean()
        if self.short_answer and not self.short_answer.strip():
            raise ValidationError({"short_answer": "Напишите краткий ответ: два-три предложения."})

    def brief(self) -> str:
        """Return the short answer."""
        return self.short_answer

    def found_by(self) -> str:
        """Return the answers, then the words people use."""
        return "\n".join(filter(None, [self.short_answer, plain_text(self.body), self.synonyms]))

    def text_for_answer(self) -> str:
        """Return the full answer as plain text, the short one where there is no full one."""
        return plain_text(self.body) or self.short_answer

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the section and the other public questions of it."""
        from otklik.knowledge import materials

        context = super().get_context(request, *args, **kwargs)
        section = materials.section_of(self)
        related = [other for other in materials.questions(section) if other.pk != self.pk][:5] if section else []
        return {**context, "section": section, "related": related}


class ReplyTemplate(Material):
    """A text for answers with placeholders in braces: {обращение}, {номер}, {дата}… (п. 40)."""

    text = models.TextField("текст")
    when = models.TextField("когда применять", blank=True, help_text="Видно только сотрудникам.")

    template = "knowledge/reply_template.html"
    content_panels = [
        TitleFieldPanel("title"),
        FieldPanel("mark"),
        FieldPanel("when"),
        FieldPanel("text"),
        HelpPanel(heading="Что можно подставить", template="knowledge/placeholders.html"),
    ]

    class Meta:
        verbose_name = "шаблон ответа"
        verbose_name_plural = "шаблоны ответов"

    def clean(self) -> None:
        """Refuse placeholders nobody fills, and a public page: a template is not an answer yet."""
        super().clean()
        errors = {}
        if unknown := placeholders.unknown(self.text):
            names = ", ".join(f"{{{name}}}" for name in unknown)
            known = ", ".join(f"{{{name}}}" for name in placeholders.KNOWN)
            errors["text"] = f"Неизвестные подстановки: {names}. Можно: {known}."
        if self.mark == Mark.PUBLIC:
            errors["mark"] = "Шаблон не публикуют на сайте. Выберите «для ответов»."
        if errors:
            raise ValidationError(errors)

    def brief(self) -> str:
        """Return when the template is used."""
        return self.when

    def found_by(self) -> str:
        """Return when it is used, then the text."""
        return f"{self.when}\n{self.text}"

    def text_for_answer(self) -> str:
        """Return the text with its placeholders."""
        return self.text

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse: a template has no page for citizens; authors see it in the preview."""
        raise Http404


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


class UnitEditors(models.Model):
    """The Wagtail group of a unit's authors: it may edit the sections the unit keeps."""

    unit = models.OneToOneField(Unit, models.CASCADE, primary_key=True, related_name="+", verbose_name="подразделение")
    group = models.OneToOneField(Group, models.PROTECT, related_name="+", verbose_name="группа")

    class Meta:
        verbose_name = "авторы подразделения"
        verbose_name_plural = "авторы подразделений"

    def __str__(self) -> str:
        return f"авторы: {self.unit}"
