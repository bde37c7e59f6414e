"""Sign-in, the frame around the views, and what the first view weighs."""

from collections.abc import Callable

import pytest

from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio


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
