"""Functions and sections: Wagtail's page tree, and who may write in which part of it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, TitleFieldPanel
from wagtail.models import Page
from wagtail.snippets.models import register_snippet
from wagtail.url_routing import RouteResult

from otklik.people.models import Unit


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
        from otklik.knowledge import finding, materials

        query = request.GET.get("q", "").strip()
        more: dict[str, Any] = {"query": query}
        if query:
            more["found"] = found = materials.find(query, limit=20)
            shown = [one.page_id for one in found]
            more["search_key"] = finding.typed(finding.citizen(request), query, shown, finding.told_by(request))
        else:
            more["sections"] = materials.sections()
        return {**super().get_context(request, *args, **kwargs), **more}

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page; who searched gets the mark by which his next step is known."""
        from otklik.knowledge import finding

        response: HttpResponseBase = super().serve(request, *args, **kwargs).render()
        finding.keep_mark(request, response)
        return response


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


class UnitEditors(models.Model):
    """The Wagtail group of a unit's authors: it may edit the sections the unit keeps."""

    unit = models.OneToOneField(Unit, models.CASCADE, primary_key=True, related_name="+", verbose_name="подразделение")
    group = models.OneToOneField(Group, models.PROTECT, related_name="+", verbose_name="группа")

    class Meta:
        verbose_name = "авторы подразделения"
        verbose_name_plural = "авторы подразделений"

    def __str__(self) -> str:
        return f"авторы: {self.unit}"
