"""What the workplace remembers of its users: what they have open, and the lists they have named."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from otklik.appeals.models import Appeal
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee


class Presence(models.Model):
    """An employee at an appeal or at a message that waits: there until a moment, typing until a moment."""

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="+", verbose_name="сотрудник")
    appeal = models.ForeignKey(Appeal, models.CASCADE, null=True, related_name="+", verbose_name="обращение")
    message = models.ForeignKey(IncomingMessage, models.CASCADE, null=True, related_name="+", verbose_name="сообщение")
    seen_at = models.DateTimeField("последний раз")
    here_until = models.DateTimeField("здесь до")
    typing_until = models.DateTimeField("печатает до", null=True)

    class Meta:
        verbose_name = "присутствие"
        verbose_name_plural = "присутствие"
        constraints = [
            models.UniqueConstraint("employee", "appeal", name="presence_once_at_an_appeal"),
            models.UniqueConstraint("employee", "message", name="presence_once_at_a_message"),
            models.CheckConstraint(
                condition=Q(appeal__isnull=True, message__isnull=False) | Q(appeal__isnull=False, message__isnull=True),
                name="presence_at_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["here_until"], name="presence_now"),
            models.Index(fields=["employee", "-seen_at"], name="presence_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.appeal or self.message}"


class SavedView(models.Model):
    """A list somebody has named: a view with its filters, order and look, as the address bar says them."""

    owner = models.ForeignKey(Employee, models.CASCADE, related_name="saved_views", verbose_name="сотрудник")
    name = models.CharField("название", max_length=60)
    query = models.CharField("условия", max_length=1000)
    shared = models.BooleanField("виден всем", default=False)

    class Meta:
        verbose_name = "сохранённый вид"
        verbose_name_plural = "сохранённые виды"
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint("owner", "name", name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
