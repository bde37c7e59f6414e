"""What people see: on a narrow terminal, without colours, and of text that means no good."""

import io
from typing import Any

import pytest
from rich.console import Console

from filmgate_cli import render
from filmgate_cli.progress import StoryboardProgress
from filmgate_cli.screen import Screen

HOSTILE = "\x1b]0;owned\x07[red]lamp[/red] \u202egpj"


def shown(view: Any, *, width: int = 120, colour: bool = False) -> str:
    """A view as a console of this width writes it."""
    written = io.StringIO()
    console = Console(
        file=written, width=width, force_terminal=colour, markup=False, emoji=False,
        highlight=False,
    )  # fmt: skip
    console.print(view)
    return written.getvalue()


def part(state: str, provider: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {
        "generation_id": None, "state": state, "provider": provider, "in_doubt": False,
        "cost": "0.0100" if state == "succeeded" else None, "take_id": None,
        "error": error and {"code": "content-refused", "message": error},
    }  # fmt: skip


def storyboard(*shots: tuple[dict[str, Any] | None, dict[str, Any] | None], **more: Any) -> Any:
    listed = [
        {
            "number": number, "prompt": f"shot {number} {HOSTILE}", "keyframe": keyframe,
            "state": (clip or keyframe or {})["state"], "variation": None, "clip": clip,
        }
        for number, (keyframe, clip) in enumerate(shots, start=1)
    ]  # fmt: skip
    return {
        "id": "sb_a", "state": "running", "title": HOSTILE, "actual_cost": "0.0100",
        "held": "0.0300", "estimate": {"expected": "0.0400", "max": "0.0500"}, "warnings": [],
        "progress": {"total": len(shots), "done": 1, "failed": 0, "skipped": 0, "cancelled": 0},
        "shots": listed, "groups": [], **more,
    }  # fmt: skip


def test_text_of_others_is_shown_and_not_obeyed() -> None:
    text = shown(render.storyboard_view(storyboard((part("succeeded", HOSTILE), None))))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]lamp[/red]" in text


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_a_narrow_terminal_loses_no_figure(width: int) -> None:
    board = storyboard((part("succeeded", "nanobanana"), part("failed", None, "refused")))

    text = shown(render.storyboard_view(board), width=width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "0.0100" in text.replace("\n", "")
    assert "0.0500 USD" in " ".join(text.split())


def test_colours_are_only_where_a_terminal_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    view = render.storyboard_view(storyboard((part("succeeded", "dalle"), None)))

    assert "\x1b[32m" in shown(view, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown(view, colour=True)


def test_of_a_long_list_the_shots_at_work_are_shown() -> None:
    shots = [(part("succeeded", "dalle"), None)] * 20 + [(part("running"), None)] * 2
    shots += [(part("queued"), None)] * 20

    text = shown(render.storyboard_view(storyboard(*shots), height=5))

    assert "shot 21" in text
    assert "shot 22" in text
    assert "shot 23" in text  # the next one to come
    assert "and 37 shots more" in text


def test_without_a_terminal_every_change_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with StoryboardProgress(Screen()) as tell:
        tell(storyboard((part("queued"), part("queued"))))
        tell(storyboard((part("running"), part("queued"))))
        tell(storyboard((part("running"), part("queued"))))
        tell(storyboard((part("succeeded", "dalle"), part("failed", None, "refused"))))

    assert capsys.readouterr().err.splitlines() == [
        "shot 1 keyframe: running",
        "shot 1 keyframe: dalle",
        "shot 1 clip: failed: content-refused",
    ]


def test_a_shot_that_failed_says_why_and_a_stopped_scene_who_must_decide() -> None:
    waiting = {"shot": 2, "part": "keyframe", "provider": "dalle", "why": "dalle refused"}
    board = storyboard(
        (part("failed", None, "The content was refused"), None),
        groups=[{"shots": [1, 2], "waits_for_approval": waiting}],
    )

    text = shown(render.storyboard_view(board))

    assert "shot 1 keyframe: The content was refused" in text
    assert "shot 2 waits for approval: dalle refused" in text
