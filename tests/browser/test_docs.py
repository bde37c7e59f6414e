"""The API page: it shows what is described, and what is tried there is sent for real."""

from collections.abc import Callable

import pytest

from openapi.operations import OPERATIONS
from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


def test_an_operation_is_found_read_and_tried_with_a_token_entered_once(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, signed_in=False)
    page = one.page
    page.goto(f"{one.url}/docs")
    page.get_by_role("heading", name="Filmgate API").wait_for()
    assert page.locator("main .list li").count() == len(OPERATIONS)
    one.look("docs")

    page.get_by_label("Token").fill(studio.token("ann", "creator"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.get_by_label("Find an operation").fill("generations watch")
    page.get_by_text("No operation has these words.").wait_for()
    page.get_by_label("Find an operation").fill("what one request")
    page.get_by_role("navigation").get_by_role("link", name="What one request would cost").click()
    page.get_by_label("Example").select_option("image")
    page.get_by_role("button", name="Send").click()

    answer = page.get_by_label("The answer's body")
    answer.get_by_text('"quote_id": "quo_').wait_for()
    page.get_by_text("Fields of Estimate", exact=True).click()
    page.get_by_text("What the first eligible provider costs.").wait_for()
    page.locator(".answer summary", has_text="example").click()
    page.locator(".answer pre", has_text='"quote_id": "quo_').wait_for()
    page.locator(".answer summary", has_text="validation-failed").click()
    one.look("docs-operation")


def test_every_operation_can_be_opened_and_a_refusal_is_shown_as_it_came(
    desk: Callable[..., Desk], studio: Studio
) -> None:
    one = desk(studio, role="viewer")
    one.watch.allow("403")
    page = one.page
    page.goto(f"{one.url}/docs")
    for operation in OPERATIONS:
        page.evaluate("id => { location.hash = `#/${id}` }", operation.id)
        page.get_by_role("heading", level=1, name=operation.summary, exact=True).wait_for()

    page.evaluate("location.hash = '#/set_budget'")
    page.get_by_role("heading", level=1, name="Set a monthly limit").wait_for()
    page.get_by_role("button", name="Send").click()

    page.get_by_label("The answer's body").get_by_text('"code": "forbidden"').wait_for()
    command = page.locator(".try details pre").first.text_content() or ""
    assert command.startswith("curl -X PUT \"$FILMGATE_URL\"'/v1/budgets/owner'")
