"""What every kind of material has, how readers see it, which version is on the site, and who used it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, HelpPanel, InlinePanel, MultiFieldPanel, PageChooserPanel, TitleFieldPanel
from wagtail.documents.models import Document
from wagtail.fields import RichTextField
from wagtail.models import Orderable, Page, Revision

from otklik.knowledge.models.structure import KnowledgePage, KnowledgePageForm, tell_rows
from otklik.knowledge.plain import plain_text

# No images and no embedding: a published page asks nothing of other hosts, and of ours only what is public.
RICH_TEXT = ["h3", "h4", "bold", "italic", "ol", "ul", "hr", "link", "document-link"]


class Mark(models.TextChoices):
    """Who may get a material: nobody outside, only its text inside an answer, everybody."""

    INTERNAL = "internal", "внутренний"
    FOR_ANSWERS = "for_answers", "для ответов"
    PUBLIC = "public", "публичный"


@dataclass(frozen=True)
class Part:
    """One piece of a material as readers see it: a heading, and under it text, rich text or a link."""

    heading: str
    text: str
    html: str = ""
    url: str = ""


class MaterialForm(KnowledgePageForm):
    """The author's form: offers only the marks that the kind may bear."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if mark := self.fields.get("mark"):
            allowed = self.instance.marks
            mark.choices = [choice for choice in Mark.choices if choice[0] in allowed]
            if self.instance.mark not in allowed or not self.instance.pk:
                self.initial["mark"] = self.instance.usual_mark
            if len(allowed) == 1:
                mark.help_text = self.instance.why_marks

    def clean(self) -> Any:
        """Refuse a twin of what is written already; asked of people only: an import has its own measure."""
        cleaned = super().clean()
        if "title" in self.fields and (twin := self.instance.twin(cleaned)):
            self.add_error("title", f"Такой материал уже есть: «{twin}». Дополните его или назовите иначе.")
        if "references" in self.formsets:
            own = "Материал ссылается сам на себя. Выберите другой или удалите строку."
            tell_rows(self.formsets["references"], "target", is_own=lambda one: one.pk == self.instance.pk, own=own)
        return cleaned


class Material(KnowledgePage):
    """What every kind of material has; each kind is a page type of its own.

    A kind says which fields readers see: `lead_field` is read first, `fact_fields` are short, `part_fields` long.
    """

    marks: ClassVar[tuple[str, ...]] = tuple(Mark.values)
    usual_mark: ClassVar[str] = Mark.INTERNAL
    why_marks: ClassVar[str] = ""
    lead_field: ClassVar[str] = ""
    lead_named: ClassVar[bool] = True  # on the site too the lead stands under its name
    fact_fields: ClassVar[tuple[str, ...]] = ()
    part_fields: ClassVar[tuple[str, ...]] = ()
    inner_fields: ClassVar[tuple[str, ...]] = ("staff_note",)  # for employees only, whatever the mark

    mark = models.CharField(
        "кому доступен",
        max_length=12,
        choices=Mark,
        default=Mark.INTERNAL,
        help_text="Внутренний — только сотрудникам, в ответ не вставить. Для ответов — текст можно вставить в ответ "
        "или прочитать вслух, страницы на сайте нет. Публичный — ещё и страница на сайте, после того как её "
        "выпустит второй человек.",
    )
    staff_note = RichTextField(
        "заметка для сотрудников",
        blank=True,
        features=RICH_TEXT,
        help_text="Видна только сотрудникам: ни в ответ, ни на сайт не попадает.",
    )
    replaced_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", editable=False, verbose_name="заменён на"
    )
    archived_at = models.DateTimeField("в архиве с", null=True, editable=False)
    archive_reason = models.CharField("почему в архиве", max_length=500, blank=True, editable=False)
    demo = models.BooleanField("демонстрационный материал", default=False, editable=False)

    is_creatable = False
    parent_page_types = ["knowledge.Section"]
    subpage_types: list[str] = []
    base_form_class = MaterialForm

    def clean(self) -> None:
        """Refuse a mark that the kind may not bear."""
        super().clean()
        if self.mark not in self.marks:
            raise ValidationError({"mark": self.why_marks})

    def twin(self, typed: Mapping[str, Any]) -> str:
        """Return the title of another material that is the same by its kind's own measure; empty without one."""
        return ""

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> str:
        """Return the page an author sees beside the editor: what citizens would see, and what only employees do."""
        return "knowledge/preview.html"

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse: see `KnowledgePage.route`."""
        raise Http404

    def brief(self) -> str:
        """Return what the material says in one or two lines."""
        return str(getattr(self, self.lead_field)) if self.lead_field else ""

    def lead_heading(self) -> str:
        """Return what stands over the lines that are read first."""
        return self._heading(self.lead_field) if self.lead_field else ""

    def facts(self) -> list[Part]:
        """Return the short pieces: numbers, dates, addresses."""
        return list(self._pieces(self.fact_fields))

    def parts(self) -> list[Part]:
        """Return the long pieces."""
        return list(self._pieces(self.part_fields))

    def inner_parts(self) -> list[Part]:
        """Return what only employees see, on whatever page."""
        return list(self._pieces(self.inner_fields))

    def found_by(self, *, outside: bool = False) -> str:
        """Return the text the material is found by, besides its title; `outside`: only what citizens may read."""
        inner = [] if outside else self.inner_parts()
        lines = map(_line, [*self.facts(), *self.parts(), *inner])
        return "\n".join(filter(None, [self.brief(), *lines, self.also_found_by()]))

    def also_found_by(self) -> str:
        """Return words that are on no page and help to find it."""
        return ""

    def text_for_answer(self) -> str:
        """Return the plain text that goes into an answer; placeholders not yet filled."""
        facts = "\n".join(map(_line, self.facts()))
        parts = (f"{part.heading}\n{part.text}" for part in self.parts())
        return "\n\n".join(filter(None, [self.brief(), facts, *parts]))

    @property
    def marks_outside(self) -> bool:
        """Tell whether this kind may be on the site at all."""
        return Mark.PUBLIC in self.marks

    @property
    def for_answers(self) -> bool:
        """Tell whether the text may leave the department inside an answer."""
        return self.mark != Mark.INTERNAL

    def _pieces(self, names: Iterable[str]) -> Iterator[Part]:
        for name in names:
            if (piece := self._piece(name)) is not None:
                yield piece

    def _piece(self, name: str) -> Part | None:
        field, value = self._meta.get_field(name), getattr(self, name)
        if value is None or value == "":
            return None
        heading = self._heading(name)
        if isinstance(field, RichTextField):
            text = plain_text(value)
            return Part(heading, text, html=value) if text else None
        if isinstance(field, models.URLField):
            return Part(heading, value, url=value)
        if isinstance(value, bool):
            return Part(heading, "да" if value else "нет")
        if isinstance(value, date):
            return Part(heading, f"{value:%d.%m.%Y}")
        shown = getattr(self, f"get_{name}_display", None)
        return Part(heading, str(shown() if shown else value))

    def _heading(self, name: str) -> str:
        return capfirst(str(self._meta.get_field(name).verbose_name))


def _line(part: Part) -> str:
    return f"{part.heading}: {part.text}"


class Reference(Orderable):
    """A material refers to another: an act it stands on, or one to read further."""

    page = ParentalKey(Material, related_name="references", verbose_name="материал")
    target = models.ForeignKey(Material, models.SET_NULL, null=True, related_name="+", verbose_name="на что ссылается")
    place = models.CharField("что именно", max_length=200, blank=True, help_text="Например: ст. 39.20, п. 2.")

    panels = [PageChooserPanel("target"), FieldPanel("place")]

    class Meta(Orderable.Meta):
        verbose_name = "ссылка материала"
        verbose_name_plural = "ссылки материалов"
        constraints = [models.UniqueConstraint("page", "target", "place", name="reference_once")]

    def __str__(self) -> str:
        return f"{self.page_id} → {self.target_id}"


class Attachment(Orderable):
    """A file kept with a material; its text is found by search."""

    page = ParentalKey(Material, related_name="attachments", verbose_name="материал")
    document = models.ForeignKey(Document, models.CASCADE, related_name="+", verbose_name="файл")
    inner = models.BooleanField("только сотрудникам", default=False, help_text="На сайте файла не будет.")

    panels = [FieldPanel("document"), FieldPanel("inner")]

    class Meta(Orderable.Meta):
        verbose_name = "вложение"
        verbose_name_plural = "вложения"

    def __str__(self) -> str:
        return f"{self.page_id}: {self.document_id}"


class FileText(models.Model):
    """What a file says, read once from its bytes by a worker: search finds the material by it."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт чтения"
        READ = "read", "прочитан"
        EMPTY = "empty", "текста нет"
        FAILED = "failed", "не прочитан"

    document = models.OneToOneField(
        Document, models.CASCADE, primary_key=True, related_name="text_layer", verbose_name="файл"
    )
    state = models.CharField("состояние", max_length=10, choices=State, default=State.WAITING, db_index=True)
    of_bytes = models.CharField("отпечаток файла", max_length=40, blank=True)
    text = models.TextField("текст", blank=True)
    why = models.CharField("почему не прочитан", max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField("попыток", default=0)
    taken_at = models.DateTimeField("взят в чтение", null=True)

    class Meta:
        verbose_name = "текст файла"
        verbose_name_plural = "тексты файлов"

    def __str__(self) -> str:
        return f"{self.document_id}: {self.get_state_display()}"

    @property
    def problem(self) -> str:
        """Return what the author should know and do; empty where search finds the file or soon will."""
        if self.state == self.State.EMPTY:
            return "В файле нет текста: наверное, это скан. Поиск его не найдёт: распознайте текст и замените файл."
        if self.state == self.State.FAILED:
            return f"Текст файла не прочитан: {self.why}. Поиск его не найдёт: сохраните файл заново и замените."
        return ""


class PublicVersion(models.Model):
    """The version of a material that is on the site, and who let it out: never the one who wrote it (R2, R3-V).

    All that citizens read stands here as it was let out: the site never asks the page, which may be newer.
    `facts`, `parts` are lists of `Part`; `refers_to` of (id of a material, place in it).
    """

    material = models.OneToOneField(
        Material, models.CASCADE, primary_key=True, related_name="public_version", verbose_name="материал"
    )
    revision = models.ForeignKey(Revision, models.CASCADE, related_name="+", verbose_name="версия")
    title = models.CharField("заголовок", max_length=255)
    brief_heading = models.CharField("что это", max_length=100, blank=True)
    brief = models.TextField("коротко", blank=True)
    facts = models.JSONField("коротко о главном", default=list)
    parts = models.JSONField("подробно", default=list)
    refers_to = models.JSONField("на что ссылается", default=list)
    answer = models.TextField("текст для ответа", blank=True)
    found_by = models.TextField("чем находится", blank=True)
    documents = models.ManyToManyField(Document, related_name="+", blank=True, verbose_name="файлы")
    pinned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто выпустил"
    )
    pinned_at = models.DateTimeField("когда выпущена", default=timezone.now)

    class Meta:
        verbose_name = "версия на сайте"
        verbose_name_plural = "версии на сайте"

    def __str__(self) -> str:
        return self.title

    @classmethod
    def facts_of(cls, page: Material) -> dict[str, Any]:
        """Return the fields that say what a version of a material says."""
        return {
            "title": page.title,
            "brief_heading": page.lead_heading() if page.lead_named else "",
            "brief": page.brief(),
            "facts": [asdict(part) for part in page.facts()],
            "parts": [asdict(part) for part in page.parts()],
            "refers_to": [[row.target_id, row.place] for row in page.references.all() if row.target_id],
            "answer": page.text_for_answer(),
            "found_by": page.found_by(outside=True),
        }

    @property
    def url(self) -> str:
        """Return the address of the page on the site."""
        return self.material.get_url() or ""

    @property
    def address(self) -> str:
        """Return the same with the site's own name, for those who read it elsewhere."""
        parts = self.material.get_url_parts()
        return f"{settings.BASE_URL}{parts[2]}" if parts and parts[2] else ""


class MaterialUse(models.Model):
    """A material was inserted, opened or turned down; `reference` is opaque: whoever is above knows what it means."""

    class Action(models.TextChoices):
        INSERTED = "inserted", "вставлен"
        LINKED = "linked", "вставлена ссылка"
        OPENED = "opened", "открыт"
        DECLINED = "declined", "не подошёл"
        READ = "read", "прочитан вслух"
        TOLD = "told", "использован в консультации"
        WRITTEN_FROM = "written", "написан из ответа"

    IN_ANSWERS: ClassVar = (Action.INSERTED, Action.LINKED)
    SPOKEN: ClassVar = (Action.READ, Action.TOLD)
    HELPED: ClassVar = (*IN_ANSWERS, *SPOKEN)  # in a letter or by word of mouth

    page = models.ForeignKey(Page, models.CASCADE, related_name="+", verbose_name="материал")
    revision = models.PositiveBigIntegerField("версия", null=True)
    action = models.CharField("что сделали", max_length=10, choices=Action)
    reference = models.CharField("где", max_length=60, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "использование материала"
        verbose_name_plural = "использование материалов"
        indexes = [
            models.Index(fields=["page", "action"], name="material_use"),
            models.Index(fields=["reference"], name="material_declined", condition=models.Q(action="declined")),
            models.Index(fields=["reference"], name="material_used_at", condition=~models.Q(reference="")),
        ]

    def __str__(self) -> str:
        return f"{self.page_id} {self.action}"


# Panels every kind ends with: what it stands on, what is kept with it, what only employees read.
# Wagtail's own words promise that everybody will see it: of an internal material nobody outside does.
TITLE_HELP = "Так материал называется в списках и в поиске."
TITLE = TitleFieldPanel("title", help_text=TITLE_HELP)
SHARED_PANELS = [
    InlinePanel("references", heading="Основания и связанные материалы", label="ссылка"),
    InlinePanel("attachments", heading="Файлы", label="файл"),
    HelpPanel(heading="Текст файлов", template="knowledge/file_texts.html"),
    MultiFieldPanel([FieldPanel("staff_note")], heading="Только для сотрудников"),
]
