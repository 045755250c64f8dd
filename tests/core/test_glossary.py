"""Every thing of the domain has one line in the glossary."""

import re
from pathlib import Path

import pytest
from django.apps import apps

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"


def lines():
    return [
        (word.strip(), russian.strip())
        for english, russian, _ in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", GLOSSARY.read_text(), re.MULTILINE)
        for word in english.split(",")
        if english != "English"
    ]


def own_models():
    return [model for model in apps.get_models() if model.__module__.startswith("otklik.")]


@pytest.mark.parametrize("model", own_models(), ids=lambda model: model.__name__)
def test_a_model_is_in_the_glossary(model):
    word = re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).lower()
    assert word in {english.replace("co-", "co ") for english, _ in lines()}, f"add «{word}» to docs/glossary.md"


def test_a_word_stands_once():
    english = [word for word, _ in lines()]
    assert sorted(english) == sorted(set(english))
