"""Totals of a month: what a tally says by day, provider and type."""

from filmgate.domain import totals


def test_a_report_takes_the_parts_of_one_kind_and_leaves_out_what_is_nothing() -> None:
    tally = {"count": 3, "day_22": 5_000, "day_09": 7_000, "day_10": 0, "provider_dalle": 12_000}

    assert totals.parts(tally, totals.DAY) == {"09": 7_000, "22": 5_000}
    assert totals.parts(tally, totals.PROVIDER) == {"dalle": 12_000}
    assert totals.parts(tally, totals.TYPE) == {}
