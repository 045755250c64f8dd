"""`otklik mail-in`: 0 only after the commit, 75 on any failure to store."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from otklik.channels.mail import intake
from otklik.correspondence.models import IncomingMessage
from tests.mail import letters


class _Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def pipe(content: bytes, monkeypatch, capsys) -> dict:
    monkeypatch.setattr(sys, "stdin", _Stdin(content))
    call_command("mail_in")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.django_db
def test_the_last_line_says_what_became_of_the_letter(monkeypatch, capsys):
    first = pipe(letters.letter(), monkeypatch, capsys)
    again = pipe(letters.letter().replace(b"\r\n", b"\n"), monkeypatch, capsys)
    assert first == {"status": "accepted", "message": IncomingMessage.objects.get().pk}
    assert again == {"status": "duplicate", "message": first["message"]}


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n" * 100, b"not a letter"])
def test_odd_and_empty_input_is_kept_too(content, monkeypatch, capsys):
    said = pipe(content, monkeypatch, capsys)
    assert said["status"] in {"accepted", "quarantined"}
    assert IncomingMessage.objects.get().pk == said["message"]


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("down"), OSError(28, "No space left"), MemoryError()])
def test_a_failure_to_store_is_75_and_leaves_no_row(error, monkeypatch, capsys):
    def fails(arrivals, **how):
        raise error

    monkeypatch.setattr(intake.inbox, "accept_each", fails)
    monkeypatch.setattr(sys, "stdin", _Stdin(letters.letter()))
    with pytest.raises(SystemExit) as stopped:
        call_command("mail_in")
    assert stopped.value.code == 75
    assert capsys.readouterr().out == ""
    assert not IncomingMessage.objects.exists()


@pytest.mark.django_db
def test_of_a_folder_the_letters_that_can_be_stored_are_and_the_rest_is_75(monkeypatch, capsys, tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.eml").write_bytes(letters.letter(message_id=f"<{number}@c.example>"))
    keep = intake.inbox.accept_each

    def fails_on_the_third(arrivals, **how):
        if any(one.external_id == "<2@c.example>" for one in arrivals):
            raise OSError(28, "No space left")
        return keep(arrivals, **how)

    monkeypatch.setattr(intake.inbox, "accept_each", fails_on_the_third)
    with pytest.raises(SystemExit) as stopped:
        call_command("mail_in", directory=tmp_path)
    assert stopped.value.code == 75
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["status"] for one in said] == ["accepted"] * 4
    monkeypatch.undo()
    call_command("mail_in", directory=tmp_path)
    said = [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]
    assert said == ["duplicate", "duplicate", "accepted", "duplicate", "duplicate"]


def run(
    tmp_path: Path, before: tuple[str, ...] = (), arguments: tuple[str, ...] = (), **env: str
) -> subprocess.CompletedProcess[bytes]:
    base = {**os.environ, "DJANGO_SETTINGS_MODULE": "otklik.config.settings", "OTKLIK_DATA": str(tmp_path)}
    command = [*before, sys.executable, "-c", "from otklik.config.cli import main; main()", "mail-in", *arguments]
    return subprocess.run(command, input=letters.letter(), env={**base, **env}, capture_output=True, check=False)


@pytest.mark.parametrize("broken", ["postgresql://u:p@127.0.0.1:1/x", "sqlite:////nonexistent/folder/x.sqlite3", ""])
def test_a_real_process_without_its_database_exits_with_75(broken, tmp_path):
    url = broken or f"sqlite:///{tmp_path / 'empty.sqlite3'}"  # a database without tables
    done = run(tmp_path, DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (75, b"")


def test_a_real_process_whose_database_file_is_corrupt_exits_with_75(tmp_path):
    path = tmp_path / "garbage.sqlite3"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select 1 from x")
    assert run(tmp_path, DATABASE_URL=f"sqlite:///{path}").returncode == 75


@pytest.mark.once
@pytest.mark.django_db
def test_a_real_process_whose_database_lies_in_a_read_only_folder_exits_with_75(tmp_path):
    open_folder, closed = tmp_path / "open", tmp_path / "closed"
    for folder in (open_folder, closed):
        folder.mkdir()
        copy_database(folder / "otklik.sqlite3")
    for one in (closed / "otklik.sqlite3", closed):
        one.chmod(one.stat().st_mode & ~0o222)
    plain = bound_by_modes()
    assert run(tmp_path, plain, DATABASE_URL=f"sqlite:///{open_folder / 'otklik.sqlite3'}").returncode == 0
    done = run(tmp_path, plain, DATABASE_URL=f"sqlite:///{closed / 'otklik.sqlite3'}")
    assert (done.returncode, done.stdout) == (75, b"")
    assert b"OperationalError" in done.stderr


def copy_database(to: Path) -> None:
    connection.ensure_connection()
    copy = sqlite3.connect(to)
    source = sqlite3.connect(connection.settings_dict["NAME"], uri=True)
    source.backup(copy)
    for one in (source, copy):
        one.close()


def bound_by_modes() -> tuple[str, ...]:
    """Return what takes from root the right to write where a file's mode forbids it."""
    if os.geteuid():
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("под root нужна программа setpriv (util-linux)")
    return ("setpriv", "--bounding-set=-dac_override", "--")


@pytest.mark.parametrize(
    ("env", "arguments"),
    [
        ({"OTKLIK_DATA": "/proc/nowhere"}, ()),
        ({"DATABASE_URL": "postgresql://u:p@127.0.0.1:port/x"}, ()),
        ({"OTKLIK_UPLOAD_MAX_MB": "twenty"}, ()),
        ({}, ("--pont", "email-info")),
    ],
)
def test_wrong_settings_and_options_are_75_too_so_that_no_letter_bounces(env, arguments, tmp_path):
    done = run(tmp_path, arguments=arguments, **env)
    assert (done.returncode, done.stdout) == (75, b"")


@pytest.mark.django_db
def test_letters_that_are_no_letters_are_told_apart_by_all_their_bytes(monkeypatch, capsys):
    odd = [
        b"",
        "Прошу помочь с участком".encode(),
        "Совсем другое".encode(),
        b"X-A: b\nTo: c\n",
        b"X-A: c\n\n",
        b"\xff\xfe\0\1",
    ]
    said = [pipe(content, monkeypatch, capsys) for content in odd + odd]
    assert [one["status"] == "duplicate" for one in said] == [False] * len(odd) + [True] * len(odd)
    assert len({one["message"] for one in said}) == len(odd)
