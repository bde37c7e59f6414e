"""A small client of the product's own HTTP API, for the sample film and the tests."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3


class ApiRefused(RuntimeError):
    """The API answered with a problem; `problem` is its JSON, `status` its HTTP status."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True)
class Answer:
    """A reply of the API with its JSON read; header names are matched without case."""

    status: int
    headers: "urllib3.HTTPHeaderDict"
    body: Any


class Api:
    """Speaks JSON with one gateway as one user."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=40, maxsize=64)

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request, whatever it answers."""
        given = {**self._headers, **(headers or {})}
        if body is not None:
            given["Content-Type"] = "application/json"
        payload = None if body is None else json.dumps(body).encode()
        reply = self._pool.request(method, f"{self._url}{path}", body=payload, headers=given)
        return Answer(reply.status, reply.headers, json.loads(reply.data) if reply.data else None)

    def get(self, path: str) -> Any:
        return self._must(self.call("GET", path))

    def post(self, path: str, body: Any, *, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._must(self.call("POST", path, body, headers))

    def put(self, path: str, body: Any) -> Any:
        return self._must(self.call("PUT", path, body))

    def download(self, link: str, target: Path) -> None:
        """Fetch a presigned link into a file, whole or not at all."""
        unfinished = target.with_name(target.name + ".part")
        reply = self._pool.request("GET", link, preload_content=False)
        if reply.status != 200:
            raise ApiRefused(reply.status, {"code": "download", "detail": "the link did not work"})
        with unfinished.open("wb") as sink:
            for piece in reply.stream(1 << 16):
                sink.write(piece)
        unfinished.replace(target)

    def _must(self, answer: Answer) -> Any:
        if answer.status >= 400:
            raise ApiRefused(answer.status, answer.body)
        return answer.body
