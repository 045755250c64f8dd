"""The kinds of material (п. 40 of the Procedure): each a page type with its own fields, authored at `/cms/`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from wagtail.admin.panels import FieldPanel, HelpPanel, TitleFieldPanel
from wagtail.fields import RichTextField

from otklik.knowledge import placeholders
from otklik.knowledge.models.material import Mark, Material
from otklik.knowledge.plain import plain_text

# No images and no embedding: a published page asks nothing of other hosts, and of ours only what is public.
RICH_TEXT = ["h3", "h4", "bold", "italic", "ol", "ul", "hr", "link", "document-link"]


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
