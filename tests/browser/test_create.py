"""Create: prices while choosing, a fallback watched, a clip from a still, a viewer's part."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio

PROMPT = "A lamplighter on the quay at blue hour, the first lamp catches"


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


def compose(page: Page, prompt: str = PROMPT) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)


def priced(page: Page) -> None:
    """Wait until the price belongs to what is in the form."""
    expect(page.locator(".price")).to_have_attribute("aria-busy", "false")


def generate(page: Page) -> None:
    priced(page)
    page.get_by_role("button", name="Generate").click()


def test_an_image_falls_back_in_sight_and_its_clip_follows(
    desk: Callable[..., Desk], gateway: Gateway
) -> None:
    one = desk(role="creator", user="ann")
    page = one.open("create")
    gateway.script("dalle", "quota")
    gateway.script("nanobanana", "slow")

    compose(page)
    expect(page.get_by_test_id("chain")).to_have_text("dalle then nanobanana then midjourney")
    expect(page.locator(".price-now")).to_have_text("$0.0200")
    generate(page)
    said = page.locator(".stage [aria-live]")
    expect(said).to_have_text("dalle: over its quota or spending limit, trying nanobanana")
    one.picture("create-running-dark")
    expect(page.locator(".stage-price")).to_contain_text("$0.0100 paid of $0.0200 expected")

    attempts = page.locator(".stage .attempts li")
    expect(attempts).to_contain_text(["dalle", "nanobanana"])
    expect(said).to_contain_text("made by nanobanana for $0.0100")
    assert shown(page, "img.take") == {"width": 1376, "height": 768}
    expect(offer(page, "dalle")).to_contain_text("suspended until")
    one.look("create-image")

    page.get_by_role("button", name="Make a clip from this").click()
    page.get_by_role("radio", name="flow").check()
    page.get_by_role("radio", name="push in").check()
    page.get_by_role("slider", name="Duration").fill("1")
    expect(page.locator(".price-now")).to_have_text("$0.0009")
    one.look("create-clip")
    generate(page)
    page.locator("video.take").wait_for(timeout=60_000)

    page.locator("video.take").evaluate(
        "v => v.readyState >= 2 || new Promise((can) => v.addEventListener('canplay', can))"
    )
    assert shown(page, "video.take") == {"width": 1280, "height": 720}
    assert page.locator("video.take").evaluate("v => v.play().then(() => v.duration)") == 1
    one.picture("create-made-clip-dark")


def shown(page: Page, selector: str) -> dict[str, int]:
    """The size of the picture itself, which is 0 for one that did not arrive."""
    found: dict[str, int] = page.locator(selector).evaluate(
        "e => ({width: e.naturalWidth ?? e.videoWidth, height: e.naturalHeight ?? e.videoHeight})"
    )
    return found


def test_prices_and_reasons_follow_every_choice_and_rows_stay_where_they_are(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    page = desk(studio).open("create")
    compose(page)
    priced(page)
    names = page.locator(".offer strong").all_inner_texts()

    page.get_by_label("In which order").select_option("cheapest")
    expect(page.get_by_test_id("chain")).to_have_text("nanobanana then midjourney then dalle")
    expect(page.locator(".price-now")).to_have_text("$0.0100")
    page.get_by_label("Quality", exact=True).select_option("high")
    expect(offer(page, "nanobanana")).to_contain_text("quality high is not offered")
    assert page.locator(".offer strong").all_inner_texts() == names

    page.get_by_role("radio", name="Clip", exact=True).check()
    expect(offer(page, "flow")).to_contain_text("needs a keyframe")
    expect(offer(page, "sora")).to_contain_text("not now")
    page.get_by_label("Resolution").select_option("4k")
    expect(page.locator(".price-figures")).to_contain_text("Nobody can make this")
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()


def offer(page: Page, provider: str):
    return page.locator(".offer").filter(has=page.get_by_role("radio", name=provider))


def test_an_answer_to_an_older_question_never_shows(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    page = desk(studio).open("create")
    priced(page)

    def hold_back(route) -> None:
        if "held back" in (route.request.post_data or ""):
            page.wait_for_timeout(700)
        route.continue_()

    page.route("**/v1/estimates", hold_back)
    compose(page, "held back")
    page.wait_for_timeout(350)
    page.get_by_label("In which order").select_option("cheapest")
    compose(page, "the newer wish")

    expect(page.locator(".price-now")).to_have_text("$0.0100")
    page.wait_for_timeout(800)
    expect(page.locator(".price-now")).to_have_text("$0.0100")
    page.unroute_all(behavior="wait")


def test_a_repeat_after_a_lost_answer_buys_nothing_twice(
    desk: Callable[..., Desk], gateway: Gateway, studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("ERR_")
    page = one.open("create")
    wish = f"{PROMPT}, once only"
    compose(page, wish)
    priced(page)

    def lose_the_answer(route) -> None:
        route.fetch()
        route.abort()

    page.route("**/v1/generations", lose_the_answer, times=1)
    generate(page)
    page.get_by_text("cannot be reached").first.wait_for()
    generate(page)
    expect(page.locator(".stage-price")).to_contain_text("paid of")

    assert gateway.paid_jobs(wish) == [("dalle", "0.0200")]


def test_what_takes_too_long_is_cancelled_where_it_is_watched(
    desk: Callable[..., Desk], gateway: Gateway, studio: Studio
) -> None:
    page = desk(studio).open("create")
    gateway.script("midjourney", "stuck")
    compose(page)
    page.get_by_role("radio", name="midjourney").check()
    generate(page)
    expect(page.locator(".stage [aria-live]")).to_have_text("asking midjourney")

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator(".stage [aria-live]")).to_have_text(re.compile("cancelling|cancelled"))
    assert page.get_by_role("button", name="Cancel", exact=True).count() == 0


def test_a_limit_below_the_price_is_told_where_the_price_stands(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("402", "422")
    page = one.open("create")
    compose(page)
    page.get_by_text("Cost limit, negative prompt").click()

    page.get_by_label("Cost limit").fill("0.0001")

    expect(page.locator(".price .fault")).to_be_visible()
    expect(page.get_by_role("button", name="Generate")).to_be_disabled()


def test_a_viewer_compares_and_is_offered_nothing_that_would_be_refused(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    page = desk(studio, role="viewer").open("create")

    expect(page.locator(".price-now")).to_have_text("$0.0200")
    expect(page.get_by_text("Your role looks and compares")).to_be_visible()
    assert page.get_by_role("button", name="Generate").count() == 0


def test_what_was_typed_outlives_other_views_and_a_reload(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    page = one.open("create")
    compose(page, "kept words")

    one.open("library")
    one.open("create")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("kept words")
    page.reload()

    expect(page.get_by_label("Prompt", exact=True)).to_have_value("kept words")
    assert json.loads(page.evaluate("sessionStorage['filmgate-draft']"))["prompt"] == "kept words"


def test_a_keyboard_alone_composes_and_starts(desk: Callable[..., Desk], studio: Studio) -> None:
    page = desk(studio).open("create")
    priced(page)

    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Image", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("By keyboard alone")
    expect(page.get_by_role("button", name="Generate")).to_be_enabled()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Generate":
            break
    page.keyboard.press("Enter")

    expect(page.locator(".stage-price")).to_contain_text("paid of")


def test_without_a_connection_the_page_says_so_and_goes_on_by_itself(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("ERR_INTERNET_DISCONNECTED")
    page = one.open("create")
    priced(page)

    page.context.set_offline(True)
    expect(page.get_by_text("No connection to the studio")).to_be_visible()
    one.picture("offline-dark")
    page.context.set_offline(False)

    expect(page.get_by_text("No connection to the studio")).to_be_hidden()
