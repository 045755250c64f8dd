"""The rooms of the house: who knows whom, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import weakref
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db.models import signals
from django.db.models.base import ModelBase

from otklik.config import cli

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = [
    {room.strip(" ()") for room in layer.split("|")}
    for layer in PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
]


def room_of(module: str) -> tuple[str, int]:
    """Return the room a module stands in and its floor; the highest floor is 0."""
    for floor, rooms in enumerate(LAYERS):
        for room in rooms:
            if module == room or module.startswith(room + "."):
                return room, floor
    raise AssertionError(f"{module} stands in no room")


def our_models() -> list[Any]:
    return [model for model in apps.get_models(include_auto_created=True) if model.__module__.startswith("otklik.")]


def may_know(module: str, other: str) -> bool:
    (room, floor), (other_room, other_floor) = room_of(module), room_of(other)
    return room == other_room or floor < other_floor


def test_every_reference_stays_in_its_room_or_points_down() -> None:
    references = [
        (model, field.name, field.related_model)
        for model in our_models()
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.is_relation
        and isinstance(field.related_model, ModelBase)
        and field.related_model.__module__.startswith("otklik.")
    ]
    assert len(references) > 50
    user = settings.AUTH_USER_MODEL  # core names it by the setting, not by its room
    wrong = [
        f"{model._meta.label}.{name} -> {target._meta.label}"
        for model, name, target in references
        if target._meta.label != user and not may_know(model.__module__, target.__module__)
    ]
    assert wrong == []


def test_no_room_listens_to_the_models_of_another() -> None:
    ours = {id(model): model for model in our_models()}
    listening = []
    for signal in (signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete, signals.m2m_changed):
        for (_, sender), reference, *_ in signal.receivers:
            receiver = reference() if isinstance(reference, weakref.ref) else reference
            module = getattr(receiver, "__module__", "")
            if sender in ours and module.startswith("otklik."):
                listening.append((module, ours[sender].__module__))
    assert listening, "the knowledge room listens to its own pages"
    assert [pair for pair in listening if room_of(pair[0])[0] != room_of(pair[1])[0]] == []


@pytest.mark.once
def test_rooms_import_only_downwards() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.django_db
def test_no_model_waits_for_a_migration() -> None:
    said = StringIO()
    ours = sorted({model._meta.app_label for model in our_models()})
    call_command("makemigrations", *ours, check=True, dry_run=True, stdout=said)
    assert "No changes detected" in said.getvalue() or "Изменений" in said.getvalue()


@pytest.mark.once
def test_every_command_is_in_the_help() -> None:
    ours = {name for name, app in get_commands().items() if isinstance(app, str) and app.startswith("otklik.")}
    files = {path.stem for path in (ROOT / "otklik").rglob("management/commands/*.py") if not path.stem.startswith("_")}
    assert ours == files
    told = {line.split()[0]: line.split()[1:] for line in cli.overview().splitlines() if line.startswith("  ")}
    assert {name.replace("_", "-") for name in ours} <= set(told)
    assert [name for name, words in told.items() if not words] == []
