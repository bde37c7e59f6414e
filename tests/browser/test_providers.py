"""Providers: order by keys and by pointer, keys set and tested, settings that meet another's."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


def order(page: Page, medium: str = "Images") -> list[str]:
    names: list[str] = (
        page.get_by_role("region", name=medium, exact=True).locator("h3").all_inner_texts()
    )
    return names


def card(page: Page, provider: str) -> Locator:
    return page.get_by_role("article", name=provider, exact=True)


def setting_up(page: Page, provider: str) -> Locator:
    found = card(page, provider)
    found.get_by_role("button", name="Set up").click()
    found.get_by_role("form", name="Settings of").wait_for()
    return found


def test_an_arrow_changes_who_is_asked_first_and_the_chain_follows(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    page = one.open("providers")
    assert order(page) == ["dalle", "nanobanana", "midjourney"]

    page.get_by_role("button", name="Ask nanobanana earlier").press("Enter")
    expect(page.get_by_text("Images are asked in the order nanobanana, dalle")).to_be_visible()
    expect(page.get_by_role("button", name="Ask nanobanana later")).to_be_focused()
    one.open("create")

    expect(page.get_by_test_id("chain")).to_have_text("nanobanana then dalle then midjourney")


def test_a_row_is_dragged_to_another_place(desk: Callable[..., Desk], studio: Studio) -> None:
    page = desk(studio).open("providers")
    before = order(page, "Clips")

    card(page, before[0]).locator(".handle").drag_to(card(page, before[2]))

    expect(page.get_by_text("Clips are asked in the order")).to_be_visible()
    assert order(page, "Clips")[:3] == [before[1], before[2], before[0]]
    listed = [
        one["id"] for one in studio.api.get("/v1/providers")["items"] if one["type"] == "video"
    ]
    assert listed == order(page, "Clips")


def test_a_key_is_set_tested_replaced_and_removed_and_never_shown(
    desk: Callable[..., Desk], gateway: Gateway
) -> None:
    studio = gateway.empty_studio()
    studio.api.put(
        "/v1/settings/providers/dalle", {"api_url": f"{gateway.stack.simulators_url}/dalle"}
    )
    one = desk(studio)
    page = one.open("providers")
    dalle = setting_up(page, "dalle")
    expect(dalle.locator(".provider-key")).to_have_text("no key")

    dalle.get_by_label("API key", exact=True).fill("wrong-canary-key")
    dalle.get_by_role("button", name="Store key").click()
    expect(dalle.get_by_text("key refused")).to_be_visible()
    expect(dalle.locator(".provider-key")).to_have_text("key …-key")
    dalle.get_by_label("New API key").fill("sim-right-canary-1234")
    dalle.get_by_role("button", name="Replace key").click()
    expect(dalle.get_by_text("the key works")).to_be_visible()
    assert "canary" not in page.content()
    assert page.locator("input[type=password]").first.input_value() == ""
    dalle.get_by_role("button", name="Test key").click()
    expect(dalle.get_by_text("the key works")).to_be_visible()
    one.look("providers-set-up")

    dalle.get_by_role("button", name="Remove key").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove key").click()

    expect(dalle.locator(".provider-key")).to_have_text("no key")


def test_a_key_of_two_parts_is_asked_for_by_its_parts(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    page = desk(studio).open("providers")
    kling = setting_up(page, "kling")

    kling.get_by_role("radio", name="access key + secret key").check()
    kling.get_by_label("access key", exact=False).last.fill("sim-access")
    kling.get_by_role("button", name="Replace key").click()

    expect(kling.get_by_text("Fill in every part of the key.")).to_be_visible()


def test_a_save_over_somebody_else_s_is_held_and_shown(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("412")
    page = one.open("providers")
    whan = setting_up(page, "whan")
    studio.api.put("/v1/settings/providers/whan", {"on_refusal": "stop"})

    whan.get_by_label("Limit a month").fill("3.0000")
    whan.get_by_role("button", name="Save settings").click()
    expect(whan.get_by_text("Somebody changed this meanwhile")).to_be_visible()
    expect(whan.get_by_text("on refusal is now stop")).to_be_visible()
    assert studio.api.get("/v1/settings/providers/whan")["monthly_limit"] is None
    whan.get_by_role("button", name="Save settings").click()

    expect(page.get_by_text("The settings of whan are saved.")).to_be_visible()
    stored = studio.api.get("/v1/settings/providers/whan")
    assert (stored["monthly_limit"], stored["on_refusal"]) == ("3.0000", "stop")


def test_an_address_that_is_not_allowed_is_told_at_its_field(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("422")
    page = one.open("providers")
    veo = setting_up(page, "veo")

    veo.get_by_label("Address of its API").fill("https://evil.example")
    veo.get_by_role("button", name="Save settings").click()

    expect(veo.get_by_label("Address of its API")).to_have_attribute("aria-invalid", "true")
    expect(veo.locator(".fault")).to_be_visible()


def test_a_provider_is_switched_off_and_its_offer_says_so(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio)
    page = one.open("providers")

    card(page, "midjourney").get_by_role("checkbox").click()
    expect(page.get_by_text("midjourney is off.")).to_be_visible()
    one.look("providers")
    one.open("create")

    expect(page.locator(".offer").filter(has_text="midjourney")).to_contain_text(
        "switched off in the settings"
    )


def test_who_is_no_admin_sees_how_providers_do_and_no_way_to_change_them(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    page = desk(studio, role="creator").open("providers")

    expect(card(page, "sora")).to_contain_text("Retired by its vendor on 24 Sept 2026; ask kling")
    expect(card(page, "dalle")).to_contain_text("$0.0200 per image")
    card(page, "dalle").get_by_role("button", name="More").click()
    expect(card(page, "dalle").get_by_role("table")).to_contain_text("gpt-image")
    assert page.get_by_role("button", name="Ask dalle").count() == 0
    assert page.locator("main form").count() == 0
    expect(card(page, "dalle").get_by_role("checkbox")).to_be_disabled()
