"""What the site's channel itself must remember: numbers given on the page, and attempts for the rate limit."""

from __future__ import annotations

from django.db import models

from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Citizen


class Receipt(models.Model):
    """The number and code a person got on the page, before a clerk has registered the message.

    The code itself is not kept: only its keyed hash. What was sent signed in is also seen in the account.
    """

    message = models.OneToOneField(
        IncomingMessage, models.PROTECT, related_name="site_receipt", verbose_name="сообщение"
    )
    number = models.CharField("номер сообщения", max_length=20, unique=True)
    code_hash = models.CharField("хеш кода", max_length=64)
    citizen = models.ForeignKey(
        Citizen,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="receipts",
        verbose_name="личный кабинет",
        help_text="Пусто: отправлено без входа.",
    )
    continues = models.ForeignKey(
        IncomingMessage,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="site_continued",
        verbose_name="дополняет сообщение",
    )

    class Meta:
        verbose_name = "квитанция сайта"
        verbose_name_plural = "квитанции сайта"

    def __str__(self) -> str:
        return self.number


class FormFile(models.Model):
    """A file brought to the public form: without a message until the form is sent, swept when it never is.

    Of a sent form it is the reference that keeps the file until the message is read, and afterwards.
    """

    stored = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="файл")
    message = models.ForeignKey(
        IncomingMessage, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="сообщение"
    )
    at = models.DateTimeField("когда приложен", db_index=True)

    class Meta:
        verbose_name = "файл формы"
        verbose_name_plural = "файлы форм"
        constraints = [
            models.UniqueConstraint("stored", "message", name="form_file_once"),
            models.UniqueConstraint("stored", condition=models.Q(message=None), name="form_file_unsent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.stored_id}: {self.at:%d.%m.%Y %H:%M}"


class FormAttempt(models.Model):
    """One sending of a public form, counted by a keyed hash of the address; swept after a day."""

    class Form(models.TextChoices):
        WRITE = "write", "сообщение"
        STATUS = "status", "проверка состояния"
        VOTE = "vote", "отзыв о материале"
        CODE = "code", "код анкеты"
        VISIT = "visit", "личный приём: заявка, ссылка"

    form = models.CharField("форма", max_length=8, choices=Form, default=Form.WRITE)
    visitor = models.CharField("посетитель", max_length=64)
    at = models.DateTimeField("когда", auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = "отправка формы"
        verbose_name_plural = "отправки форм"
        indexes = [models.Index(fields=["form", "visitor", "at"], name="form_attempts_of_visitor")]

    def __str__(self) -> str:
        return f"{self.at:%d.%m.%Y %H:%M}"
