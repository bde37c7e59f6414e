"""The library: what was made, by filters and pages, with its lineage; hostile words stay words."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hostile import HOSTILE, shelve
from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio

PAGE = 24
OTHERS = ("plain", "A lamp")  # what was made beside the hostile ones


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    """A studio with a hundred generations of hostile words."""
    studio = gateway.studio()
    shelve(studio)
    return studio


@pytest.fixture(scope="module")
def made(gateway: Gateway, studio: Studio) -> dict:
    gateway.script("dalle", "refuse")
    return studio.make(
        type="image",
        prompt="A lamp",
        negative_prompt="people",
        project="the-lamplighter",
        shot_number=4,
        params={"aspect_ratio": "16:9", "seed": 7},
    )


def test_a_hundred_hostile_prompts_are_shown_as_the_text_they_are(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    page = one.open("library")
    more = page.get_by_role("button", name="Show more")
    seen = PAGE
    while seen < len(HOSTILE):
        expect(page.locator(".tile").nth(seen - 1)).to_be_attached()
        more.click()
        seen += PAGE
    expect(page.locator(".tile").nth(len(HOSTILE) - 1)).to_be_attached()

    shown = page.locator(".tile-prompt bdi").evaluate_all("all => all.map((e) => e.textContent)")
    wanted = [text if len(text) <= 500 else f"{text[:500]}…" for text in reversed(HOSTILE)]
    assert [text for text in shown if text not in OTHERS] == wanted
    assert page.evaluate("window.hurt") is None
    assert page.locator(".tile-prompt bdi > *").count() == 0
    one.as_in("phone")
    one.picture("library-hostile-phone")


def test_a_hostile_prompt_is_text_in_its_lineage_its_title_and_the_composer(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    items = studio.api.get("/v1/generations?limit=100")["items"]
    worst = [item for item in items if item["prompt"].startswith(("<img", "<svg", "\u202e"))][:3]

    for item in worst:
        page = one.open(f"library/{item['id']}")
        expect(page.locator(".prompt").first).to_have_text(item["prompt"])
        assert page.locator(".prompt > *").count() == 0
        expect(page).to_have_title(f"{item['prompt'][:60].strip()} · Filmgate")
    page = one.open("create")
    page.get_by_label("Prompt", exact=True).fill(HOSTILE[0])
    expect(page.locator(".price")).to_have_attribute("aria-busy", "false")

    assert page.evaluate("window.hurt") is None


def test_filters_live_in_the_address_and_an_empty_shelf_says_what_to_do(
    desk: Callable[..., Desk], studio: Studio, made: dict
) -> None:
    one = desk(studio)
    page = one.open("library")

    page.get_by_label("State").select_option("succeeded")
    expect(page.locator(".tile")).to_have_count(1)
    assert page.url.endswith("#/library?state=succeeded")
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    expect(page.locator(".tile img")).to_be_visible()
    one.look("library")
    page.get_by_label("State").select_option("failed")

    expect(page.get_by_text("Nothing fits these filters.")).to_be_visible()


def test_the_lineage_tells_words_model_seed_attempts_costs_and_hash(
    desk: Callable[..., Desk], studio: Studio, made: dict
) -> None:
    one = desk(studio)
    page = one.open(f"library/{made['id']}")
    page.locator("img.take").wait_for()

    told = page.locator(".lineage").inner_text()
    take, attempts = made["takes"][0], made["attempts"]
    assert page.locator("img.take").evaluate("e => e.naturalWidth") == take["width"]
    for text in (
        "A lamp",
        "people",
        "the-lamplighter",
        "7",
        take["sha256"],
        take["id"],
        made["id"],
        *(attempt["model"] for attempt in attempts),
        "refused by its content policy",
        "$0.0100",
        "$0.0200, at most",
        *made["warnings"],
    ):
        assert text in told
    one.look("library-lineage")


def test_what_is_not_there_is_told_with_the_request_it_was(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("404")

    page = one.open("library/gen_nothing")

    expect(page.get_by_role("alert")).to_contain_text("Request")


def test_a_new_studio_is_told_where_to_begin(desk: Callable[..., Desk], gateway: Gateway) -> None:
    one = desk(gateway.empty_studio())
    page = one.open("library")

    expect(page.get_by_role("link", name="Make the first image")).to_be_visible()
    one.look("library-empty")
