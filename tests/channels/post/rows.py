"""Rows of post behind the addresses of the desk."""

from __future__ import annotations

from django.utils import timezone

from otklik.appeals import dispatch
from otklik.appeals.models import Appeal, AppealMessage
from otklik.channels.post import lists
from otklik.channels.post.models import ScanBatch, ScanLetter, ScanPage
from otklik.core import files
from otklik.correspondence import delivery, inbox
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.channels.post import scans
from tests.desk import at


def at_every_address(world: World) -> dict[str, int]:
    """Leave a scan whose borders wait for a look, a letter of another that waits, a list with a letter on it."""
    batch, _ = scan(world.clerk, "check", b"one")
    done, page = scan(world.clerk, "done", b"two")
    letter = ScanLetter.objects.create(
        batch=done, first=1, last=1, pdf=done.original, message=world.message(subject="Письмо со скана")
    )
    made = lists.make([dispatch.send(world.signed(), by=world.clerk).message], by=world.clerk)
    return {
        "scans": batch.pk,
        "scan-pages": page.pk,
        "scan-letters": letter.pk,
        "post-lists": made.pk,
        "post-items": made.items.get().pk,
    }


def scan(
    by: Employee, state: str, content: bytes, *, picture: bytes = b"\xff\xd8\xff\xe0picture"
) -> tuple[ScanBatch, ScanPage]:
    """Leave a scan of one page."""
    batch = ScanBatch.objects.create(
        original=files.store(b"%PDF-1.7 " + content, name="scan.pdf"), name="scan.pdf", source="upload", state=state,
        received_on=timezone.localdate(), added_by=by, pages_total=1,
    )  # fmt: skip
    kept = files.store(picture, name="picture.jpg")
    page = ScanPage.objects.create(
        batch=batch, number=1, state="read", starts=True, text="Прошу ответить", picture=kept
    )
    return batch, page


def pages(clerk: Employee, appeal: Appeal) -> list[str]:
    """Leave the same in a department that lives; return the pages."""
    picture = scans.as_jpeg(scans.sheet_of(scans.SECOND, dpi=50), dpi=50)
    batch, _ = scan(clerk, "check", b"one", picture=picture)
    reading, _ = scan(clerk, "reading", b"two", picture=picture)
    done, _ = scan(clerk, "done", b"three", picture=picture)
    message = inbox.write_down(
        channel="post", contact_point=None, sender_name="Зайцева Мария Петровна", subject="Забор", text=scans.SECOND,
        received_at=timezone.now(), by=clerk,
    )  # fmt: skip
    ScanLetter.objects.create(batch=done, first=1, last=1, pdf=done.original, message=message)
    letter = delivery.queue(
        thread=appeal.thread, channel="post", kind="notice", recipient="630000, г. Новосибирск, ул. Выдуманная, 1",
        text="Уведомление", by=clerk,
    )  # fmt: skip
    made = lists.make([letter], by=clerk)
    places = (f"scans/{batch.pk}/", f"scans/{reading.pk}/", f"scans/{done.pk}/", f"scans/{done.pk}/register/")
    return [f"/desk/{place}" for place in (*places, f"post-lists/{made.pk}/")]


def doors(world: World) -> dict[str, str]:
    """Leave a registered letter from a scan and a list; return the addresses that give files of theirs."""
    appeal = world.registered()
    message = AppealMessage.objects.get(appeal=appeal).message
    batch, page = scan(world.clerk, "done", b"a letter of somebody")
    pdf = files.store(scans.as_pdf(scans.blank(50), dpi=50), name="pismo.pdf")
    letter = ScanLetter.objects.create(batch=batch, first=1, last=1, pdf=pdf, message=message)
    made = lists.make([dispatch.send(world.signed(), by=world.clerk).message], by=world.clerk)
    return {
        "scan_separator": at("scan_separator"),
        "scan_picture": at("scan_picture", page.pk),
        "scan_copy": at("scan_copy", letter.pk),
        "scan_label": at("scan_label", letter.pk),
        "post_list_table": at("post_list_table", made.pk),
    }
