"""The steps of a script as its author puts them together."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from wagtail import blocks
from wagtail.blocks.list_block import ListBlockValidationError
from wagtail.blocks.stream_block import StreamBlockValidationError
from wagtail.blocks.struct_block import StructBlockValidationError

STAGES = [
    ("greeting", "приветствие"),
    ("question", "выяснение вопроса"),
    ("answer", "ответ"),
    ("holding", "удержание на линии"),
    ("transfer", "перевод звонка"),
    ("conflict", "конфликтная ситуация"),
    ("ending", "завершение"),
    ("farewell", "прощание"),
    ("call_back", "перезвон после пропущенного"),
]


class Branch(blocks.StructBlock):
    """Where an answer of the caller leads."""

    heard = blocks.CharBlock(label="если услышали", max_length=200)
    go_to = blocks.CharBlock(label="перейти к шагу", max_length=100, help_text="Название шага этого сценария.")

    class Meta:
        label = "ветка"


class Step(blocks.StructBlock):
    """One step: what is said aloud, and what the employee keeps in mind."""

    stage = blocks.ChoiceBlock(choices=STAGES, label="этап")
    name = blocks.CharBlock(label="название шага", max_length=100)
    say = blocks.TextBlock(label="что сказать", rows=3, help_text="Короткие фразы, их читают вслух.")
    hint = blocks.TextBlock(label="подсказка сотруднику", required=False, rows=2, help_text="Вслух не читают.")
    branches = blocks.ListBlock(Branch(), label="что дальше", default=[], required=False)

    class Meta:
        label = "шаг"
        icon = "list-ol"


class ScriptSteps(blocks.StreamBlock):
    """All steps of a script; their names differ, and every branch leads to one of them."""

    step = Step()

    def clean(self, value: Any, **kwargs: Any) -> Any:
        """Refuse two steps of one name, and a branch that leads nowhere, at the very field."""
        cleaned = super().clean(value, **kwargs)
        names = [step.value["name"].strip() for step in cleaned]
        errors: dict[int, ValidationError] = {}
        for number, step in enumerate(cleaned):
            if names.index(names[number]) < number:
                wrong = ValidationError("Шаг с таким названием уже есть. Назовите этот иначе.")
                errors[number] = StructBlockValidationError(block_errors={"name": wrong})
                continue
            lost = {
                at: StructBlockValidationError(
                    block_errors={
                        "go_to": ValidationError("Такого шага нет. Впишите название шага, как оно стоит выше.")
                    }
                )
                for at, branch in enumerate(step.value["branches"])
                if branch["go_to"].strip() not in names
            }
            if lost:
                branches = ListBlockValidationError(block_errors=lost)
                errors[number] = StructBlockValidationError(block_errors={"branches": branches})
        if errors:
            raise StreamBlockValidationError(block_errors=errors)
        return cleaned
