"""A storyboard that was started with a quote: all its runs cost the quote's max at most."""

from dataclasses import replace

import pytest

from filmgate.domain.boards import Head
from filmgate.domain.errors import (
    BudgetExceeded,
    ContentRefused,
    CostLimitExceeded,
    ProviderQuotaExhausted,
    QuoteChanged,
)
from filmgate.domain.pricing import RateCard, Unit
from filmgate.domain.quotes import QUOTE_LIFE, Quote
from filmgate.domain.storyboard import Shot, Storyboard, StoryboardState
from filmgate.providers.base import Finished
from filmgate.usecases.estimate_storyboard import estimate_storyboard
from filmgate.usecases.quotes import Presented
from filmgate.usecases.start_storyboard import start_storyboard
from tests.support.board_stage import CARD, CATALOGUE, BoardStage, moving, shot, still
from tests.support.builders import TENANT, card_of, price_row, principal, usd
from tests.support.fakes import ScriptedProvider, clip, picture

PICTURE, CLIP = Finished(data=picture()), Finished(data=clip())
QUOTA = ProviderQuotaExhausted("lumen", "no quota")
REFUSED = ContentRefused("lumen", "not this")


def dearer(**prices: str) -> RateCard:
    """The card with other prices of pictures, later."""
    rows = [
        price_row(row.provider, prices[row.provider]) if row.provider in prices else row
        for row in CARD.rows
    ]
    return card_of(*rows, version="later")


def asked(*shots: Shot) -> Storyboard:
    return Storyboard(shots or (shot(1), shot(2)))


def quoted(stage: BoardStage, storyboard: Storyboard) -> Quote:
    return estimate_storyboard(
        storyboard, aim=None, tenant=TENANT, studio=stage.studio, catalogue=CATALOGUE,
        card=stage.market.card, now=stage.clock.now, quotes=stage.studio,
    ).quote  # fmt: skip


def start(stage: BoardStage, storyboard: Storyboard, quote: Quote) -> Head:
    return start_storyboard(
        storyboard,
        principal=principal(),
        idempotency_key="key",
        boards=stage.studio,
        workflow=stage.shootings,
        market=stage.market,
        now=stage.clock.now,
        quote=Presented(quote.id, stage.studio),
    ).head


def cost(stage: BoardStage, head: Head) -> int:
    board = stage.studio.board(TENANT, head.id)
    assert board is not None
    return board.settled + board.held


def test_its_envelope_is_at_most_the_quote_s_max_and_so_is_its_cost_with_every_fallback() -> None:
    stage = BoardStage(
        lumen=ScriptedProvider([QUOTA]),
        other=ScriptedProvider([PICTURE]),
        reel=ScriptedProvider([REFUSED]),
        spool=ScriptedProvider([CLIP]),
    )
    board = asked(shot(1, still(), moving()), shot(2))
    quote = quoted(stage, board)

    head = start(stage, board, quote)

    assert (head.quote_id, head.quoted) == (quote.id, quote.max)
    assert stage.envelope(head).limit == quote.max == usd("0.1600")
    ended = stage.play(head)
    assert ended.state is StoryboardState.SUCCEEDED
    assert cost(stage, head) == quote.max
    assert stage.faults() == []


def test_prices_that_rise_while_it_is_made_leave_shots_out_and_break_no_word() -> None:
    stage = BoardStage(lumen=ScriptedProvider([PICTURE]))
    quote = quoted(stage, asked())
    head = start(stage, asked(), quote)
    stage.play(head, concurrency=1, until=2)
    stage.market = replace(stage.market, card=dearer(lumen="0.0500"))

    ended = stage.play(head)

    assert ended.state is StoryboardState.PARTIAL
    assert cost(stage, head) <= quote.max
    assert stage.faults() == []


def test_a_resume_costs_no_more_than_the_quote_leaves() -> None:
    stage = BoardStage(lumen=ScriptedProvider([PICTURE, REFUSED, PICTURE]))
    quote = quoted(stage, asked())
    head = stage.play(start(stage, asked(), quote), concurrency=1)
    assert (head.state, cost(stage, head)) == (StoryboardState.PARTIAL, usd("0.0100"))
    stage.clock.advance(QUOTE_LIFE.total_seconds())

    stage.market = replace(stage.market, card=dearer(lumen="0.0101"))
    with pytest.raises(BudgetExceeded, match=r"its quote has 0\.0100 left") as refused:
        stage.resume(head)
    stage.market = replace(stage.market, card=CARD)
    resumed = stage.play(stage.resume(head))

    assert (refused.value.facts["scope"], refused.value.facts["room"]) == ("quote", "0.0100")
    assert resumed.state is StoryboardState.SUCCEEDED
    assert cost(stage, resumed) == quote.max
    assert stage.faults() == []


def test_a_part_dearer_than_a_single_generation_may_be_is_agreed_to_by_the_quote() -> None:
    dear = card_of(*CARD.rows[:2], price_row("reel", "0.5000", Unit.SECOND))
    stage = BoardStage(lumen=ScriptedProvider([PICTURE]), reel=ScriptedProvider([CLIP]), card=dear)
    board = asked(shot(1, still(), moving()))

    with pytest.raises(CostLimitExceeded):
        stage.start(*board.shots, key="without a quote")
    head = stage.play(start(stage, board, quoted(stage, board)))

    assert (head.state, cost(stage, head)) == (StoryboardState.SUCCEEDED, usd("2.5100"))


def test_what_costs_more_by_now_holds_nothing_and_is_quoted_anew() -> None:
    stage = BoardStage(lumen=ScriptedProvider([PICTURE]))
    quote = quoted(stage, asked())
    stage.market = replace(stage.market, card=dearer(lumen="0.0200"))

    with pytest.raises(QuoteChanged) as refused:
        start(stage, asked(), quote)

    assert not stage.studio.heads
    assert not stage.studio.entries
    told = refused.value.facts["quote"]
    assert isinstance(told, dict)
    fresh = stage.studio.find_quote(TENANT, told["quote_id"])
    assert fresh is not None
    assert start(stage, asked(), fresh).quoted == usd("0.0400")
