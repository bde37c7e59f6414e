"""Tokens and the trail at the page: one is made, works, is revoked, and both stand in the trail."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from local.api import Api
from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio

Desks = Callable[..., Desk]


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.empty_studio()


def test_a_token_is_made_seen_once_and_revoked(desk: Desks, studio: Studio) -> None:
    one = desk(studio, user="owner")
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    one.watch.allow("422")
    page = one.open("tokens")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_label("Whose").fill("ben smith")
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("Letters, digits and").wait_for()
    page.get_by_label("Whose").fill("ben")
    page.get_by_label("Note").fill("<b>laptop</b>")
    one.look("tokens-make")
    page.get_by_role("button", name="Make it").click()

    token = page.get_by_label("Token", exact=True).input_value()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == token
    assert Api(one.url, token).call("GET", "/v1/me").body["role"] == "creator"
    page.get_by_role("button", name="Done").click()
    assert token not in page.content()
    expect(page.locator("tbody tr", has_text="<b>laptop</b>")).to_contain_text(token[-4:])
    one.look("tokens")

    page.get_by_role("button", name="Revoke the token of ben").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.locator("tbody tr", has_text="<b>laptop</b>")).to_contain_text("revoked")
    states = {made["user"]: made["state"] for made in studio.api.get("/v1/tokens")["items"]}
    assert states["ben"] == "revoked"

    one.open("audit?action=token.made")
    made = page.locator(".trail li").first
    expect(made).to_contain_text("owner made a token")
    expect(made).to_contain_text("<b>laptop</b>")
    page.get_by_label("What").select_option("token.revoked")
    expect(page.locator(".trail li")).to_have_count(1)
    page.get_by_label("What").select_option("")
    page.locator(".trail li").nth(2).wait_for()
    one.look("audit")


def test_who_is_no_admin_finds_neither_tokens_nor_the_trail(desk: Desks, studio: Studio) -> None:
    page = desk(studio, role="creator").open("tokens")

    page.get_by_text("Nothing here").wait_for()

    expect(page.get_by_role("link", name="Tokens")).to_have_count(0)
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
