"""Applicants and their contacts. Personal data: pages read them only through `people.access`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Applicant(models.Model):
    """Who turns to the department: a person, an entrepreneur, an organisation, a group."""

    class Kind(models.TextChoices):
        PERSON = "person", "гражданин"
        ENTREPRENEUR = "entrepreneur", "предприниматель"
        ORGANISATION = "organisation", "организация"
        COLLECTIVE = "collective", "коллектив"

    kind = models.CharField("кто", max_length=12, choices=Kind, default=Kind.PERSON)
    last_name = models.CharField("фамилия", max_length=150, blank=True)
    first_name = models.CharField("имя", max_length=150, blank=True)
    patronymic = models.CharField("отчество", max_length=150, blank=True)
    organisation = models.CharField("название организации или коллектива", max_length=300, blank=True)
    inn = models.CharField("ИНН", max_length=12, blank=True)
    address = models.CharField("почтовый адрес", max_length=500, blank=True)
    name_key = models.CharField("имя для сравнения", max_length=500, editable=False)
    address_key = models.CharField("адрес для сравнения", max_length=500, db_index=True, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", verbose_name="объединён с"
    )
    created_at = models.DateTimeField("заведён", auto_now_add=True)

    class Meta:
        verbose_name = "заявитель"
        verbose_name_plural = "заявители"
        # By name the first ones are asked for: without the second column all applicants would be gone through in order.
        indexes = [models.Index(fields=["name_key", "id"], name="applicant_by_name")]
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="applicant_not_own_copy"
            )
        ]

    def __str__(self) -> str:
        return f"заявитель {self.pk}"  # never a name: this lands in logs and admin messages


class Contact(models.Model):
    """One way to reach an applicant. `value` is as typed, `key` is what equal contacts share."""

    class Kind(models.TextChoices):
        EMAIL = "email", "электронная почта"
        PHONE = "phone", "телефон"
        POSTAL = "postal", "почтовый адрес"
        TELEGRAM = "telegram", "Telegram"
        VK = "vk", "ВКонтакте"
        OK = "ok", "Одноклассники"

    applicant = models.ForeignKey(Applicant, models.CASCADE, related_name="contacts", verbose_name="заявитель")
    kind = models.CharField("вид", max_length=10, choices=Kind)
    value = models.CharField("значение", max_length=500)
    key = models.CharField("для сравнения", max_length=500)

    class Meta:
        verbose_name = "контакт"
        verbose_name_plural = "контакты"
        constraints = [models.UniqueConstraint("applicant", "kind", "key", name="contact_once")]
        indexes = [models.Index(fields=["kind", "key"], name="contact_key")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} заявителя {self.applicant_id}"


class ApplicantMerge(models.Model):
    """A merge of two applicants, kept so that it can be taken back whole."""

    kept = models.ForeignKey(Applicant, models.PROTECT, related_name="+", verbose_name="основной")
    merged = models.ForeignKey(Applicant, models.PROTECT, related_name="+", verbose_name="присоединённый")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто объединил")
    at = models.DateTimeField("когда", auto_now_add=True)
    undone_at = models.DateTimeField("отменено", null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="кто отменил",
    )

    class Meta:
        verbose_name = "объединение заявителей"
        verbose_name_plural = "объединения заявителей"
        constraints = [
            models.UniqueConstraint("merged", condition=Q(undone_at__isnull=True), name="merged_once_at_a_time"),
            models.CheckConstraint(condition=~Q(kept=F("merged")), name="merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} → {self.kept_id}"
