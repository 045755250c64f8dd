"""Applicants who signed in by a provider of identity. They are no employees: nothing of Django's sign-in knows them."""

from __future__ import annotations

from django.db import models


class Citizen(models.Model):
    """One person of one provider: only what tells him from others, nothing of what is said of him."""

    issuer = models.CharField("кто подтвердил личность", max_length=300)
    subject = models.CharField("его номер у подтвердившего", max_length=255)
    created_at = models.DateTimeField("первый вход", auto_now_add=True)

    class Meta:
        verbose_name = "личный кабинет"
        verbose_name_plural = "личные кабинеты"
        constraints = [models.UniqueConstraint("issuer", "subject", name="citizen_once")]

    def __str__(self) -> str:
        return f"личный кабинет {self.pk}"


class CitizenSession(models.Model):
    """A browser in which an applicant is signed in. The key is kept as a hash, name and contacts encrypted.

    What the provider said is kept no longer than the session: whoever signs out leaves nothing of it behind.
    """

    citizen = models.ForeignKey(Citizen, models.CASCADE, related_name="sessions", verbose_name="личный кабинет")
    key_hash = models.CharField("хеш ключа", max_length=64, unique=True)
    said = models.TextField("имя и контакты, зашифрованы")
    began_at = models.DateTimeField("начат")
    until = models.DateTimeField("действует до", db_index=True)

    class Meta:
        verbose_name = "сеанс личного кабинета"
        verbose_name_plural = "сеансы личных кабинетов"

    def __str__(self) -> str:
        return f"сеанс {self.pk}"
