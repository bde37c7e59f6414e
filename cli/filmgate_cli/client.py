"""The gateway's API as methods: what is asked, and the shape of the answer. No judgement here."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self, cast
from urllib.parse import quote

from filmgate_cli.account import Account
from filmgate_cli.problems import Refused, Unreachable
from filmgate_cli.shapes import (
    Budget,
    Comparison,
    Estimate,
    Generation,
    GenerationItem,
    Json,
    KeyCheck,
    Notice,
    Storyboard,
    StoryboardEstimate,
    StoryboardHead,
    Summary,
    UsageRow,
    Verified,
)
from filmgate_cli.wire import Body, Wire

CONFLICT: Final = 409
SEE_OTHER: Final = 303
LARGEST_PAGE: Final = 100


class Gateway:
    """One gateway as one user sees it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(Wire(account))

    def close(self) -> None:
        self._wire.close()

    # --- prices

    def estimate(self, wish: Json) -> Estimate:
        return cast(Estimate, self._post("/v1/estimates", _json(wish)))

    def compare(self, wish: Json) -> Comparison:
        return cast(Comparison, self._post("/v1/estimates/compare", _json(wish)))

    def estimate_storyboard(self, shots: Body, query: Mapping[str, str]) -> StoryboardEstimate:
        found = self._post("/v1/estimates/storyboard", shots, query=query)
        return cast(StoryboardEstimate, found)

    # --- one picture, one clip

    def generate(self, request: Json, *, key: str) -> Generation:
        return cast(Generation, self._post("/v1/generations", _json(request), key=key))

    def generation(self, generation_id: str) -> Generation:
        return cast(Generation, self._get(_path("/v1/generations", generation_id)))

    def generations(self, limit: int) -> list[GenerationItem]:
        page = self._get("/v1/generations", {"limit": str(min(limit, LARGEST_PAGE))})
        return cast(list[GenerationItem], page["items"])

    def cancel_generation(self, generation_id: str) -> Generation:
        path = _path("/v1/generations", generation_id)
        return cast(Generation, self._once_more("DELETE", path))

    # --- storyboards

    def start_storyboard(
        self, shots: Body, query: Mapping[str, str], *, key: str
    ) -> StoryboardHead:
        return cast(StoryboardHead, self._post("/v1/storyboards", shots, query=query, key=key))

    def storyboard(self, storyboard_id: str) -> Storyboard:
        return cast(Storyboard, self._get(_path("/v1/storyboards", storyboard_id)))

    def storyboards(self, limit: int) -> list[StoryboardHead]:
        page = self._get("/v1/storyboards", {"limit": str(min(limit, LARGEST_PAGE))})
        return cast(list[StoryboardHead], page["items"])

    def cancel_storyboard(self, storyboard_id: str) -> None:
        self._once_more("DELETE", _path("/v1/storyboards", storyboard_id))

    def resume_storyboard(self, storyboard_id: str, *, approve: bool) -> None:
        path = _path("/v1/storyboards", storyboard_id)
        self._once_more("POST", path, "/resume", {"approve": approve})

    # --- money

    def budget(self, scope: str) -> Budget:
        return cast(Budget, self._get(_path("/v1/budgets", scope)))

    def budgets(self) -> Json:
        return self._get("/v1/budgets")

    def set_budget(self, scope: str, body: Json) -> Budget:
        return cast(Budget, self._put(_path("/v1/budgets", scope), body))

    def summary(self, query: Mapping[str, str]) -> Summary:
        return cast(Summary, self._get("/v1/usage/summary", query))

    def usage(self, query: Mapping[str, str], limit: int) -> list[UsageRow]:
        return cast(list[UsageRow], list(self._rows("/v1/usage", query, limit)))

    def usage_csv(self, query: Mapping[str, str]) -> bytes | str:
        """The file's bytes, or the link to it where it is too large for an answer."""
        answer = self._wire.ask("GET", "/v1/usage", query={**query, "format": "csv"})
        return answer.headers["Location"] if answer.status == SEE_OTHER else answer.data

    def verify(self) -> Verified:
        return cast(Verified, self._get("/v1/verify"))

    # --- the studio

    def providers(self) -> Json:
        return self._get("/v1/providers")

    def change_provider(self, provider: str, changes: Json) -> Json:
        return self._put(_path("/v1/settings/providers", provider), changes)

    def order(self, medium: str, providers: list[str]) -> Json:
        return self._put("/v1/settings/order", {"type": medium, "order": providers})

    def set_key(self, provider: str, key: str | Json) -> None:
        path = _path("/v1/settings/providers", provider) + "/key"
        self._wire.ask("PUT", path, body=_json({"key": key}))

    def remove_key(self, provider: str) -> None:
        self._wire.ask("DELETE", _path("/v1/settings/providers", provider) + "/key")

    def test_key(self, provider: str) -> KeyCheck:
        path = _path("/v1/settings/providers", provider) + "/test"
        return cast(KeyCheck, self._post(path, None))

    def notices(self, limit: int) -> list[Notice]:
        return cast(list[Notice], list(self._rows("/v1/notices", {}, limit)))

    # --- how

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return _object(self._wire.ask("GET", path, query=query).body)

    def _post(
        self,
        path: str,
        body: Body | None,
        *,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Json:
        return _object(self._wire.ask("POST", path, body=body, query=query, key=key).body)

    def _put(self, path: str, body: Json) -> Json:
        return _object(self._wire.ask("PUT", path, body=_json(body)).body)

    def _once_more(self, method: str, thing: str, verb: str = "", body: Json | None = None) -> Json:
        """Change the state of a thing, and take "it is so already" for done if a first answer was
        lost: then it was this very request that did it."""
        sent = None if body is None else _json(body)
        answer = self._wire.ask(method, thing + verb, body=sent, accepts=(CONFLICT,))
        if answer.status != CONFLICT:
            return _object(answer.body)
        if answer.repeated:
            return self._get(thing)
        raise Refused(_object(answer.body), CONFLICT)

    def _rows(self, path: str, query: Mapping[str, str], limit: int) -> Iterator[Any]:
        """The first `limit` items of a list; a page may be short, only a null `next` ends it."""
        cursor: str | None = ""
        while limit > 0 and cursor is not None:
            asked = {**query, "limit": str(min(limit, LARGEST_PAGE))}
            page = self._get(path, asked | ({"cursor": cursor} if cursor else {}))
            yield from page["items"][:limit]
            limit -= len(page["items"])
            cursor = page["next"]


def _path(collection: str, name: str) -> str:
    """The address of one thing; whatever its name holds stays within its segment."""
    return f"{collection}/{quote(name, safe=':')}"


def _json(body: Json) -> Body:
    return Body(json.dumps(body).encode(), "application/json")


def _object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise Unreachable("The answer is not from a Filmgate gateway.", sent=True)
    return body
