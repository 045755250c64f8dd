"""Every channel, every way the other side may fail: nothing is lost, nothing is doubled, everything is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels import contract


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, contract.Case]]:
    """Start the other side of each adapter when its first case is tried."""
    started: dict[str, contract.Case] = {}
    yield started
    for case in started.values():
        case.stop()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("case", "code"), [pytest.param(case, code, id=f"{case.name}-{code}") for case, code in contract.tried()]
)
def test_the_contract_holds(
    case: contract.Case, code: str, running: dict[str, contract.Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.name not in running:
        case.start()
        running[case.name] = case
    monkeypatch.setattr("otklik.channels.wire.SECONDS", contract.SECONDS)
    case.open(monkeypatch)
    contract.hold(case, code)


def test_a_case_that_is_not_tried_says_why() -> None:
    for case in contract.cases():
        assert set(case.does_not_apply) <= set(contract.CASES)
        assert all(len(why) > 10 for why in case.does_not_apply.values())


def test_every_channel_a_program_works_is_tried() -> None:
    from otklik.channels.handover.handed import CHANNELS
    from otklik.channels.registry import all_channels

    codes = {case.code for case in contract.cases()}
    assert set(all_channels()) <= codes
    assert codes & set(CHANNELS)


def test_the_table_of_the_documentation_is_the_one_that_is_tried() -> None:
    print(contract.table())  # noqa: T201 shown with -s
    assert contract.TABLE.read_text() == contract.table(), "PYTHONPATH=. python -m tests.channels.contract"
