"""Storyboards at the page: from a list to a film, and everything that stands in between."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.hostile import HOSTILE
from tests.browser.support import Desk
from tests.e2e.gateway import Gateway, Studio

Desks = Callable[..., Desk]

LAMP = """number,prompt,scene,clip_provider,duration_s,resolution,aspect_ratio,motion
1,A lamp in the fog,quay,flow,1,720p,16:9,push_in
2,A still of the harbour,,none,,,16:9,
3,The lamplighter turns,quay,flow,1,720p,16:9,pan_left
"""
MADE_MS = 60_000


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Studio:
    return gateway.studio()


@pytest.fixture
def draft(desk: Desks, studio: Studio) -> Desk:
    """An admin at an empty draft."""
    one = desk(studio, user="owner")
    one.open("storyboard/draft")
    one.page.get_by_text("No shots yet").wait_for()
    return one


def drop(page: Page, text: str, name: str = "lamp.csv") -> None:
    """Let a file fall on the draft, as a hand would."""
    held = page.evaluate_handle(
        "([text, name]) => { const held = new DataTransfer();"
        " held.items.add(new File([text], name)); return held; }",
        [text, name],
    )
    page.dispatch_event(".editor", "drop", {"dataTransfer": held})


def prompts(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "tbody [data-cell=prompt]", "cells => cells.map((cell) => cell.value)"
    )


def cell(page: Page, column: str, row: int) -> Any:
    return page.locator(f"tbody [data-cell={column}]").nth(row)


def test_a_csv_becomes_a_film(draft: Desk, studio: Studio, tmp_path: Path) -> None:
    page = draft.page
    drop(page, LAMP)
    expect(page.locator(".sum-total")).to_have_text("$0.0618")
    draft.look("storyboard-draft")

    page.reload()
    expect(page.locator(".sum-total")).to_have_text("$0.0618")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("is being made").wait_for()
    expect(page.locator("h1 + .state")).to_have_text("succeeded", timeout=MADE_MS)

    expect(page.locator(".told")).to_have_text("3 of 3 done")
    expect(page.locator(".groups li")).to_have_text("shots 1, 3: keyframe by dalle")
    expect(page.locator(".sheet img")).to_have_count(3)
    page.wait_for_function(
        "[...document.querySelectorAll('.sheet img')].every((one) => one.naturalWidth > 0)"
    )
    draft.look("storyboard")
    made = studio.api.get("/v1/storyboards")["items"][0]
    assert (made["state"], made["title"]) == ("succeeded", "lamp")

    page.get_by_role("button", name="Play the film").click()
    seen = [page.locator(".caption b").inner_text()]
    draft.picture("film-dark")
    for number in (2, 3):
        expect(page.locator(".caption b")).to_have_text(f"Shot {number}")
        seen.append(f"Shot {number}")
    page.get_by_role("button", name="Play", exact=True).wait_for()  # it stops by itself at its end
    assert seen == ["Shot 1", "Shot 2", "Shot 3"]
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Shot 3, succeeded: details").click()
    expect(page.locator(".attempts")).to_contain_text("flow")
    draft.look("storyboard-shot")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="List of takes, CSV").click()
    saved.value.save_as(tmp_path / "takes.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "takes.csv").read_text(), newline="")))
    assert [(row["shot"], row["part"], row["provider"]) for row in rows] == [
        ("1", "keyframe", "dalle"), ("1", "clip", "flow"), ("2", "keyframe", "dalle"),
        ("3", "keyframe", "dalle"), ("3", "clip", "flow"),
    ]  # fmt: skip

    files: list[Download] = []
    page.on("download", lambda one: files.append(one))  # noqa: PLW0108 (Playwright takes no builtin)
    page.get_by_role("button", name="Export").click()
    with page.expect_download(lambda _: len(files) == 5):
        page.get_by_role("button", name="All 5 files").click()
    assert sorted(one.suggested_filename[-4:] for one in files) == [".mp4"] * 2 + [".png"] * 3
    assert all(one.path().stat().st_size > 1000 for one in files)

    page.get_by_role("button", name="New draft of this").click()
    expect(page.locator(".sum-total")).to_have_text("$0.0618")
    assert cell(page, "motion", 2).input_value() == "pan_left"


def test_strategies_stand_side_by_side_and_a_choice_changes_the_price(draft: Desk) -> None:
    page = draft.page
    drop(page, "prompt,clip_provider\nA fox,none\nA hare,none\n")
    expect(page.locator(".sum-total")).to_have_text("$0.0400")

    page.get_by_role("radio", name="Cheapest").check(force=True)

    expect(page.locator(".sum-total")).to_have_text("$0.0200")
    assert page.locator(".strategy-total").all_inner_texts() == [
        "$0.0400", "$0.0200", "$0.0400", "$0.0400", "$0.0400",
    ]  # fmt: skip
    assert page.locator("tbody .col-price").first.inner_text().startswith("$0.0100")


def test_what_is_wrong_is_shown_at_its_cell_and_line(draft: Desk) -> None:
    page = draft.page
    draft.watch.allow("422")
    drop(page, "prompt,mood\nA fox,grim\n")
    expect(page.get_by_role("alert")).to_contain_text("Line 1, column mood")

    drop(page, "prompt,duration_s,motion\nA fox,5,\nA hare,soon,\nAn owl,5,jump\n")
    expect(page.get_by_role("alert")).to_contain_text("2 things stand in the way")
    draft.look("storyboard-faults")
    page.get_by_role("button", name="Shot 2, Seconds").click()
    assert cell(page, "duration_s", 1).get_attribute("aria-invalid") == "true"
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    cell(page, "motion", 2).select_option("push_in")

    expect(page.locator("[aria-invalid=true]")).to_have_count(0)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_what_does_not_fit_is_an_offer_to_act_on(draft: Desk, studio: Studio) -> None:
    page = draft.page
    draft.watch.allow("402")
    drop(page, "prompt,clip_provider\nA fox,none\nA hare,none\nAn owl,none\n", "fit.csv")
    page.get_by_label("Budget in USD").fill("0.03")
    expect(page.locator(".room-told")).to_contain_text("$0.0300 too much")

    page.get_by_role("button", name="Start", exact=True).click()
    offer = page.get_by_role("alert", name="What would fit")
    expect(offer).to_contain_text("make shots 1–3 with the cheapest provider")
    draft.look("storyboard-offer")
    page.get_by_role("button", name="Do that and start").click()

    expect(page.locator("h1 + .state")).to_have_text("succeeded", timeout=MADE_MS)
    head = studio.api.get("/v1/storyboards")["items"][0]
    made = studio.api.get(f"/v1/storyboards/{head['id']}")
    assert made["actual_cost"] == "0.0300"
    assert {shot["keyframe"]["provider"] for shot in made["shots"]} == {"nanobanana"}


def test_shots_are_written_and_moved_with_keys_and_mouse(draft: Desk) -> None:
    page = draft.page
    page.get_by_role("button", name="Add a shot").click()
    for words in ("one", "two", "three"):
        page.keyboard.type(words)
        page.keyboard.press("Enter")
    page.keyboard.type("four")
    assert prompts(page) == ["one", "two", "three", "four"]

    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    assert prompts(page) == ["one", "three", "two", "four"]
    assert page.evaluate("document.activeElement.value") == "three"
    expect(page.get_by_text("The shot is now in place 2 of 4.")).to_be_attached()

    first = page.locator(".grip").first.bounding_box()
    last = page.locator("tr.shot").last.bounding_box()
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(first["x"] + 5, last["y"] + last["height"] - 4, steps=4)
    expect(page.locator(".drop-after, .drop-before")).not_to_have_count(0)
    page.mouse.up()
    assert prompts(page) == ["three", "two", "four", "one"]

    page.get_by_role("button", name="Remove shot 2").click()
    assert prompts(page) == ["three", "four", "one"]
    page.get_by_role("button", name="Undo").click()
    assert prompts(page) == ["three", "two", "four", "one"]

    page.get_by_role("button", name="Duplicate shot 2").click()
    assert prompts(page) == ["three", "two", "two", "four", "one"]
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    page.get_by_text("No shots yet").wait_for()
    page.get_by_role("button", name="Undo").click()
    assert prompts(page) == ["three", "two", "two", "four", "one"]


def test_what_failed_is_made_again_and_a_running_one_can_be_cancelled(
    desk: Desks, gateway: Gateway, studio: Studio
) -> None:
    one = desk(studio, user="owner")
    gateway.script("dalle", "refuse", times=1)
    shots = [{"prompt": f"A fox, {n}", "keyframe": {"provider": "dalle"}} for n in range(2)]
    board = studio.api.post("/v1/storyboards", {"title": "Again", "shots": shots})

    page = one.open(f"storyboard/{board['id']}")
    expect(page.locator("h1 + .state")).to_have_text("partial", timeout=MADE_MS)
    expect(page.locator(".sheet .fault")).to_have_count(1)
    one.look("storyboard-partial")
    page.get_by_role("button", name="Make what is missing").click()
    expect(page.locator("h1 + .state")).to_have_text("succeeded", timeout=MADE_MS)

    gateway.script("dalle", "hang", seconds=20)
    slow = studio.api.post("/v1/storyboards", {"title": "Slow", "shots": shots})
    one.open(f"storyboard/{slow['id']}")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_role("button", name="Being cancelled").or_(
        page.locator("h1 + .state", has_text="cancelled")
    ).first.wait_for()


def test_a_scene_that_lost_its_provider_waits_for_a_word(
    desk: Desks, gateway: Gateway, studio: Studio
) -> None:
    one = desk(studio, user="owner")
    gateway.script("nanobanana", "refuse", times=3, after=1)
    shots = [{"prompt": f"The quay, {n}", "scene": "quay"} for n in range(3)]
    said = {"title": "Quay", "strategy": "cheapest", "continuity": "stop", "shots": shots}
    board = studio.api.post("/v1/storyboards", said)

    page = one.open(f"storyboard/{board['id']}")
    expect(page.locator("h1 + .state")).to_have_text("partial", timeout=MADE_MS)
    banner = page.get_by_role("region", name="Waits for your approval")
    expect(banner).to_contain_text("could not come from nanobanana")
    expect(page.get_by_role("button", name="Make what is missing")).to_have_count(0)
    one.look("storyboard-approval")
    banner.get_by_role("button", name="Go on with another provider").click()

    expect(page.locator("h1 + .state")).to_have_text("succeeded", timeout=MADE_MS)
    expect(banner).to_have_count(0)
    expect(page.locator(".groups")).to_contain_text("shots 1–3: keyframe by")


def test_a_hundred_hostile_prompts_are_text_in_the_grid_and_on_the_sheet(
    draft: Desk, studio: Studio
) -> None:
    page = draft.page
    board = studio.api.post("/v1/storyboards", {
        "title": HOSTILE[0], "project": HOSTILE[3],
        "shots": [{"prompt": one, "scene": one[:128].strip() or None} for one in HOSTILE],
    })  # fmt: skip
    studio.api.call("DELETE", f"/v1/storyboards/{board['id']}")

    draft.open(f"storyboard/{board['id']}")
    page.locator(".frame-prompt").nth(99).wait_for()
    assert page.eval_on_selector_all(
        ".frame-prompt", "all => all.map((one) => one.textContent)"
    ) == list(HOSTILE)
    assert page.locator("h1 bdi").inner_text() == HOSTILE[0]
    draft.picture("storyboard-hostile-dark")

    page.get_by_role("button", name="New draft of this").click()
    page.locator("tbody [data-cell=prompt]").nth(49).wait_for()
    shown = prompts(page)
    page.get_by_role("button", name="Later").click()
    page.locator("tr[data-place='50']").wait_for()
    shown += prompts(page)
    assert shown == [one.replace("\r\n", "\n") for one in HOSTILE]
    draft.as_in("phone")
    assert page.locator("main img, main iframe, main script, main object").count() == 0
    assert page.evaluate("window.hurt") is None


def test_a_viewer_prices_and_starts_nothing(desk: Desks, studio: Studio) -> None:
    one = desk(studio, role="viewer")
    page = one.open("storyboard")
    expect(page.get_by_role("link", name="Write one")).to_have_count(0)
    one.look("storyboards")

    one.open("storyboard/draft")
    page.get_by_role("button", name="Add a shot").click()
    page.keyboard.type("A fox")
    expect(page.locator(".sum-total")).to_have_text("$0.0267")
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)


def test_a_storyboard_that_is_not_there_is_told_and_without_a_network_it_waits(
    desk: Desks, studio: Studio
) -> None:
    one = desk(studio)
    one.watch.allow("404", "ERR_INTERNET_DISCONNECTED")
    page = one.open(f"storyboard/sb_{'a' * 26}")
    page.get_by_role("alert").wait_for()
    page.locator("h1").get_by_role("link", name="Storyboards").wait_for()

    one.open("storyboard/draft")
    page.get_by_role("button", name="Add a shot").click()
    page.context.set_offline(True)
    page.keyboard.type("A fox")
    page.get_by_text("cannot be reached").first.wait_for()
    one.picture("storyboard-offline")
    page.context.set_offline(False)

    expect(page.locator(".sum-total")).to_have_text("$0.0267")
