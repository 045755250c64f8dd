"""Rooms of personal reception and what was checked in them (п. 35.1): dictionaries with dates."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from otklik.people.models.staff import Validity

MOST_SEATS = 20


class Room(Validity):
    """Where people are received. One seat takes one reception at a time."""

    name = models.CharField("название", max_length=120, unique=True, help_text="Например «Кабинет 214».")
    place = models.CharField("как пройти", max_length=300, help_text="Адрес, этаж, вход.")
    seats = models.PositiveSmallIntegerField("мест для приёма", default=1, help_text="Сколько приёмов идут сразу.")
    has_video = models.BooleanField("есть система видеопротоколирования", default=False)
    has_audio = models.BooleanField("есть система аудиопротоколирования", default=False)
    equipment = models.CharField("оснащение", max_length=500, blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "помещение для приёма"
        verbose_name_plural = "помещения для приёма"
        ordering = ["order", "name"]
        constraints = [models.CheckConstraint(condition=Q(seats__range=(1, MOST_SEATS)), name="room_seats")]

    def __str__(self) -> str:
        return self.name


class RoomCheck(models.Model):
    """One property of a room found at a check; the newest one of a property counts. Rows never change."""

    class Property(models.TextChoices):
        """What п. 35.1 asks of a room."""

        SANITARY = "sanitary", "санитарно-эпидемиологические требования"
        ACCESSIBLE = "accessible", "доступность для людей с ограниченными физическими возможностями"
        PUBLIC_SAFETY = "public_safety", "общественная безопасность"
        FIRE_SAFETY = "fire_safety", "пожарная безопасность"
        PRIVACY = "privacy", "недопущение разглашения сведений"

    room = models.ForeignKey(Room, models.PROTECT, related_name="checks", verbose_name="помещение")
    property = models.CharField("что проверено", max_length=16, choices=Property)
    passed = models.BooleanField("соответствует", default=True)
    checked_on = models.DateField("когда проверено")
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто проверил"
    )
    valid_until = models.DateField("действует по")
    basis = models.CharField("документ", max_length=300, blank=True, help_text="Акт, заключение, их номер и дата.")
    noted_at = models.DateTimeField("внесено", auto_now_add=True)

    class Meta:
        verbose_name = "проверка помещения"
        verbose_name_plural = "проверки помещений"
        ordering = ["room", "property", "-checked_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_until__gte=F("checked_on")), name="room_check_valid_after"),
        ]

    def __str__(self) -> str:
        return f"{self.room}: {self.get_property_display()}"
