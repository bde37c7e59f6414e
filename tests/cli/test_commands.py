"""The commands against the real handlers, over a socket: what they ask, say, and end with."""

import json
from pathlib import Path

import pytest

from filmgate_cli.account import config_file
from tests.cli.conftest import TOKEN, Run
from tests.cli.door import Door, body_of
from tests.functions.test_verify import forge

VIEWER = "fg_studio_" + "viewer" * 7 + "x"
SHOTS = (
    "number,prompt,keyframe_provider,clip_provider\n1,A lamp,nanobanana,none\n2,Fog,dalle,none\n"
)


def shot_list(home: Path, text: str = SHOTS, name: str = "shots.csv") -> str:
    (home / name).write_text(text)
    return name


# --- prices


def test_an_estimate_shows_who_is_tried_and_the_most_it_can_cost(signed_in: Door, run: Run) -> None:
    said = run("estimate", "a lamp", "--strategy", "cheapest")

    assert said.exit_code == 0
    assert "expected 0.0100, at most 0.0200 USD" in said.stdout
    assert said.stdout.index("nanobanana") < said.stdout.index("dalle")
    assert "guide" in said.stdout


def test_json_is_the_answer_of_the_api_itself(signed_in: Door, run: Run) -> None:
    said = run("estimate", "a lamp", "--provider", "dalle", "--json")

    estimate = json.loads(said.stdout)
    assert (estimate["expected"], estimate["type"]) == ("0.0200", "image")
    assert estimate["chain"][0]["quality_rank"] > 0  # a field that no table shows
    assert said.stderr == ""


def test_a_comparison_gives_the_reason_of_everybody_who_cannot(signed_in: Door, run: Run) -> None:
    said = run("compare", "a lamp", "--duration", "5")

    assert said.exit_code == 0
    assert "needs a keyframe" in said.stdout
    assert body_of(signed_in.seen[-1])["type"] == "video"  # a duration is of a clip


def test_a_prompt_may_come_from_standard_input(signed_in: Door, run: Run) -> None:
    run("estimate", "-", stdin="a lamp\nin the fog\n")

    assert body_of(signed_in.seen[-1])["prompt"] == "a lamp\nin the fog"


# --- making


def test_a_generation_is_started_once_although_the_answer_was_lost_twice(
    signed_in: Door, run: Run
) -> None:
    signed_in.faults = ["lost", "lost"]

    said = run("generate", "a lamp", "--no-wait", "--json")

    first, *others = signed_in.keys("/v1/generations")
    assert first is not None
    assert others == [first, first]
    listed = json.loads(run("status", "--json").stdout)["generations"]
    assert [one["id"] for one in listed] == [json.loads(said.stdout)["id"]]
    assert len(signed_in.deployment.executions()) == 1


def test_an_answer_that_never_comes_says_how_to_find_the_work(signed_in: Door, run: Run) -> None:
    signed_in.faults = ["lost"] * 5

    lost = run("generate", "a lamp", "--no-wait")
    key = signed_in.keys("/v1/generations")[0]
    found = run("generate", "a lamp", "--no-wait", "--key", key)

    assert lost.exit_code == 6
    assert f"--key {key}" in lost.stderr
    assert found.exit_code == 0
    assert len(signed_in.deployment.executions()) == 1


def test_every_field_of_a_request_has_an_option(signed_in: Door, run: Run) -> None:
    run(
        "generate", "a lamp", "--no-wait", "--type", "image", "--negative", "rain",
        "--resolution", "1024x1024", "--quality", "high", "--seed", "7", "--provider", "dalle",
        "--strategy", "quality", "--max-cost", "$0.5", "--on-refusal", "stop",
        "--on-unknown", "next", "--project", "film", "--script", "s1", "--shot", "3",
        "--tag", "a", "--tag", "b",
    )  # fmt: skip

    assert body_of(signed_in.seen[-1]) == {
        "type": "image", "prompt": "a lamp", "negative_prompt": "rain", "provider": "dalle",
        "params": {"resolution": "1024x1024", "quality": "high", "seed": 7},
        "strategy": "quality", "cost_limit": "0.5000", "on_refusal": "stop", "on_unknown": "next",
        "project": "film", "script_id": "s1", "shot_number": 3, "tags": ["a", "b"],
    }  # fmt: skip


def test_a_quote_is_sent_with_the_request(signed_in: Door, run: Run) -> None:
    quote = json.loads(run("estimate", "a lamp", "--json").stdout)["quote_id"]

    run("generate", "a lamp", "--no-wait", "--quote", quote)

    assert body_of(signed_in.seen[-1])["quote_id"] == quote


def test_what_has_not_ended_in_time_is_exit_code_seven(signed_in: Door, run: Run) -> None:
    said = run("generate", "a lamp", "--timeout", "0")

    assert said.exit_code == 7
    assert "goes on" in said.stderr


def test_a_folder_that_is_not_there_is_told_before_anything_is_bought(
    signed_in: Door, run: Run
) -> None:
    said = run("generate", "a lamp", "--out", "nowhere/take.png")

    assert said.exit_code == 2
    assert signed_in.seen == []


def test_a_cancelled_generation_is_shown_as_such(signed_in: Door, run: Run) -> None:
    started = json.loads(run("generate", "a lamp", "--no-wait", "--json").stdout)
    signed_in.faults = ["lost"]

    said = run("cancel", started["id"])

    assert said.exit_code == 0
    assert "cancelled" in said.stdout


# --- refusals


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told", "todo"),
    [
        (["generate", "a", "--max-cost", "0.001"], 4, "costs 0.0100 USD", "--max-cost 0.0100"),
        (["estimate", "a", "--seed", "-1"], 2, "--seed: ", ""),
        (["estimate", "a", "--aspect", "wide"], 2, "--aspect: ", ""),
        (["estimate", "a", "--provider", "sora", "-t", "video"], 2, "retired", ""),
        (["status", "gen_none"], 2, "no generation with this id", "filmgate status"),
        (["generate", "a", "--max-cost", "0.12345"], 2, "more than 4 places", ""),
        (["generate", "a", "--max-cost", "-1"], 2, "no amount", ""),
        (["generate", "a", "--max-cost", "nan"], 2, "no amount", ""),
        (["cancel", "../budgets/owner"], 2, "", ""),
        (["no-such-command"], 2, "", ""),
    ],
)
def test_a_refusal_is_a_sentence_the_next_step_and_a_code(
    signed_in: Door, run: Run, arguments: list[str], exit_code: int, told: str, todo: str
) -> None:
    said = run(*arguments)

    assert (said.exit_code, said.stdout) == (exit_code, "")
    assert told in said.stderr
    assert todo in said.stderr


def test_a_budget_without_room_is_exit_code_four_and_names_the_scope(
    signed_in: Door, run: Run
) -> None:
    run("budget", "set", "owner", "0.01")

    said = run("generate", "a lamp", "--provider", "dalle", "--json")

    error = json.loads(said.stderr)["error"]
    assert (said.exit_code, said.stdout) == (4, "")
    assert (error["code"], error["room"]) == ("budget-exceeded", "0.0100")
    assert "filmgate budget" in error["todo"]


def test_a_token_that_nobody_knows_is_exit_code_three(
    signed_in: Door, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMGATE_TOKEN", "fg_studio_nobody")

    said = run("budget")

    assert said.exit_code == 3
    assert "filmgate login" in said.stderr
    assert "fg_studio_nobody" not in said.stderr


def test_a_role_that_is_not_enough_is_exit_code_three(
    signed_in: Door, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in.deployment.give_token(VIEWER, user="vic", role="viewer")
    monkeypatch.setenv("FILMGATE_TOKEN", VIEWER)

    said = run("budget", "set", "owner", "5")

    assert said.exit_code == 3
    assert "admin" in said.stderr


def test_a_page_of_a_proxy_is_no_answer(signed_in: Door, run: Run) -> None:
    signed_in.faults = ["proxy"]

    said = run("budget")

    assert said.exit_code == 6
    assert "not from a Filmgate gateway" in said.stderr


def test_a_gateway_that_is_not_there_is_exit_code_six(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMGATE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FILMGATE_TOKEN", TOKEN)

    said = run("budget")

    assert said.exit_code == 6
    assert "does not answer" in said.stderr


# --- storyboards


def test_a_shot_list_is_priced_as_it_is(signed_in: Door, run: Run, home: Path) -> None:
    said = run("storyboard", "estimate", shot_list(home))

    assert "expected 0.0300, at most 0.0300 USD" in said.stdout
    assert signed_in.seen[-1].body == SHOTS.encode()


def test_what_was_agreed_to_is_the_budget(signed_in: Door, run: Run, home: Path) -> None:
    said = run("storyboard", "run", shot_list(home), "--yes", "--no-wait", "--json")

    storyboard = json.loads(said.stdout)
    assert said.exit_code == 0
    assert (storyboard["budget"], storyboard["estimate"]["max"]) == ("0.0300", "0.0300")
    assert storyboard["files"] == []


def test_where_nobody_can_be_asked_nothing_is_started(
    signed_in: Door, run: Run, home: Path
) -> None:
    said = run("storyboard", "run", shot_list(home))

    assert said.exit_code == 2
    assert "--budget 0.0300" in said.stderr
    assert signed_in.keys("/v1/storyboards") == []


def test_a_storyboard_is_started_once_although_the_answer_was_lost(
    signed_in: Door, run: Run, home: Path
) -> None:
    shots = shot_list(home)
    run("storyboard", "estimate", shots)
    signed_in.faults = ["lost"]

    said = run("storyboard", "run", shots, "--budget", "1", "--no-wait")

    assert said.exit_code == 0
    listed = json.loads(run("status", "--json").stdout)["storyboards"]
    assert len(listed) == 1


def test_a_budget_that_is_too_small_says_what_would_fit(
    signed_in: Door, run: Run, home: Path
) -> None:
    said = run("storyboard", "run", shot_list(home), "--max-cost", "0.01")

    assert said.exit_code == 4
    assert "costs at most 0.0100 USD" in said.stderr
    assert "Leave out the shots 2." in said.stderr


def test_the_head_of_a_json_list_gives_way_to_what_is_said(
    signed_in: Door, run: Run, home: Path
) -> None:
    text = json.dumps({"title": "old", "project": "film", "shots": [{"prompt": "a lamp"}]})
    shots = shot_list(home, text, "shots.json")

    run("storyboard", "run", shots, "--title", "new", "--budget", "0.5", "--no-wait")

    started = next(one for one in signed_in.seen if one.path == "/v1/storyboards")
    assert body_of(started) == {
        "title": "new", "project": "film", "shots": [{"prompt": "a lamp"}], "budget": "0.5000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("shots.csv", "number,prompt\n1,a\n1,b\n", "line 3, number"),
        ("shots.xls", "", "A shot list is a file"),
        ("shots.json", "{", "is no JSON"),
        ("shots.json", "[]", "must hold one object"),
        ("shots.jsonl", '{"prompt": "a"}\n{"promt": "b"}\n', "line 2"),
    ],
)
def test_a_shot_list_that_cannot_be_used_is_told_where(
    signed_in: Door, run: Run, home: Path, name: str, text: str, told: str
) -> None:
    said = run("storyboard", "run", shot_list(home, text, name), "--yes")

    assert said.exit_code == 2
    assert told in said.stderr


def test_a_cancelled_storyboard_is_shown_although_the_answer_was_lost(
    signed_in: Door, run: Run, home: Path
) -> None:
    begun = run("storyboard", "run", shot_list(home), "--yes", "--no-wait", "--json")
    storyboard = json.loads(begun.stdout)["id"]
    signed_in.faults = ["lost"]

    said = run("cancel", storyboard)
    again = run("storyboard", "resume", storyboard)

    assert said.exit_code == 0, said.stderr
    assert again.exit_code == 2
    assert "nothing of it can be resumed" in again.stderr


# --- money and the studio


def test_a_budget_is_set_shown_and_taken_away(signed_in: Door, run: Run) -> None:
    made = run("budget", "set", "project:film", "2.5", "--alert", "50", "--json")
    shown = run("budget", "show", "project:film")
    gone = run("budget", "set", "project:film", "none", "--json")
    listed = run("budget", "--json")

    assert json.loads(made.stdout)["limit"] == "2.5000"
    assert "50 %" in shown.stdout
    assert json.loads(gone.stdout)["limit_of"] == "owner"
    assert {one["scope"] for one in json.loads(listed.stdout)["items"]} >= {"project:film"}


def test_usage_is_a_summary_rows_or_a_file(signed_in: Door, run: Run, home: Path) -> None:
    run("generate", "a lamp", "--no-wait", "--project", "film")

    summary = run("usage", "--json")
    rows = run("usage", "--rows", "--project", "film", "--json")
    saved = run("usage", "--csv", "--out", "usage.csv")

    assert json.loads(summary.stdout)["held"] == "0.0200"
    assert [row["estimated_cost"] for row in json.loads(rows.stdout)["items"]] == ["0.0200"]
    assert saved.exit_code == 0
    assert (home / "usage.csv").read_text().splitlines()[0].startswith("id,created_at")
    assert "held 0.0200 USD" in run("usage").stdout
    assert "dalle" in run("usage", "--rows").stdout


def test_rows_beyond_one_page_are_fetched_and_no_more(
    signed_in: Door, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("filmgate_cli.client.LARGEST_PAGE", 2)
    for number in range(4):
        run("generate", f"a lamp {number}", "--no-wait")

    rows = json.loads(run("usage", "--rows", "--limit", "3", "--json").stdout)["items"]

    assert len({row["id"] for row in rows}) == 3


def test_books_that_agree_are_exit_code_zero_and_others_one(signed_in: Door, run: Run) -> None:
    run("generate", "a lamp", "--no-wait")
    agree = run("verify")
    forge(signed_in.deployment)

    differ = run("verify")
    as_json = run("verify", "--json")

    assert (agree.exit_code, "agree" in agree.stdout) == (0, True)
    assert (differ.exit_code, as_json.exit_code) == (1, 1)
    assert "0.0200" in differ.stdout
    assert json.loads(as_json.stdout)["drift"]


def test_providers_are_listed_ordered_and_switched(signed_in: Door, run: Run) -> None:
    ordered = run("providers", "order", "image", "nanobanana", "--json")
    off = run("providers", "disable", "dalle", "--json")
    listed = json.loads(run("providers", "--json").stdout)["items"]
    shown = run("providers")
    run("providers", "enable", "dalle")

    assert json.loads(ordered.stdout)["order"] == ["nanobanana", "dalle", "midjourney"]
    assert json.loads(off.stdout)["enabled"] is False
    assert next(one for one in listed if one["id"] == "dalle")["enabled"] is False
    assert "not needed" in shown.stdout  # flow
    assert "retired 2026-09-24" in shown.stdout  # sora


def test_a_key_comes_from_standard_input_and_is_never_said(signed_in: Door, run: Run) -> None:
    stored = run("providers", "set-key", "midjourney", stdin="canary-key-of-mine\n")
    parts = run("providers", "set-key", "kling", stdin='{"access_key": "aaaa", "secret_key": "b"}')
    wrong = run("providers", "set-key", "dalle", stdin='{"canary": 1}')
    removed = run("providers", "remove-key", "midjourney")

    key = next(one for one in signed_in.seen if one.path.endswith("midjourney/key"))
    assert body_of(key) == {"key": "canary-key-of-mine"}
    assert (stored.exit_code, parts.exit_code, removed.exit_code) == (0, 0, 0)
    assert wrong.exit_code == 2
    everything = "".join(one.stdout + one.stderr for one in (stored, parts, wrong, removed))
    assert "canary-key" not in everything


def test_no_command_takes_a_secret_as_an_argument(run: Run) -> None:
    for command in (["login"], ["providers", "set-key"]):
        shown = run(*command, "--help").stdout

        assert "--token" not in shown
        assert "--key" not in shown


def test_notices_are_listed(signed_in: Door, run: Run) -> None:
    assert json.loads(run("notices", "--json").stdout) == {"items": []}


# --- signing in


def test_a_good_token_is_stored_and_used_until_one_signs_out(door: Door, run: Run) -> None:
    signed_in = run("login", door.url, stdin=f"{TOKEN}\n")
    used = run("budget", "show")
    left = run("logout")
    after = run("budget", "show")

    assert (signed_in.exit_code, used.exit_code, left.exit_code) == (0, 0, 0)
    assert after.exit_code == 3


def test_a_bad_token_is_not_stored(door: Door, run: Run) -> None:
    said = run("login", door.url, stdin="fg_studio_wrong\n")

    assert said.exit_code == 3
    assert not config_file().exists()


# --- faults of our own


def test_a_fault_of_the_program_says_where_and_never_what_it_held(
    signed_in: Door, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMGATE_DEBUG", "1")

    def broken(*_: object) -> None:
        raise RuntimeError(f"holding {TOKEN}")

    monkeypatch.setattr("filmgate_cli.render.budgets_view", broken)

    said = run("budget")

    assert said.exit_code == 70
    assert "RuntimeError" in said.stderr
    assert "test_commands.py" in said.stderr
