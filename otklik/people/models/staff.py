"""The department, its units, employees, their roles with powers and dates, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from otklik.core.hours import midnight
from otklik.people.powers import OF_GUESTS

if TYPE_CHECKING:
    from otklik.people.staff import Standing

A_DAY: Final = timedelta(days=1)


class Validity(models.Model):
    """Dates between which a row counts, both days included; an empty end means «until changed»."""

    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        abstract = True


class Unit(models.Model):
    """A unit of the department; a tree by `parent`."""

    name = models.CharField("название", max_length=300, unique=True)
    short_name = models.CharField("краткое название", max_length=100)
    index = models.CharField("индекс", max_length=10, blank=True)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="входит в"
    )
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "подразделение"
        verbose_name_plural = "подразделения"
        ordering = ["index", "name"]

    def __str__(self) -> str:
        return self.short_name or self.name


class Employee(AbstractUser):
    """A person who works here and signs in. Russian name order: last, first, patronymic."""

    temporary_until = models.DateTimeField(
        "временный пароль действует до", null=True, blank=True, editable=False, help_text="Пусто — пароль свой."
    )
    sessions_ended = models.PositiveIntegerField("сколько раз завершены все сеансы", default=0, editable=False)
    patronymic = models.CharField("отчество", max_length=150, blank=True)
    post = models.CharField("должность", max_length=300, blank=True)
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="employees", verbose_name="подразделение"
    )
    phone = models.CharField("рабочий телефон", max_length=40, blank=True)
    version = models.PositiveIntegerField("версия", default=1, help_text="Растёт с каждой правкой сведений.")

    _standing: tuple[datetime, Standing] | None = None
    through_token: int | None = None  # the key this request came by; the journals name it beside the person

    class Meta(AbstractUser.Meta):
        verbose_name = "сотрудник"
        verbose_name_plural = "сотрудники"
        ordering = ["last_name", "first_name", "patronymic"]

    def __str__(self) -> str:
        return self.short_name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session must bear to be this employee's: all of them end when the count of endings grows."""
        own = str(super()._get_session_auth_hash(secret))  # type: ignore[misc]
        return f"{own}:{self.sessions_ended}" if self.sessions_ended else own

    def has_power(self, code: str) -> bool:
        """Tell whether the employee may do this today."""
        return self.is_active and code in self.standing.powers

    def has_any(self, codes: Iterable[str]) -> bool:
        """Tell whether the employee may do any of this today."""
        return self.is_active and not self.standing.powers.isdisjoint(codes)

    @property
    def is_guest(self) -> bool:
        """Tell whether he comes from another organisation: he may do today what is given to such people, no more."""
        powers = self.standing.powers
        return bool(powers) and powers <= OF_GUESTS

    @property
    def standing(self) -> Standing:
        """Today's powers and the people he stands in for; read once per object, that is, once per request."""
        # A page asks hundreds of times: two moments are compared, and no day is worked out in the department's zone.
        now = timezone.now()
        if self._standing is None or not timedelta(0) < self._standing[0] - now <= A_DAY:
            from otklik.people import staff

            today = timezone.localdate(now)
            self._standing = (midnight(today, 1), staff.standing(self, today))
        return self._standing[1]

    @property
    def full_name(self) -> str:
        """«Петрова Елена Викторовна», or the login where no name is known."""
        return " ".join(p for p in (self.last_name, self.first_name, self.patronymic) if p) or self.username

    @property
    def short_name(self) -> str:
        """«Петрова Е. В.», or the login where no name is known."""
        initials = " ".join(f"{p[0]}." for p in (self.first_name, self.patronymic) if p)
        return f"{self.last_name} {initials}".strip() or self.username


class Role(models.Model):
    """A role of the work: clerk, executor, head of unit, signing official…"""

    code = models.SlugField("код", max_length=40, primary_key=True)
    name = models.CharField("название", max_length=200)
    order = models.PositiveSmallIntegerField("порядок", default=100)

    class Meta:
        verbose_name = "роль"
        verbose_name_plural = "роли"
        ordering = ["order"]

    def __str__(self) -> str:
        return self.name


class RolePower(Validity):
    """A power (a code from `people.powers`) that a role gives between two dates."""

    role = models.ForeignKey(Role, models.CASCADE, related_name="powers", verbose_name="роль")
    power = models.CharField("право", max_length=60)

    class Meta:
        verbose_name = "право роли"
        verbose_name_plural = "права ролей"
        constraints = [models.UniqueConstraint("role", "power", "valid_from", name="role_power_once")]

    def __str__(self) -> str:
        return f"{self.role_id}: {self.power}"


class RoleAssignment(Validity):
    """A role an employee holds between two dates; `unit` narrows it (head of which unit), empty: own unit."""

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="assignments", verbose_name="сотрудник")
    role = models.ForeignKey(Role, models.PROTECT, related_name="assignments", verbose_name="роль")
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="в каком подразделении"
    )
    basis = models.CharField("основание", max_length=300, blank=True)

    class Meta:
        verbose_name = "назначение роли"
        verbose_name_plural = "назначения ролей"
        constraints = [
            models.UniqueConstraint("employee", "role", "unit", "valid_from", name="assignment_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="assignment_validity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee} — {self.role}"


class Substitution(models.Model):
    """«Исполняет обязанности»: between two dates the deputy holds the absent one's roles too."""

    absent = models.ForeignKey(Employee, models.CASCADE, related_name="substituted_by", verbose_name="кого нет")
    deputy = models.ForeignKey(Employee, models.CASCADE, related_name="substitutes", verbose_name="кто замещает")
    starts_on = models.DateField("с")
    ends_on = models.DateField("по")
    basis = models.CharField("основание", max_length=300, blank=True)

    class Meta:
        verbose_name = "замещение"
        verbose_name_plural = "замещения"
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="substitution_dates"),
            models.CheckConstraint(condition=~Q(absent=F("deputy")), name="substitution_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} за {self.absent}"


class Transfer(models.Model):
    """«Перевод»: from a day on the employee works in another unit. A coming one waits here until its day."""

    employee = models.ForeignKey(Employee, models.CASCADE, related_name="transfers", verbose_name="сотрудник")
    was = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="откуда")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", verbose_name="куда")
    starts_on = models.DateField("с какого дня")
    basis = models.CharField("основание", max_length=300, blank=True)
    done = models.BooleanField("состоялся", default=False)

    class Meta:
        verbose_name = "перевод сотрудника"
        verbose_name_plural = "переводы сотрудников"
        ordering = ["-starts_on", "-id"]
        constraints = [
            models.UniqueConstraint("employee", condition=Q(done=False), name="one_coming_transfer"),
        ]

    def __str__(self) -> str:
        return f"{self.employee}: {self.unit} с {self.starts_on:%d.%m.%Y}"


class Department(models.Model):
    """The department itself: requisites for the letterhead, and the unit that registers and classifies. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField("полное название", max_length=300)
    name_genitive = models.CharField("название в родительном падеже", max_length=300, blank=True)
    short_name = models.CharField("краткое название", max_length=100)
    address = models.CharField("почтовый адрес", max_length=300, blank=True)
    phone = models.CharField("телефон", max_length=100, blank=True)
    email = models.EmailField("электронная почта", blank=True)
    site = models.CharField("сайт", max_length=200, blank=True)
    requisites = models.CharField("ОКПО, ОГРН, ИНН/КПП", max_length=300, blank=True)
    registry_unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="подразделение, которое регистрирует и классифицирует",
        help_text="п. 9.1 Порядка: отдел организационной и кадровой работы.",
    )

    class Meta:
        verbose_name = "департамент"
        verbose_name_plural = "департамент"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="department_is_single")]

    def __str__(self) -> str:
        return self.short_name
