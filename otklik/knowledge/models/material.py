"""What every kind of material has, and who used which."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from wagtail.models import Page

from otklik.knowledge.models.structure import KnowledgePage


class Mark(models.TextChoices):
    """Who may get a material: nobody outside, only its text inside an answer, everybody."""

    INTERNAL = "internal", "внутренний"
    FOR_ANSWERS = "for_answers", "для ответов"
    PUBLIC = "public", "публичный"


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
