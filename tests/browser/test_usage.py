"""Usage at the page: the figures are the gateway's, the file is harmless, the filters hold."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.hostile import HOSTILE
from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio, prompt

Desks = Callable[..., Desk]
FORMULA = "+cmd|' /C'!A0"
MARKUP = "<img src=x onerror=window.hurt=1>"


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    """A studio with two paid pictures, a refused one, and a clip of another size than ordered."""
    assert {FORMULA, MARKUP} <= set(HOSTILE)
    studio = gateway.studio()
    gateway.script("dalle", "refuse")
    studio.make(type="image", prompt=prompt(), project=FORMULA)
    studio.make(type="image", prompt=prompt(), provider="dalle", project=MARKUP)
    gateway.script("kling", "wrong_size", code="size")
    studio.make(
        type="video", prompt=prompt(), provider="kling",
        params={"duration_s": 3, "resolution": "1080p"},
    )  # fmt: skip
    gateway.control("reset", {"only": ["faults"]})
    return studio


def test_a_month_is_shown_as_the_gateway_tells_it(desk: Desks, studio: Studio) -> None:
    totals = studio.api.get("/v1/usage/summary")
    one = desk(studio)
    page = one.open("usage")
    page.locator(".rows tbody tr").nth(3).wait_for()

    tiles = page.locator(".sum-tiles .large").all_inner_texts()
    assert tiles == [
        f"${totals['total_spent']}",
        f"${totals['estimate_against_actual']['estimated']}",
        f"{totals['success_rate']} %",
        "–",
    ]
    shares = page.get_by_role("list", name="By provider").locator("li .figure:not(.quiet)")
    assert shares.all_inner_texts() == sorted(
        (f"${spent}" for spent in totals["by_provider"].values()), reverse=True
    )
    assert page.locator(".by-day rect.bar-value").count() in (28, 29, 30, 31)
    assert page.locator(".rows td", has_text=FORMULA).count() == 2
    one.look("usage")

    page.get_by_role("link", name="Otherwise than ordered").click()
    expect(page.locator(".rows tbody tr")).to_have_count(1)
    expect(page.locator(".rows tbody tr")).to_contain_text("1280x720 pixels")
    one.look("usage-discrepancies")


def test_filters_hold_for_the_rows_and_for_the_file(
    desk: Desks, studio: Studio, tmp_path: Path
) -> None:
    one = desk(studio)
    page = one.open("usage?status=success")
    expect(page.locator(".rows tbody tr")).to_have_count(3)

    page.get_by_label("Type", exact=True).select_option("image")
    expect(page.locator(".rows tbody tr")).to_have_count(2)
    with page.expect_download() as saved:
        page.get_by_role("button", name="All rows as CSV").click()
    saved.value.save_as(tmp_path / "usage.csv")

    rows = list(csv.DictReader(io.StringIO((tmp_path / "usage.csv").read_text(), newline="")))
    assert {row["project"] for row in rows} == {f"'{FORMULA}", MARKUP}
    assert {row["status"] for row in rows} == {"success"}

    page.get_by_role("button", name="The month before").click()
    page.get_by_text("No attempts").wait_for()
    expect(page.locator(".sum-tiles .large").first).to_have_text("$0.0000")
    one.picture("usage-empty-dark")


def test_a_creator_sees_what_is_theirs(desk: Desks, studio: Studio) -> None:
    one = desk(studio, role="creator", user="ann")
    page = one.open("usage")

    page.get_by_text("No attempts").wait_for()

    expect(page.get_by_role("heading", name="By user")).to_have_count(0)
