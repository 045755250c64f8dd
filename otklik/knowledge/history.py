"""What authors do at `/cms/` as rows of our journal: Wagtail writes its own log, each line of it is recorded here."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from wagtail.models import ModelLogEntry, PageLogEntry

from otklik.core import journal


def connect() -> None:
    """Listen to Wagtail's logs of pages and of dictionaries."""
    post_save.connect(_page_changed, sender=PageLogEntry, dispatch_uid="knowledge.history.page")
    post_save.connect(_row_changed, sender=ModelLogEntry, dispatch_uid="knowledge.history.row")


def _page_changed(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw:
        chain = f"material:{instance.page_id}"
        journal.record(instance.action, chain=chain, by=instance.user, revision=instance.revision_id)


def _row_changed(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if created and not raw:
        kind = ".".join(instance.content_type.natural_key()) if instance.content_type else ""
        journal.record(
            instance.action,
            chain=f"dictionary:{instance.content_type_id}",
            by=instance.user,
            row=instance.object_id,
            kind=kind,
        )
