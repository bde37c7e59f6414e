"""The bus as EventBridge answers: whole calls that fail, and entries refused in a good answer."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from filmgate.adapters.bus import EventBus
from filmgate.domain.announcements import generation_finished
from filmgate.domain.errors import NotAnnounced
from filmgate.domain.generations import GenerationState
from tests.support.builders import NOW, generation


class Answering:
    """A client with one answer to everything."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def put_events(self, **_: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}, "Throttling"),
        (ClientError({"Error": {"Code": "InternalException"}}, "PutEvents"), "InternalException"),
        (ConnectTimeoutError(endpoint_url="https://events.example"), "ConnectTimeoutError"),
    ],
)
def test_an_event_that_the_bus_did_not_take_is_a_failure(answer: Any, told: str) -> None:
    ended = generation(state=GenerationState.SUCCEEDED, completed_at=NOW)

    with pytest.raises(NotAnnounced, match=told):
        EventBus(Answering(answer), "bus").tell(generation_finished(ended))
