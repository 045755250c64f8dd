"""What sign-in must remember: attempts, for the lockout."""

from __future__ import annotations

from django.db import models


class SignInAttempt(models.Model):
    """One attempt to sign in that has not succeeded (yet), counted by a keyed digest; swept after a day."""

    who = models.CharField("счётчик", max_length=64)
    at = models.DateTimeField("когда", db_index=True)

    class Meta:
        verbose_name = "попытка входа"
        verbose_name_plural = "попытки входа"
        indexes = [models.Index(fields=["who", "at"], name="sign_in_attempts_of")]

    def __str__(self) -> str:
        return f"{self.at:%d.%m.%Y %H:%M}"
