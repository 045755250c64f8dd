"""Administrators are told what is wrong with the system: once when it has lasted, once when it is mended."""

from __future__ import annotations

import shutil
import ssl
from collections import namedtuple
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache
from django.db import DatabaseError, OperationalError
from django.test import Client
from django.utils import timezone

from otklik.channels.mail.models import MailboxState
from otklik.core import clamd
from otklik.core.models import Backup, BackupDrill, Fault, Firing, Installation, WorkerBeat
from otklik.correspondence.models import IncomingMessage, OutgoingMessage, StaffLetter
from otklik.people.models import Employee
from otklik.reports import certificates, health
from otklik.search import reading
from otklik.workplace import faults, notice_mail
from otklik.workplace.models import Notice
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
Disk = namedtuple("Disk", "total used free")
GIGABYTE = 2**30


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def admin(world: World) -> Employee:
    one = world.employee("root", "Сисадминова", world.hq, ["admin"])
    Employee.objects.filter(pk=one.pk).update(email="root@d.example")
    return one


def beat(kind: str, **changes: Any) -> WorkerBeat:
    now = timezone.now()
    facts = {"process": f"host:{kind}", "host": "host", "version": "0.1.0", "started_at": now, "beat_at": now}
    return WorkerBeat.objects.create(**{**facts, "kind": kind, **changes})


@pytest.fixture
def healthy(admin: Employee, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Employee:
    """Give the administrator of a system that has nothing to complain of."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100 * GIGABYTE, 0, 80 * GIGABYTE))
    import otklik

    for kind in ("worker", "scheduler"):
        beat(kind, version=otklik.__version__)
    Firing.objects.create(job="sweep-files", planned_at=timezone.now(), state="done", finished_at=timezone.now())
    Installation.objects.get_or_create(id=1, defaults={"kind": "production"})
    now = timezone.now()
    Backup.objects.create(host="host", name="otklik-1.zip", finished_at=now)
    BackupDrill.objects.create(host="host", name="otklik-1.zip", finished_at=now)
    settings.INSECURE_HTTP = True
    assert list(faults.troubles()) == []
    return admin


def heard(employee: Employee) -> list[str]:
    return list(Notice.objects.filter(employee=employee).order_by("pk").values_list("text", flat=True))


def look(minutes: int = 0) -> None:
    faults.watch(timezone.now() + timedelta(minutes=minutes))


def certificate(folder: Path, days: int) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = timezone.now()
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=400), now + timedelta(days=days)
    )
    path = folder / "site.pem"
    path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def _disk(free: int) -> Any:
    def provoke(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(100 * GIGABYTE, 0, free * GIGABYTE))

    return provoke


def _dead(kind: str) -> Any:
    def provoke(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        WorkerBeat.objects.filter(kind=kind).update(beat_at=timezone.now() - timedelta(minutes=5))

    return provoke


def _indexer(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    settings.SEARCH_AT_ONCE = False
    gone = reading.Condition(is_kept=False, building=None, by_table=[], waiting=3, oldest=None, carried_at=None, size=0)
    monkeypatch.setattr(reading, "condition", lambda: gone)


def _clock(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    WorkerBeat.objects.filter(kind="worker").update(clock_ahead=400.0)


def _certificate(days: int) -> Any:
    def provoke(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        settings.TLS_CERTIFICATE = str(certificate(folder, days))

    return provoke


def _silent(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    now = timezone.now()
    settings.MAILBOXES, settings.MAIL_SILENT_HOURS = ["imaps://info:secret@mail.example/INBOX"], 8
    MailboxState.objects.create(name="info@mail.example/INBOX", polled_at=now)
    letter = world.email()
    IncomingMessage.objects.filter(pk=letter.pk).update(stored_at=now - timedelta(hours=9), state="registered")


def _late(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    Backup.objects.update(finished_at=timezone.now() - timedelta(days=3))


def _broken(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    Backup.objects.create(host="host", name="otklik-2.zip", error="OSError: No space left on device")


def _drill(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    BackupDrill.objects.create(host="host", name="otklik-1.zip", finished_at=timezone.now(), error="файл обрывается")


def _old_drill(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    BackupDrill.objects.update(finished_at=timezone.now() - timedelta(days=50))


def _stuck(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    world.signed(world.registered_email())
    OutgoingMessage.objects.update(state="queued", not_before=timezone.now() - timedelta(hours=1))


def _virus(days: int) -> Any:
    def provoke(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        settings.CLAMD = "tcp://127.0.0.1:1"
        made = timezone.now() - timedelta(days=days)
        monkeypatch.setattr(clamd, "version", lambda _: f"ClamAV 1.0.7/27500/{made:%a %b %d %H:%M:%S %Y}")

    return provoke


def _silent_clamd(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    settings.CLAMD = "tcp://127.0.0.1:1"


def _job(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    Firing.objects.create(job="backup", planned_at=timezone.now(), state="failed", finished_at=timezone.now())


FAULTS = [
    (_disk(2), "storage", "свободно 2,0 ГБ из 100,0 ГБ", "Освободите место"),
    (_disk(8), "storage", "свободно 8,0 ГБ из 100,0 ГБ", "Освободите место"),
    (_dead("worker"), "workers", "Обработчики (worker): не работает ни один", "systemctl start otklik-worker"),
    (_dead("scheduler"), "workers", "Планировщики (scheduler): не работает", "systemctl start otklik-scheduler"),
    (_indexer, "search", "Указатель этой машины: не ведётся", "journalctl"),
    (_clock, "clock", "часы спешат на 6 мин.", "chrony"),
    (_certificate(14), "certificate", "осталось дней: 13", "systemctl reload nginx"),
    (_certificate(-2), "certificate", "истёк", "Выпустите новый сертификат"),
    (_silent, "mailboxes", "Писем нет: последнее пришло", "пробное письмо"),
    (_late, "backups", "Последняя копия", "Сделайте копию"),
    (_broken, "backups", "Ошибка копирования", "Сделайте копию"),
    (_drill, "backups", "Учение по восстановлению", "Сделайте новую копию"),
    (_old_drill, "backups", "последнее прошло", "Проведите его"),
    (_stuck, "queues", "самое старое не отправлено", "Проверьте, что обработчик работает"),
    (_virus(9), "outside", "базе 9 дн.", "clamav-freshclam"),
    (_silent_clamd, "outside", "антивирус не отвечает", "clamav-daemon"),
    (_job, "jobs", "Резервная копия по расписанию: ошибка", "Задание повторится само"),
]


@pytest.mark.parametrize(("provoke", "area", "words", "do"), FAULTS, ids=lambda one: getattr(one, "__name__", str(one)))
def test_each_fault_is_seen_says_what_to_do_and_is_told_once(
    provoke: Any, area: str, words: str, do: str, healthy: Employee, world: World, settings: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    provoke(world, settings, monkeypatch, tmp_path)
    Notice.objects.all().delete()
    facts = next(one for one in health.areas() if one.code == area).facts
    [fact] = [one for one in facts if words in f"{one.title}: {one.text}"][:1]
    assert fact.level != health.GOOD
    assert do in fact.do
    look()
    assert heard(healthy) == [], "what has just begun may be over in a minute"
    look(3)
    look(4)
    [told] = [one for one in heard(healthy) if words in one]
    assert told.startswith(fact.title)


def test_who_was_told_of_a_fault_is_told_when_it_is_mended_and_by_mail_too(healthy: Employee) -> None:
    beat("worker", process="other", version="0.0.1").delete()
    WorkerBeat.objects.filter(kind="worker").delete()
    look()
    look(3)
    beat("worker")
    assert faults.watch() == 1
    assert faults.watch() == 0
    assert heard(healthy) == ["Обработчики (worker): не работает ни один", "Прошло: обработчики (worker)"]
    row = Fault.objects.get()
    assert row.told_at is not None
    assert row.mended_at is not None
    assert {one.path for one in Notice.objects.filter(employee=healthy)} == {"/desk/system/"}
    Notice.objects.update(mail_at=timezone.now())
    while notice_mail.work_next():
        pass
    letter = StaffLetter.objects.get(employee=healthy)
    assert "не работает ни один" in letter.text
    # The next time it is a fault of its own.
    WorkerBeat.objects.filter(kind="worker").delete()
    look()
    look(3)
    assert heard(healthy).count("Обработчики (worker): не работает ни один") == 2


def test_only_administrators_hear_and_what_passes_soon_is_told_to_nobody(healthy: Employee, world: World) -> None:
    WorkerBeat.objects.filter(kind="scheduler").delete()
    look()
    beat("scheduler", process="again")
    look(3)
    assert not Fault.objects.exists()
    assert not Notice.objects.exists()
    WorkerBeat.objects.filter(kind="scheduler").delete()
    look()
    look(3)
    assert set(Notice.objects.values_list("employee", flat=True)) == {healthy.pk}


def test_a_disk_of_another_machine_is_not_mended_by_this_one(healthy: Employee) -> None:
    now = timezone.now()
    far = Fault.objects.create(
        code="storage:Диск с данными@far", title="Диск с данными", text="x", seen_at=now, told_at=now
    )
    look()
    far.refresh_from_db()
    assert far.mended_at is None


def test_a_database_that_was_gone_is_told_of_when_it_is_back(
    healthy: Employee, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, other = faults.Watcher(-faults.EVERY), faults.Watcher(-faults.EVERY)

    def gone(*_: object) -> int:
        raise OperationalError("server closed the connection")

    with monkeypatch.context() as patch:
        patch.setattr(faults, "watch", gone)
        patch.setattr("otklik.config.health.beats.living", gone)
        assert not watcher.step()
        assert not other.step()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "no database"})
    for one in (watcher, other):
        assert one.gone_since is not None
        one.gone_since, one.looked = timezone.now() - timedelta(minutes=7), -faults.EVERY
        one.step()
    [told] = heard(healthy)
    assert told.startswith("База данных не отвечала с")
    assert "Сбои и бланки" in told


def test_a_page_without_its_database_says_in_russian_what_to_do(
    admin: Employee, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")

    def gone() -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("otklik.workplace.system.health.areas", gone)
    answer = client.get("/desk/system/")
    assert answer.status_code == 503
    assert "База данных или диск сейчас не отвечают" in answer.content.decode()
    assert answer["Retry-After"] == "60"


def test_a_defect_of_a_look_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise DatabaseError("column does not exist")

    monkeypatch.setattr(faults, "watch", broken)
    with pytest.raises(DatabaseError):
        faults.Watcher(-faults.EVERY).step()
    assert not faults.Watcher().step(), "a process that has just started looks later"


def test_the_certificate_of_the_address_is_asked_once_an_hour(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BASE_URL, settings.HTTPS, settings.TLS_CERTIFICATE = "https://otklik.example:8443", True, ""
    cache.clear()
    asked: list[tuple[str, int]] = []

    def ends(host: str, port: int) -> datetime:
        asked.append((host, port))
        return timezone.now() + timedelta(days=90)

    monkeypatch.setattr(certificates, "_of_address", ends)
    for _ in range(3):
        [fact] = list(health._certificate())
    assert fact.level == health.GOOD
    assert "otklik.example" in fact.text
    assert asked == [("otklik.example", 8443)]
    cache.clear()
    monkeypatch.undo()
    settings.BASE_URL, settings.HTTPS = "https://127.0.0.1:9", True
    [fact] = list(health._certificate())
    assert "не отвечает по https" in fact.text
    assert fact.do
    settings.TLS_CERTIFICATE = str(tmp_path / "none.pem")
    assert "не открывается" in next(iter(health._certificate())).text
    (tmp_path / "none.pem").write_text("hello")
    assert "нет сертификата" in next(iter(health._certificate())).text
    cache.clear()


def test_a_real_address_shows_until_when_its_certificate_holds(tmp_path: Path) -> None:
    import socket
    import threading

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = timezone.now().replace(microsecond=0)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=33)).sign(
        key, hashes.SHA256()
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path / "both.pem"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True):
                pass

        thread = threading.Thread(target=answer)
        thread.start()
        assert certificates._of_address("127.0.0.1", server.getsockname()[1]) == now + timedelta(days=33)
        thread.join()
