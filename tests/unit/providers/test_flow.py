"""Flow: rendered by ourselves; no vendor is called."""

from filmgate.domain.attempts import Kind
from filmgate.providers.base import Account, Rendering
from filmgate.providers.flow import ADAPTER
from tests.support.builders import clip_order
from tests.support.fake_http import FakeHttp


def test_a_submit_asks_for_a_render_and_calls_nobody() -> None:
    http = FakeHttp()
    flow = ADAPTER(http, Account("flow", "", frozenset(), {}))

    result = flow.submit(clip_order(), reference="att_1", deadline_s=30.0)

    assert result == Rendering()
    assert http.sent == []


def test_the_same_attempt_gives_the_same_clip() -> None:
    assert ADAPTER.kind is Kind.KEYED
