"""Feedback: questionnaires, invitations, what people said. Knows only an opaque invitation, never an appeal."""

from __future__ import annotations

import secrets

from django.db import models


def new_invitation_token() -> str:
    """Return 128 bits of chance, safe in a URL."""
    return secrets.token_urlsafe(16)


class Questionnaire(models.Model):
    """A questionnaire in one edition. Texts of п. 27.3 are normative: a new wording is a new edition."""

    code = models.SlugField("код", max_length=40)
    edition = models.PositiveSmallIntegerField("редакция", default=1)
    title = models.CharField("название", max_length=200)
    questions = models.JSONField("вопросы", help_text="Список: код, текст, вид (choice, text), ответы, обязателен ли.")
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "анкета"
        verbose_name_plural = "анкеты"
        constraints = [models.UniqueConstraint("code", "edition", name="questionnaire_edition_once")]

    def __str__(self) -> str:
        return self.title


class Invitation(models.Model):
    """A one-time request for an opinion. Whoever sent it holds the key to what it was about."""

    token = models.CharField("ключ", max_length=40, unique=True, default=new_invitation_token)
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="+", verbose_name="анкета")
    channel = models.CharField("канал", max_length=32)
    created_at = models.DateTimeField("создано", auto_now_add=True)
    expires_on = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "приглашение"
        verbose_name_plural = "приглашения"

    def __str__(self) -> str:
        return f"приглашение {self.pk}"


class Response(models.Model):
    """What one person said; one per invitation, whatever is retried."""

    invitation = models.OneToOneField(Invitation, models.PROTECT, related_name="response", verbose_name="приглашение")
    answers = models.JSONField("ответы", help_text="код вопроса → код ответа или текст")
    comment = models.TextField("комментарий", blank=True)
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "отзыв"
        verbose_name_plural = "отзывы"

    def __str__(self) -> str:
        return f"отзыв {self.pk}"


class ContactConsent(models.Model):
    """A consent to be contacted about one's opinion: a document of its own (152-ФЗ since 01.09.2025)."""

    response = models.OneToOneField(Response, models.PROTECT, related_name="consent", verbose_name="отзыв")
    edition = models.CharField("редакция текста", max_length=20)
    given_at = models.DateTimeField("когда дано", auto_now_add=True)

    class Meta:
        verbose_name = "согласие на связь"
        verbose_name_plural = "согласия на связь"

    def __str__(self) -> str:
        return f"согласие {self.pk}"
