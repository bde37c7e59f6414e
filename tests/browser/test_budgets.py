"""Budgets and notices at the page: a limit is set, eighty percent of it passed, a notice comes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio, prompt

Desks = Callable[..., Desk]


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


def test_eighty_percent_of_a_limit_that_was_set_here_is_passed_and_told(
    desk: Desks, studio: Studio
) -> None:
    one = desk(studio, user="owner")
    page = one.open("budgets")
    one.picture("budgets-empty-dark")
    page.get_by_role("button", name="Set the limit of owner").click()
    page.get_by_label("Limit a month, in USD").fill("0.0250")
    page.get_by_label("Notices at, in percent").fill("50, 80")
    one.look("budgets-edit")
    page.get_by_role("button", name="Set it").click()
    expect(page.locator("[data-scope=owner]")).to_contain_text("$0.0250")

    studio.make(type="image", prompt=prompt(), provider="dalle", project="fog & mist")
    while page.locator(".notice-list li").count() < 2:
        page.wait_for_timeout(500)
        page.get_by_role("button", name="Look again").click()

    page.reload()
    notice = page.locator(".notice-list li").filter(has_text="at 80 %")
    expect(notice).to_contain_text("Approaching Budget Limit")
    expect(notice).to_contain_text("Used 80.0% of budget")
    expect(page.locator("[data-scope=owner]")).to_contain_text("80.0 % used")
    page.get_by_role("button", name="Months before, of owner").click()
    page.get_by_role("region", name="Months of owner").wait_for()
    page.get_by_role("button", name="Set the limit of project:fog & mist").click()
    page.get_by_label("Limit a month, in USD").fill("two")
    one.watch.allow("422")
    page.get_by_role("button", name="Set it").click()
    page.get_by_text("must be a decimal string").wait_for()
    page.get_by_label("Limit a month, in USD").fill("1")
    page.get_by_role("button", name="Set it").click()
    expect(page.locator("[data-scope='project:fog & mist']")).to_contain_text("2.0 % used")
    one.look("budgets")


def test_who_may_not_set_a_limit_is_not_offered_it(desk: Desks, studio: Studio) -> None:
    page = desk(studio, role="viewer").open("budgets")

    page.locator("[data-scope=owner]").wait_for()

    expect(page.get_by_role("button", name="Set the limit")).to_have_count(0)
    expect(page.get_by_role("button", name="Limit something else")).to_have_count(0)
