"""The scripts of the line that come with the product: whole, with nowhere to get lost, polite."""

from __future__ import annotations

import re

import pytest

from otklik.knowledge import defaults
from otklik.knowledge.models import Script, Section
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
# What a consultant must not say (domain: comparable procedures); a name of a person is filled in for both genders.
FORBIDDEN = re.compile(
    r"не знаю|вы не правы|не вешайте|не кладите|нельзя|никогда|вынужден|понял[а ]|рад[а ]", re.IGNORECASE
)

SHOWN = {
    "greeting": "Приветствие",
    "holding": "Попросить подождать",
    "transfer": "Перевести звонок",
    "conflict": "Снять напряжение",
    "farewell": "Прощание",
}


@pytest.fixture
def general(db: None) -> Section:
    return defaults.plant_general(World().registry)


def test_a_clean_installation_has_every_stage_of_a_call(general: Section) -> None:
    scripts = list(Script.objects.child_of(general).live())
    stages = {step.value["stage"] for script in scripts for step in script.steps}
    assert stages >= {"greeting", "question", "answer", "holding", "transfer", "conflict", "ending", "farewell"}
    assert stages >= {"call_back"}
    assert [one.title for one in scripts if one.steps[0].value["stage"] == "greeting"] == [
        "Входящий звонок на консультационную линию"
    ]
    firsts = {
        stage: next(one for one in scripts[0].steps if one.value["stage"] == stage).value["name"] for stage in SHOWN
    }
    assert firsts == SHOWN  # what the call screen shows beside its buttons is the first step of a stage
    [ending] = [one for script in scripts for one in script.steps if one.value["stage"] == "ending"]
    assert not ending.value["branches"]  # it offers to end the conversation, and nothing else


def test_every_branch_leads_to_a_step_and_an_author_can_save_what_is_shipped(general: Section) -> None:
    for script in Script.objects.child_of(general):
        names = {step.value["name"] for step in script.steps}
        assert len(names) == len(script.steps)
        for step in script.steps:
            assert {branch["go_to"] for branch in step.value["branches"]} <= names
        reached, waiting = set[str](), [script.steps[0].value["name"]]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                [step] = [one for one in script.steps if one.value["name"] == name]
                waiting += [branch["go_to"] for branch in step.value["branches"]]
        assert names - reached <= {"Принять из ЕКЦ"}, script.title  # a call that comes from there begins with it


def test_nothing_is_said_that_the_rules_forbid(general: Section) -> None:
    scripts = list(Script.objects.all())
    said = {step.value["name"]: step.value["say"] for script in scripts for step in script.steps}
    assert {name: words for name, words in said.items() if FORBIDDEN.search(words)} == {}
    assert (
        "QR-код" in {step.value["name"]: step.value["hint"] for script in scripts for step in script.steps}["Прощание"]
    )
    assert "извинения" in said["Извиниться"]
