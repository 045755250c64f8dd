"""Guides of docs/channels/ are shown in the product as they are written, and nothing in them is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from otklik.correspondence.models import ChannelCode
from otklik.workplace import channels, guides
from tests.appeals.conftest import World

WRITTEN = """# Канал

Первый абзац
в две строки, `ключ` и **важно**.
1. Один
   с продолжением
2. Два [сайт](https://dev.example/a?b=1&c=2), [план](plan.md)

- Раз

| Видно | Делать |
|---|---|
| <script>x</script> | ничего |

```
POST /hooks/vk/ <b>
```
Конец <https://max.example>
"""


def test_the_little_markdown_guides_are_written_in() -> None:
    blocks = list(guides.read(WRITTEN))
    assert [block.kind for block in blocks] == ["heading", "text", "numbers", "list", "table", "code", "text"]
    assert blocks[1].lines == ["Первый абзац в две строки, <code>ключ</code> и <strong>важно</strong>."]
    assert blocks[2].lines[0] == "Один с продолжением"
    assert 'href="https://dev.example/a?b=1&amp;c=2"' in blocks[2].lines[1]
    assert "план" in blocks[2].lines[1]
    assert "plan.md" not in blocks[2].lines[1]
    assert blocks[4].rows == [["Видно", "Делать"], ["&lt;script&gt;x&lt;/script&gt;", "ничего"]]
    assert blocks[5].lines == ["POST /hooks/vk/ &lt;b&gt;"]
    assert 'href="https://max.example"' in blocks[6].lines[0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "no_such_channel", "a" * 50])
def test_no_other_file_is_shown(name: str) -> None:
    assert guides.find(name) == []


def test_a_program_takes_a_channel_in_only_with_a_guide() -> None:
    from otklik.channels.registry import all_connected

    for code in all_connected():
        assert guides.find(channels._guide_of(code)), code


@pytest.mark.django_db
def test_every_guide_there_is_opens_in_the_product(world: World) -> None:
    client = Client()
    admin = world.employee("admin", "Админова", world.hq, ["admin"])
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    folder = Path(__file__).parents[2] / "docs" / "channels"
    for code in ChannelCode.values:
        there = (folder / f"{Path(channels._guide_of(code)).stem}.md").is_file()
        answer = client.get(reverse("workplace:channel_guide", args=[code]))
        assert answer.status_code == (200 if there else 404), code


@pytest.fixture
def world(db: None) -> World:
    return World()
