"""What an author has sent to be agreed: one version of a page, and what the head of the unit said of it (п. 38)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from wagtail.models import Page, Revision


class Agreement(models.Model):
    """One version sent to be agreed, and what became of it: at most one of a page waits."""

    class State(models.TextChoices):
        WAITING = "waiting", "ждёт согласования"
        AGREED = "agreed", "согласован"
        RETURNED = "returned", "возвращён"
        WITHDRAWN = "withdrawn", "отозван"

    page = models.ForeignKey(Page, models.CASCADE, related_name="+", verbose_name="материал")
    revision = models.ForeignKey(Revision, models.CASCADE, related_name="+", verbose_name="версия")
    new = models.BooleanField("ещё не опубликован", help_text="Когда отправили, сотрудники его не читали.")
    state = models.CharField("состояние", max_length=9, choices=State, default=State.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто отправил"
    )
    asked_at = models.DateTimeField("когда отправлен", auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="кто решил"
    )
    decided_at = models.DateTimeField("когда решено", null=True)
    remark = models.TextField("замечание", blank=True)

    class Meta:
        verbose_name = "согласование материала"
        verbose_name_plural = "согласования материалов"
        constraints = [
            models.UniqueConstraint("page", condition=Q(state="waiting"), name="agreement_waits_once"),
            models.CheckConstraint(
                condition=~Q(state="returned") | ~Q(remark=""), name="agreement_returned_with_words"
            ),
        ]
        indexes = [models.Index(fields=["page", "-id"], name="agreements_of_page")]

    def __str__(self) -> str:
        return f"{self.page_id}: {self.get_state_display()}"
