"""The card of personal reception (59-ФЗ ст. 13; п. 35.1–35.3): what the order demands is demanded by the table, too."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from otklik.appeals.models import Appeal, Need, Topic
from otklik.core.models import StoredFile
from otklik.people.models import Applicant
from otklik.reception.models.appointments import Appointment
from otklik.reception.models.rooms import Room
from otklik.reception.models.schedule import Authority
from otklik.surveys.models import Invitation


class NoCard(models.Model):
    """Why somebody who came was not received: no document, or one that does not match; what was offered instead."""

    class Why(models.TextChoices):
        NO_DOCUMENT = "no_document", "нет документа, удостоверяющего личность"
        NOT_MATCHING = "not_matching", "документ не совпадает с карточкой"

    class Offered(models.TextChoices):
        CONSULTATION = "consultation", "устная консультация"
        WRITTEN = "written", "письменное обращение"
        NEW_TIME = "new_time", "другое время"

    appointment = models.ForeignKey(Appointment, models.PROTECT, related_name="refusals", verbose_name="запись")
    why = models.CharField("почему", max_length=14, choices=Why)
    offered = models.CharField("что предложено", max_length=14, choices=Offered)
    note = models.CharField("примечание", max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "отказ в приёме без документа"
        verbose_name_plural = "отказы в приёме без документа"

    def __str__(self) -> str:
        return f"{self.appointment}: {self.get_why_display()}"


class ReceptionCard(models.Model):
    """A reception from the front office to its last mark. Moves: `reception/moves.py`."""

    class State(models.TextChoices):
        CHECK_IN = "check_in", "в приёмной"
        READY = "ready", "готов к приёму"
        OPEN = "open", "идёт приём"
        PAUSED = "paused", "перевод в другое помещение"
        FINISHED = "finished", "приём завершён"
        ENDED = "ended", "приём не состоялся"

    class Document(models.TextChoices):
        """What proves who he is; the starting list, п. 35.2 names none."""

        PASSPORT = "passport", "паспорт гражданина РФ"
        FOREIGN = "foreign", "паспорт иностранного гражданина"
        MILITARY = "military", "военный билет, удостоверение военнослужащего"
        TEMPORARY = "temporary", "временное удостоверение личности"
        OTHER = "other", "иной документ, удостоверяющий личность"

    class Consent(models.TextChoices):
        """Of recording, apart for video and for audio."""

        UNASKED = "", "не спрошен"
        NO_EQUIPMENT = "no_equipment", "оборудования нет"
        GIVEN = "given", "согласен"
        REFUSED = "refused", "не согласен"
        WITHDRAWN = "withdrawn", "согласие отозвано"

    number = models.CharField("номер", max_length=60, unique=True)
    appointment = models.OneToOneField(Appointment, models.PROTECT, related_name="card", verbose_name="запись на приём")
    state = models.CharField("состояние", max_length=10, choices=State, default=State.CHECK_IN)
    official = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="reception_cards", verbose_name="кто ведёт приём"
    )
    authority = models.ForeignKey(Authority, models.PROTECT, related_name="cards", verbose_name="полномочие")
    authorised = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name="чьё полномочие",
        help_text="Должностное лицо приказа: вести приём может только оно (п. 35.1).",
    )
    applicant = models.ForeignKey(Applicant, models.PROTECT, related_name="receptions", verbose_name="заявитель")
    room = models.ForeignKey(Room, models.PROTECT, related_name="+", verbose_name="помещение")
    room_video = models.BooleanField("в помещении есть видеосистема", help_text="На момент выбора помещения.")
    room_audio = models.BooleanField("в помещении есть аудиосистема", help_text="На момент выбора помещения.")
    room_why = models.JSONField("почему помещение подходит", default=list)

    document = models.CharField("документ", max_length=10, choices=Document, blank=True)
    document_other = models.CharField("какой документ", max_length=200, blank=True)
    document_matches = models.BooleanField("данные совпали", null=True, blank=True)
    document_note = models.CharField("расхождения", max_length=500, blank=True)
    document_number = models.CharField("номер документа, скрытый", max_length=20, blank=True)
    document_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто сверил"
    )
    document_at = models.DateTimeField("когда сверен", null=True, blank=True)

    informed_at = models.DateTimeField("сообщено о записи", null=True, blank=True)
    consent_text = models.CharField("редакция текста о записи", max_length=40, blank=True)
    video = models.CharField("видеопротоколирование", max_length=12, choices=Consent, blank=True)
    audio = models.CharField("аудиопротоколирование", max_length=12, choices=Consent, blank=True)

    started_at = models.DateTimeField("начат", null=True, blank=True)
    introduced_at = models.DateTimeField("представился", null=True, blank=True)
    applied_before = models.BooleanField("обращались ли ранее", null=True, blank=True)
    applied_where = models.TextField("куда и в каком порядке", blank=True)
    finished_at = models.DateTimeField("завершён", null=True, blank=True)
    finished_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="кто завершил"
    )
    pdf = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="карточка (PDF)"
    )
    invitation = models.OneToOneField(
        Invitation, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="приглашение оценить"
    )
    ended_why = models.CharField("почему не состоялся", max_length=300, blank=True)
    from_paper = models.BooleanField("внесена с бумажной карточки", default=False)
    paper_number = models.CharField("номер бланка", max_length=40, blank=True)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто завёл")
    opened_at = models.DateTimeField("заведена", auto_now_add=True)
    version = models.PositiveIntegerField("версия", default=1)

    class Meta:
        verbose_name = "карточка личного приёма"
        verbose_name_plural = "карточки личного приёма"
        ordering = ["-opened_at", "-pk"]
        constraints = [
            # п. 35.1: the official of the card is the one its order authorises; nobody else is put there.
            models.CheckConstraint(condition=Q(authorised=F("official")), name="card_official_is_authorised"),
            models.CheckConstraint(
                condition=~Q(state__in=("open", "paused", "finished")) | Q(started_at__isnull=False),
                name="card_begun_has_its_hour",
            ),
            # п. 35.3: who has held the reception ends it.
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(finished_by__isnull=False, finished_by=F("official")),
                name="card_finished_by_its_official",
            ),
            # п. 35.2 пп. 1: nobody is received without his document compared with the card.
            models.CheckConstraint(
                # A check that comes to NULL passes: «not compared» is asked for by name.
                condition=Q(state__in=("check_in", "ended"))
                | Q(document_matches__isnull=False, document_matches=True, document_at__isnull=False),
                name="card_document_checked",
            ),
            # п. 35.2 пп. 2: he was told, and said what he thinks of it.
            models.CheckConstraint(
                condition=Q(state__in=("check_in", "ended"))
                | (Q(informed_at__isnull=False) & ~Q(video="") & ~Q(audio="")),
                name="card_consents_known",
            ),
            # п. 35.2 пп. 2: without consent to video the reception is not in a room that has the system.
            models.CheckConstraint(
                condition=~Q(state__in=("ready", "open", "finished"))
                | Q(room_video=False)
                | ~Q(video__in=("refused", "withdrawn")),
                name="card_no_video_no_video_room",
            ),
            # п. 35.3: the marks a finished card has.
            models.CheckConstraint(
                condition=~Q(state="finished")
                | Q(
                    introduced_at__isnull=False,
                    applied_before__isnull=False,
                    started_at__isnull=False,
                    finished_at__isnull=False,
                ),
                name="card_finished_with_its_marks",
            ),
            # п. 35.2 пп. 1: what document it was and who looked at it.
            models.CheckConstraint(
                condition=Q(state__in=("check_in", "ended")) | (~Q(document="") & Q(document_by__isnull=False)),
                name="card_document_by_whom",
            ),
            models.CheckConstraint(
                condition=~Q(document="other") | ~Q(document_other=""), name="card_other_document_named"
            ),
            # п. 35.2 пп. 2: what he was told, but where there is nothing to tell of.
            models.CheckConstraint(
                condition=Q(state__in=("check_in", "ended"))
                | ~Q(consent_text="")
                | Q(video="no_equipment", audio="no_equipment"),
                name="card_informed_by_a_text",
            ),
            # «Оборудования нет» is no way past the question in a room that has it.
            models.CheckConstraint(
                condition=~Q(state__in=("ready", "open", "finished"))
                | ((Q(room_video=False) | ~Q(video="no_equipment")) & (Q(room_audio=False) | ~Q(audio="no_equipment"))),
                name="card_no_equipment_is_true",
            ),
            models.CheckConstraint(condition=~Q(state="ended") | ~Q(ended_why=""), name="card_ended_says_why"),
            models.CheckConstraint(
                condition=Q(from_paper=False) | ~Q(paper_number=""), name="card_from_paper_names_its_blank"
            ),
            models.UniqueConstraint("paper_number", condition=~Q(paper_number=""), name="card_of_a_blank_once"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the card; a new one copies from its order whom that authorises."""
        if self._state.adding:
            self.authorised_id = self.authority.official_id
        super().save(*args, **kwargs)


class CardQuestion(models.Model):
    """One question of a reception with its own outcome (п. 35.3)."""

    class Outcome(models.TextChoices):
        OPEN = "", "не решён"
        ORAL = "oral", "дан устный ответ"
        WRITTEN = "written", "будет письменный ответ"
        EXPLAINED = "explained", "разъяснено, куда обратиться"
        REFUSED = "refused", "отказано: ответ уже давался"

    class Way(models.TextChoices):
        """Where the written answer goes (п. 35.3)."""

        POST = "post", "почтой"
        EMAIL = "email", "электронной почтой"

    card = models.ForeignKey(ReceptionCard, models.PROTECT, related_name="questions", verbose_name="карточка")
    position = models.PositiveSmallIntegerField("номер вопроса")
    text = models.TextField("суть вопроса")
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="тема")
    need = models.ForeignKey(
        Need, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="типовая потребность"
    )
    outcome = models.CharField("исход", max_length=10, choices=Outcome, blank=True)
    facts_evident = models.BooleanField("факты очевидны", default=False)
    oral_consent = models.BooleanField("согласен на устный ответ", default=False)
    answer = models.TextField("ответ, разъяснение или основание отказа", blank=True)
    material = models.PositiveBigIntegerField("материал Базы знаний", null=True, blank=True)
    answered_before = models.ForeignKey(
        Appeal, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="где уже отвечали"
    )
    appeal = models.OneToOneField(
        Appeal, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="обращение"
    )
    way = models.CharField(
        "как ответить", max_length=5, choices=[("post", "почтой"), ("email", "электронной почтой")], blank=True
    )
    address = models.CharField("адрес для ответа", max_length=500, blank=True)
    decided_at = models.DateTimeField("когда решено", null=True, blank=True)

    class Meta:
        verbose_name = "вопрос личного приёма"
        verbose_name_plural = "вопросы личного приёма"
        ordering = ["card", "position"]
        constraints = [
            models.UniqueConstraint("card", "position", name="card_question_once"),
            models.CheckConstraint(
                condition=~Q(outcome="oral") | (Q(facts_evident=True, oral_consent=True) & ~Q(answer="")),
                name="oral_answer_evident_and_agreed",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="written") | (~Q(way="") & ~Q(address="")), name="written_answer_has_address"
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=("explained", "refused")) | ~Q(answer=""), name="outcome_is_explained"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="refused") | Q(answered_before__isnull=False), name="refusal_names_the_answer"
            ),
            models.CheckConstraint(
                condition=Q(appeal=None) | Q(outcome="written"), name="question_with_a_case_is_written"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="written") | Q(appeal__isnull=False), name="written_answer_is_a_case"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card}: {self.position}"


class CardHandover(models.Model):
    """A reception handed to another official with powers for that day; attempts refused are in the journal."""

    card = models.ForeignKey(ReceptionCard, models.PROTECT, related_name="handovers", verbose_name="карточка")
    was = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто вёл")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кому передан")
    authority = models.ForeignKey(Authority, models.PROTECT, related_name="+", verbose_name="полномочие")
    ground = models.CharField("основание", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто передал")
    at = models.DateTimeField("когда", auto_now_add=True)

    class Meta:
        verbose_name = "передача приёма"
        verbose_name_plural = "передачи приёма"
        constraints = [
            # п. 35.1: a ground is named, and it goes to somebody else.
            models.CheckConstraint(condition=~Q(ground=""), name="handover_names_its_ground"),
            models.CheckConstraint(condition=~Q(to=F("was")), name="handover_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.card}: {self.to}"


class Instruction(models.Model):
    """An order to an executor given at a reception, with a day and its report (поручение)."""

    card = models.ForeignKey(ReceptionCard, models.PROTECT, related_name="instructions", verbose_name="карточка")
    text = models.TextField("что сделать")
    executor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="instructions", verbose_name="исполнитель"
    )
    due_on = models.DateField("срок")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто поручил")
    at = models.DateTimeField("когда", auto_now_add=True)
    report = models.TextField("что сделано", blank=True)
    remark = models.CharField("что доделать", max_length=500, blank=True)
    done_at = models.DateTimeField("исполнено", null=True, blank=True)
    accepted_at = models.DateTimeField("снято с контроля", null=True, blank=True)

    class Meta:
        verbose_name = "поручение с приёма"
        verbose_name_plural = "поручения с приёма"
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at=None, accepted_at=None) | (Q(done_at__isnull=False) & ~Q(report="")),
                name="instruction_accepted_when_reported",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card}: {self.executor}"


class Recording(models.Model):
    """A file of sound or picture, kept apart; none where the consent is absent."""

    class Kind(models.TextChoices):
        VIDEO = "video", "видео"
        AUDIO = "audio", "аудио"

    card = models.ForeignKey(ReceptionCard, models.PROTECT, related_name="recordings", verbose_name="карточка")
    kind = models.CharField("вид", max_length=5, choices=Kind)
    consent = models.CharField("согласие", max_length=12, default="", help_text="Каким было, когда приложили.")
    stored = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="файл")
    name = models.CharField("имя", max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="кто приложил")
    at = models.DateTimeField("когда", auto_now_add=True)
    keep_until = models.DateField("хранить до")

    class Meta:
        verbose_name = "запись приёма"
        verbose_name_plural = "записи приёмов"
        constraints = [
            # Nothing is kept of what he did not agree to.
            models.CheckConstraint(condition=Q(consent="given"), name="recording_with_consent"),
        ]

    def __str__(self) -> str:
        return f"{self.card}: {self.get_kind_display()}"
