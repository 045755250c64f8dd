"""What is written or asked for at once may have more values than a statement of the database bears."""

from __future__ import annotations

from datetime import date

import pytest

from otklik.reports.models import KeptMonth

ROWS = 7_000  # of fourteen fields: 98 000 values, PostgreSQL takes 65 535 in a statement


@pytest.mark.django_db
def test_more_rows_than_fit_into_one_statement_are_written_and_found_all():
    rows = [
        KeptMonth(key=str(one), level="all", event="came", month=date(2026, 1, 1), number=one, marks={"1": one})
        for one in range(ROWS)
    ]
    KeptMonth.objects.bulk_create(rows)
    KeptMonth.objects.bulk_update(rows, ["number", "marks"])
    found = KeptMonth.objects.in_bulk([*(row.key for row in rows), *(f"no {one}" for one in range(70_000))])
    assert {row.number for row in found.values()} == set(range(ROWS))
