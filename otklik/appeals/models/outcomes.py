"""How a matter ends and who stands in it: outcomes by question, whom it complains of, signatories, kin, merges."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from otklik.appeals.models.spine import Appeal, AppealQuestion
from otklik.core.models import StoredFile
from otklik.people.models import Employee, Unit


class OutcomeKind(models.Model):
    """A way in which a question ends, as the law names it: its article, ССТУ status, letter, term and proofs."""

    class Sstu(models.TextChoices):
        EXPLAINED = "Explained", "рассмотрено, разъяснено"
        SUPPORTED = "Supported", "рассмотрено, поддержано"
        NOT_SUPPORTED = "NotSupported", "рассмотрено, не поддержано"
        ANSWERED = "Answered", "дан ответ автору"
        LEFT = "LeftWithoutAnswer", "оставлено без ответа автору"
        TRANSFERRED = "Transferred", "направлено по компетенции"

    class Needs(models.TextChoices):
        ANSWER = "answer", "отправленный ответ с вложением"
        LETTER = "letter", "письмо заявителю"
        TRANSFER = "transfer", "кому, когда и каким письмом переслано"
        DECISION = "decision", "решение с номером и прежние ответы по существу"
        WORDS = "words", "отметка, как это произошло"
        NOTHING = "nothing", "ничего"

    code = models.SlugField("код", max_length=40, unique=True)
    name = models.CharField("исход", max_length=200)
    article = models.CharField("статья", max_length=120, blank=True)
    sstu = models.CharField("статус ССТУ", max_length=20, choices=Sstu)
    actions_taken = models.BooleanField("меры приняты", null=True, blank=True)
    needs = models.CharField("что нужно", max_length=10, choices=Needs)
    # Without a letter to the applicant the case ends without a sent answer.
    letter_due = models.BooleanField("заявителю уходит письмо", default=True)
    days = models.PositiveSmallIntegerField(
        "срок, календарных дней", null=True, blank=True, help_text="Со дня регистрации; пусто — общий срок ответа."
    )
    least_earlier = models.PositiveSmallIntegerField("не меньше прежних ответов", default=0)
    letter = models.TextField("образец письма", blank=True)
    order = models.PositiveSmallIntegerField("порядок", default=100)
    valid_from = models.DateField("действует с")
    valid_to = models.DateField("действует по", null=True, blank=True)

    class Meta:
        verbose_name = "вид исхода"
        verbose_name_plural = "виды исходов"
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class CaseQuestion(models.Model):
    """What one question asks in the applicant's words, and who answers this part; topic and need stand beside."""

    question = models.OneToOneField(
        AppealQuestion, models.CASCADE, related_name="part", verbose_name="вопрос обращения"
    )
    text = models.CharField("о чём спрашивают", max_length=1000, blank=True)
    executor = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто готовит эту часть"
    )

    class Meta:
        verbose_name = "часть обращения"
        verbose_name_plural = "части обращений"

    def __str__(self) -> str:
        return f"часть {self.question_id}"


class QuestionOutcome(models.Model):
    """How one question ended, who said so and when; a row that was replaced stays. No question: the case as a whole."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="outcomes", verbose_name="обращение")
    question = models.ForeignKey(
        AppealQuestion, models.CASCADE, null=True, blank=True, related_name="outcomes", verbose_name="вопрос"
    )
    kind = models.ForeignKey(OutcomeKind, models.PROTECT, related_name="+", verbose_name="исход")
    on = models.DateField("дата исхода")
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)
    proposed = models.BooleanField("предложен системой", default=False, help_text="Подтверждён нажатием «Отправить».")
    note = models.CharField("пояснение", max_length=500, blank=True)
    where = models.CharField("кому переслано", max_length=300, blank=True)
    number = models.CharField("номер решения или письма", max_length=60, blank=True)
    dated = models.DateField("дата решения или письма", null=True, blank=True)
    decided_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто решил"
    )
    file = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="файл решения или письма"
    )
    earlier = models.ManyToManyField(
        Appeal, blank=True, related_name="ended_by", verbose_name="прежние ответы по существу"
    )
    replaced_at = models.DateTimeField("заменён", null=True, blank=True)

    class Meta:
        verbose_name = "исход вопроса"
        verbose_name_plural = "исходы вопросов"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("question", condition=Q(replaced_at=None), name="one_outcome_of_a_question"),
            models.UniqueConstraint(
                "appeal", condition=Q(replaced_at=None, question=None), name="one_outcome_of_a_whole_case"
            ),
        ]

    def __str__(self) -> str:
        return f"исход {self.pk}"


class Complained(models.Model):
    """Whom an appeal complains of: an employee, a unit, or another body by its name."""

    appeal = models.ForeignKey(Appeal, models.CASCADE, related_name="complained", verbose_name="обращение")
    employee = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="сотрудник"
    )
    unit = models.ForeignKey(
        Unit, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="подразделение"
    )
    body = models.CharField("другой орган или лицо", max_length=300, blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "на кого жалуются"
        verbose_name_plural = "на кого жалуются"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("appeal", "employee", name="complained_employee_once"),
            models.UniqueConstraint("appeal", "unit", name="complained_unit_once"),
            models.CheckConstraint(
                condition=Q(employee__isnull=False, unit=None, body="")
                | Q(employee=None, unit__isnull=False, body="")
                | (Q(employee=None, unit=None) & ~Q(body="")),
                name="complained_is_one",
            ),
        ]

    def __str__(self) -> str:
        return str(self.employee.short_name if self.employee else self.unit or self.body)


class Collective(models.Model):
    """A collective appeal: who answers for those who signed it, and how it was made."""

    appeal = models.OneToOneField(Appeal, models.CASCADE, related_name="collective", verbose_name="обращение")
    meeting = models.BooleanField("резолюция собрания", default=False)
    signed = models.PositiveIntegerField("подписей", default=0)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто внёс")
    at = models.DateTimeField("когда внесено", auto_now_add=True)

    class Meta:
        verbose_name = "коллективное обращение"
        verbose_name_plural = "коллективные обращения"

    def __str__(self) -> str:
        return f"коллективное {self.appeal_id}"


class Signatory(models.Model):
    """One of those who signed a collective appeal; the representative is written to."""

    collective = models.ForeignKey(Collective, models.CASCADE, related_name="signatories", verbose_name="обращение")
    position = models.PositiveIntegerField("по порядку")
    name = models.CharField("фамилия, имя, отчество", max_length=200)
    address = models.CharField("адрес", max_length=300, blank=True)
    representative = models.BooleanField("представитель", default=False)

    class Meta:
        verbose_name = "подписавший"
        verbose_name_plural = "подписавшие"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint("collective", "position", name="signatory_once"),
            models.UniqueConstraint("collective", condition=Q(representative=True), name="one_representative"),
        ]

    def __str__(self) -> str:
        return f"подписавший {self.position}"


class Kinship(models.Model):
    """What a later appeal is to an earlier one: repeated, a duplicate, or one of many alike."""

    class Kind(models.TextChoices):
        REPEATED = "repeated", "повторное"
        DUPLICATE = "duplicate", "дубликат"
        GROUP = "group", "одинаковое с другими"

    class Ground(models.TextChoices):
        DISSATISFIED = "dissatisfied", "не согласен с ответом"
        TERM_PASSED = "term_passed", "истёк срок ответа"

    kind = models.CharField("что это", max_length=10, choices=Kind)
    main = models.ForeignKey(Appeal, models.CASCADE, related_name="kin", verbose_name="прежнее или основное")
    other = models.ForeignKey(Appeal, models.CASCADE, related_name="kin_of", verbose_name="это обращение")
    ground = models.CharField("почему повторно", max_length=12, choices=Ground, blank=True)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто отметил")
    at = models.DateTimeField("когда отмечено", auto_now_add=True)

    class Meta:
        verbose_name = "связь обращений"
        verbose_name_plural = "связи обращений"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("main", "other", name="kinship_once"),
            # A copy is answered by one answer only; repeated it may be of several.
            models.UniqueConstraint("other", condition=~Q(kind="repeated"), name="copy_of_one"),
            models.CheckConstraint(condition=~Q(main=F("other")), name="kinship_of_two"),
            models.CheckConstraint(condition=~Q(kind="repeated") | ~Q(ground=""), name="repeated_has_a_ground"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.other_id} → {self.main_id}"


class CaseMerge(models.Model):
    """Two cases made one; for thirty days it can be taken back. `before` is what undoing puts back."""

    kept = models.ForeignKey(Appeal, models.PROTECT, related_name="took_in", verbose_name="оставлено")
    merged = models.ForeignKey(Appeal, models.PROTECT, related_name="merged_into", verbose_name="присоединено")
    before = models.JSONField("было", default=dict)
    by = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name="кто объединил")
    at = models.DateTimeField("когда объединено", auto_now_add=True)
    undone_by = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто отменил"
    )
    undone_at = models.DateTimeField("когда отменено", null=True, blank=True)

    class Meta:
        verbose_name = "объединение обращений"
        verbose_name_plural = "объединения обращений"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("merged", condition=Q(undone_at=None), name="merged_into_one"),
            models.CheckConstraint(condition=~Q(kept=F("merged")), name="case_merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"объединение {self.pk}"
