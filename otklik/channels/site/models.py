"""What the site's form must remember: attempts for the rate limit, and consents as separate records."""

from __future__ import annotations

from django.db import models


class FormAttempt(models.Model):
    """One sending of the public form, counted by a keyed hash of the address; swept after a day."""

    visitor = models.CharField("посетитель", max_length=64, db_index=True)
    at = models.DateTimeField("когда", auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "отправка формы"
        verbose_name_plural = "отправки формы"

    def __str__(self) -> str:
        return f"{self.at:%d.%m.%Y %H:%M}"


class Consent(models.Model):
    """A consent as a document of its own (152-ФЗ since 01.09.2025), with the edition of its text."""

    external_id = models.CharField("внешний номер сообщения", max_length=500, unique=True)
    purpose = models.CharField("на что", max_length=200)
    text_edition = models.CharField("редакция текста", max_length=40)
    given_at = models.DateTimeField("когда дано", auto_now_add=True)

    class Meta:
        verbose_name = "согласие"
        verbose_name_plural = "согласия"

    def __str__(self) -> str:
        return f"согласие {self.pk}"
