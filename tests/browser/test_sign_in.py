"""Sign-in, the frame around the views, and what the first view weighs."""

from collections.abc import Callable

import pytest

from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio

FIRST_VIEW_BYTES = 150_000


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


def sign_in(one: Desk, token: str) -> None:
    one.page.get_by_label("Token").fill(token)
    one.page.get_by_role("button", name="Sign in").click()


def test_who_has_no_token_is_asked_for_one_and_a_wrong_one_is_told(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, signed_in=False)
    one.watch.allow("401")
    one.page.goto(one.url)
    one.look("sign-in")

    sign_in(one, "fg_not_a_token")
    one.page.get_by_text("The gateway does not know this token.").wait_for()
    sign_in(one, studio.token("ann", "creator"))

    one.page.get_by_role("button", name="Sign out").wait_for()
    assert one.page.locator(".who").inner_text() == "ann creator"


def test_a_token_lives_in_its_tab_and_signing_out_forgets_it(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, signed_in=False)
    one.page.goto(one.url)
    sign_in(one, studio.token("ann", "creator"))
    one.page.get_by_role("button", name="Sign out").wait_for()

    one.page.reload()
    one.page.get_by_role("button", name="Sign out").click()

    one.page.get_by_label("Token").wait_for()
    assert one.page.evaluate("[sessionStorage.length, document.cookie]") == [0, ""]
    assert "fg_" not in one.page.evaluate("JSON.stringify(localStorage)")


def test_a_token_that_is_no_longer_good_leads_back_to_the_sign_in(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, signed_in=False)
    one.watch.allow("401")
    one.page.goto(one.url)

    one.page.evaluate("sessionStorage.setItem('filmgate-token', 'fg_of_last_year')")
    one.page.reload()

    one.page.get_by_text("Your token is no longer good").wait_for()
    assert one.page.evaluate("sessionStorage.length") == 0


def test_the_first_view_is_small(
    desk: Callable[..., Desk], studio: Studio, figure: Callable[[str], None]
) -> None:
    one = desk(studio)
    one.open("create")
    one.page.reload()
    one.page.locator(".price-now").wait_for()

    taken: list[dict] = one.page.evaluate(
        """[...performance.getEntriesByType("resource"),
            ...performance.getEntriesByType("navigation")]
           .filter((one) => one.name.startsWith(location.origin))
           .map((one) => ({name: one.name, sent: one.transferSize, size: one.encodedBodySize}))"""
    )
    usable_ms = one.page.evaluate("performance.now()")
    again = sum(entry["sent"] for entry in taken)
    first = sum(entry["size"] for entry in taken) + 300 * len(taken)  # with room for headers
    figure(
        f"studio page: first view {first / 1000:.0f} kB in {len(taken)} answers, "
        f"{again / 1000:.0f} kB when it was seen before, usable after {usable_ms:.0f} ms"
    )
    assert first < FIRST_VIEW_BYTES


def test_colours_follow_the_system_until_somebody_chooses(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, mode="light")
    one.open("library")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = one.page.evaluate(background)

    one.page.get_by_role("button", name="theme").click()
    dark = one.page.evaluate(background)
    one.page.reload()

    assert light != dark
    one.page.get_by_role("button", name="dark theme").wait_for()
    assert one.page.evaluate(background) == dark
