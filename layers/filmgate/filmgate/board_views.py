"""What callers get of storyboards that were started, as JSON. Amounts are strings, four places.

A shot's part is null where none was asked for. `asked` is what was, with the defaults merged in, so
that a storyboard can be begun again from it; a clip without an image starts from its keyframe.
`cost` is what a part has cost so far, `in_doubt` that a provider may still send its bill. Links to
takes are made for one answer and end after minutes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from filmgate.domain.boards import Head, PartRecord
from filmgate.domain.continuity import Group, Stop, Switch
from filmgate.domain.generations import Problem, Take
from filmgate.domain.moments import moment
from filmgate.domain.money import format_usd
from filmgate.domain.storyboard import FROM_KEYFRAME, Part, Progress, state_of_shot
from filmgate.domain.strategies import Role
from filmgate.usecases.boards import HeadPage
from filmgate.usecases.reading_storyboards import ShotStanding, Standing
from filmgate.views import optional_moment, optional_usd, webhook_view

Json = dict[str, Any]
TakeLink = Callable[[Take], tuple[str, datetime]]


def head_view(head: Head) -> Json:
    """A storyboard as a whole, as its head tells it; `progress` is there once it has ended."""
    return {
        "id": head.id,
        "state": head.state,
        "title": head.asked.title,
        "project": head.asked.project,
        "strategy": head.asked.strategy,
        "continuity": head.asked.continuity,
        "budget": optional_usd(head.asked.budget),
        "quote_id": head.quote_id,
        "run": head.run,
        "shot_count": head.total,
        "progress": None if head.progress is None else _progress(head.progress),
        "estimate": {"expected": format_usd(head.expected), "max": format_usd(head.max)},
        "rate_card": {"name": head.rate_card, "version": head.rate_card_version},
        "warnings": list(head.warnings),
        "created_at": moment(head.created_at),
        "cancel_requested_at": optional_moment(head.cancel_requested_at),
        "completed_at": optional_moment(head.completed_at),
    }


def heads_view(page: HeadPage) -> Json:
    return {"items": [head_view(head) for head in page.items], "next": page.next}


def storyboard_view(standing: Standing, link: TakeLink) -> Json:
    """A storyboard with every shot and part as they now stand."""
    board = standing.board
    return {
        **head_view(board.head),
        "state": standing.state,
        "progress": _progress(standing.progress),
        "estimated_cost": format_usd(board.head.expected),
        "actual_cost": format_usd(board.settled),
        "held": format_usd(board.held),
        "shots": [_shot(shot, link) for shot in standing.shots],
        "groups": [_group(group) for group in board.groups],
        "webhook": webhook_view(board.head.asked.webhook_url, board.webhook),
    }


def _progress(progress: Progress) -> Json:
    return {
        "total": progress.total,
        "done": progress.done,
        "failed": progress.failed,
        "skipped": progress.skipped,
        "cancelled": progress.cancelled,
    }


def _shot(standing: ShotStanding, link: TakeLink) -> Json:
    shot = standing.record.shot
    asked = {part.role: part for part in shot.parts}
    parts = {
        part.role: {"asked": _asked(asked[part.role]), **_part(standing, part, link)}
        for part in standing.record.parts
    }
    return {
        "number": shot.number,
        "prompt": shot.prompt,
        "negative_prompt": shot.negative_prompt,
        "scene": shot.scene,
        "characters": list(shot.characters),
        "strategy": shot.strategy,
        "state": state_of_shot(one.state for one in standing.parts.values()),
        **{role.value: parts.get(role) for role in Role},
    }


def _asked(part: Part) -> Json:
    params = part.wish.as_params()
    if params.get("image") == FROM_KEYFRAME:
        del params["image"]
    return {
        "provider": part.provider,
        "prompt": part.wish.prompt,
        "negative_prompt": part.wish.negative_prompt,
        "params": params,
    }


def _part(standing: ShotStanding, record: PartRecord, link: TakeLink) -> Json:
    progress, made = standing.parts[record.role], standing.made.get(record.role)
    generation = made.generation if made else None
    take = made.take if made else None
    maker = take or generation
    failure = generation.failure if generation and not take else None
    url, url_ends = link(take) if take else (None, None)
    return {
        "generation_id": generation.id if generation else None,
        "state": progress.state,
        "revision": record.revision,
        "provider": maker.provider if maker else None,
        "estimated_cost": format_usd(record.expected),
        "max": format_usd(record.max),
        "cost": optional_usd(generation.actual_micros) if generation else None,
        "in_doubt": progress.in_doubt,
        "error": _error(record.problem or failure),
        "take_id": take.id if take else None,
        "url": url,
        "url_expires_at": optional_moment(url_ends),
    }


def _error(problem: Problem | None) -> Json | None:
    return None if problem is None else {"code": problem.code, "message": problem.message}


def _group(group: Group) -> Json:
    return {
        "shots": list(group.shots),
        "providers": {role.value: name for role, name in group.pins.items()},
        "switches": [_switch(switch) for switch in group.switches],
        "waits_for_approval": None if group.stop is None else _stop(group.stop),
    }


def _switch(switch: Switch) -> Json:
    return {
        "shot": switch.shot,
        "part": switch.role,
        "from": switch.left,
        "to": switch.taken,
        "why": switch.why,
        "cost_before": optional_usd(switch.cost_before),
        "cost_after": format_usd(switch.cost_after),
        "at": moment(switch.at),
    }


def _stop(stop: Stop) -> Json:
    return {
        "shot": stop.shot,
        "part": stop.role,
        "provider": stop.provider,
        "why": stop.why,
        "at": moment(stop.at),
    }
