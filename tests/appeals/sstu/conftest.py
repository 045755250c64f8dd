"""A department whose month can be reported: our identifier in ССТУ, shortcuts for what a month may hold."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import dispatch, registration, signature
from otklik.appeals.models import Appeal, SstuRun, SstuUpload, SstuVolume
from otklik.appeals.sstu import checking, dictionary, forming, selecting, uploads
from otklik.appeals.sstu.checking import Line
from otklik.appeals.sstu.selecting import Month
from otklik.core import files
from otklik.correspondence import inbox
from otklik.correspondence.models import ContactPoint, IncomingMessage
from tests.appeals.conftest import World as Department

OURS = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
OTHERS = "7c2cfae4-7a57-4a2f-8f6f-0c2d3f0d9d11"
TEXT = b"%PDF-1.7 text"


class World(Department):
    """The usual department, and shortcuts to its month."""

    def __init__(self) -> None:
        super().__init__()
        rule = dictionary.rule()
        rule.department_id, rule.basis, rule.valid_from = OURS, "письмо", date(2024, 1, 1)
        self.rule = dictionary.keep_rule(rule, by=self.clerk)

    @property
    def month(self) -> Month:
        return selecting.of(timezone.localdate())

    def keep(self, **changes: Any) -> None:
        rule = dictionary.rule()
        for name, value in changes.items():
            setattr(rule, name, value)
        dictionary.keep_rule(rule, by=self.clerk)

    def sent(self, appeal: Appeal | None = None, *, scan: bytes = b"") -> Appeal:
        """Bring an appeal to an answer that has left."""
        appeal = self.approved(appeal)
        answer = signature.freeze(appeal, signer=self.signer, by=self.executor)
        today = timezone.localdate()
        if scan:
            signature.sign_paper(answer, io.BytesIO(scan), signed_on=today, by=self.clerk)
        else:
            signature.sign_sed(answer, number="01-23/45", signed_on=today, by=self.clerk)
        dispatch.send(self.again(answer.appeal), by=self.clerk)
        return self.again(answer.appeal)

    def from_elsewhere(self, channel: str, **facts: Any) -> Appeal:
        """Register a letter under a covering letter."""
        message: IncomingMessage = self.message(channel=channel)
        if facts:
            inbox.add_facts(message, schema="governor/1", data={"identified": True, **facts})
        point = ContactPoint.objects.filter(channel=channel).first()
        entry = self.entry(**({"contact_point": point} if point else {}))
        return registration.register(message, entry, by=self.clerk)

    def line(self, appeal: Appeal, month: Month | None = None) -> Line:
        [line] = checking.lines_of(month or self.month, Appeal.objects.filter(pk=appeal.pk))
        return line

    def said(self, appeal: Appeal, month: Month | None = None) -> dict[str, Any]:
        """Return what a file would say of an appeal, bytes of answers replaced."""
        document = forming.document(self.line(appeal, month).request, lambda _: TEXT)
        loaded: dict[str, Any] = json.loads(forming.dumped(document))
        return loaded

    def formed(self, *chosen: int, month: Month | None = None) -> SstuRun:
        run = uploads.ask(month or self.month, chosen=chosen, by=self.clerk)
        assert uploads.work_next()
        run.refresh_from_db()
        return run

    def inside(self, run: SstuRun) -> dict[str, dict[str, Any]]:
        """Return what stands in the volumes of a run, by the number of the appeal."""
        found = {}
        for volume in SstuVolume.objects.filter(run=run):
            assert volume.stored is not None
            with zipfile.ZipFile(files.path_of(volume.stored)) as archive:
                for name in archive.namelist():
                    said = json.loads(archive.read(name))
                    found[said["number"]] = said
        return found

    def upload(self, appeal: Appeal) -> SstuUpload:
        return SstuUpload.objects.get(appeal=appeal, current=True, month=self.month.first)


@pytest.fixture
def world(db: None) -> World:
    return World()
