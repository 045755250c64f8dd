"""Functions and sections: Wagtail's page tree, and who may write in which part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest
from modelcluster.fields import ParentalKey
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel, PageChooserPanel, TitleFieldPanel
from wagtail.models import Orderable, Page
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


# The button of the editor that sends a page to be agreed.
SEND = "action-agree"


class KnowledgePageForm(WagtailAdminPageForm):
    """The author's form: a draft may have gaps, what is sent to be agreed may not."""

    def defer_required_fields(self) -> None:
        """Let required fields stand empty, but not in what is sent."""
        if SEND not in self.data:
            super().defer_required_fields()

    def clean(self) -> Any:
        """Refuse a rich text that the editor did not write."""
        from otklik.knowledge.rich_editor import WRONG, RichTextArea  # Wagtail's editor asks for models that are ready

        cleaned = super().clean()
        for name, field in self.fields.items():
            widget = field.widget
            if isinstance(widget, RichTextArea) and widget.is_foreign(self.data, self.add_prefix(name)):
                self.add_error(name, WRONG)
        return cleaned


class KnowledgePage(Page):
    """What our pages share: Wagtail keeps them and makes their addresses; citizens read lean pages of our own there."""

    private_page_options: list[str] = []
    base_form_class = KnowledgePageForm
    promote_panels = [MultiFieldPanel([FieldPanel("slug"), FieldPanel("search_description")], heading="Адрес страницы")]

    class Meta:
        abstract = True

    def route(self, request: HttpRequest, path_components: list[str]) -> RouteResult:
        """Refuse: what is on the site is served by `portal.knowledge`, in the version that was let out."""
        raise Http404

    def get_sitemap_urls(self, request: HttpRequest | None = None) -> list[dict[str, Any]]:
        """Return nothing: the site's map is made of what was let out."""
        return []


class KnowledgeHome(KnowledgePage):
    """The root of the Knowledge Base: «База знаний» on the portal."""

    max_count = 1
    parent_page_types = ["wagtailcore.Page"]
    subpage_types = ["knowledge.Section"]
    preview_modes: list[tuple[str, str]] = []

    class Meta:
        verbose_name = "База знаний"
        verbose_name_plural = "База знаний"


def tell_rows(formset: Any, field: str, *, is_own: Callable[[Any], bool], own: str) -> None:
    """Tell at its field a row that leads to what is the page's own, in the words of `own`, or says what another says.

    Asked here: a row does not know its page while it is typed, nor the other rows.
    """
    formset.is_valid()
    met = set()
    for form in formset.forms:
        row = getattr(form, "cleaned_data", {})
        target = row.get(field)
        if target is None or row.get("DELETE"):
            continue
        key = (target.pk, row.get("place"))
        if is_own(target):
            form.add_error(field, own)
        elif key in met:
            form.add_error(field, "Такая строка уже есть. Удалите лишнюю.")
        met.add(key)


class SectionForm(KnowledgePageForm):
    """The form of a section: its links lead out of it."""

    def clean(self) -> Any:
        """Refuse a link to what the section has anyway."""
        cleaned = super().clean()
        if "links" in self.formsets:
            path = self.instance.path or "new"
            own = "Материал и так в этом разделе. Выберите материал другого раздела."
            tell_rows(self.formsets["links"], "material", is_own=lambda one: one.path.startswith(path), own=own)
        return cleaned


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
    subpage_types = [
        "knowledge.LegalAct",
        "knowledge.JobDescription",
        "knowledge.Faq",
        "knowledge.ReplyTemplate",
        "knowledge.DecisionExample",
        "knowledge.Service",
        "knowledge.ReceptionSchedule",
        "knowledge.ContactData",
        "knowledge.Script",
    ]
    preview_modes: list[tuple[str, str]] = []
    base_form_class = SectionForm
    content_panels = [
        TitleFieldPanel("title"),
        FieldPanel("function", permission="knowledge.assign_section"),
        FieldPanel("unit", permission="knowledge.assign_section"),
        FieldPanel("intro"),
        InlinePanel("links", heading="Материалы других разделов", label="материал"),
    ]

    class Meta:
        verbose_name = "раздел"
        verbose_name_plural = "разделы"
        permissions = [("assign_section", "может назначать разделу функцию и подразделение")]


class SectionLink(Orderable):
    """A section shows a material of another: its home section, and so its unit, stays the same (п. 39)."""

    section = ParentalKey(Section, related_name="links", verbose_name="раздел")
    material = models.ForeignKey("knowledge.Material", models.CASCADE, related_name="+", verbose_name="материал")

    panels = [PageChooserPanel("material")]

    class Meta(Orderable.Meta):
        verbose_name = "материал другого раздела"
        verbose_name_plural = "материалы других разделов"
        constraints = [models.UniqueConstraint("section", "material", name="section_link_once")]

    def __str__(self) -> str:
        return f"{self.section_id}: {self.material_id}"


class UnitEditors(models.Model):
    """The Wagtail group of a unit's authors: it may edit the sections the unit keeps."""

    unit = models.OneToOneField(Unit, models.CASCADE, primary_key=True, related_name="+", verbose_name="подразделение")
    group = models.OneToOneField(Group, models.PROTECT, related_name="+", verbose_name="группа")

    class Meta:
        verbose_name = "авторы подразделения"
        verbose_name_plural = "авторы подразделений"

    def __str__(self) -> str:
        return f"авторы: {self.unit}"
