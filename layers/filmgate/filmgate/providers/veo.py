"""Google's video models on the Gemini API: Omni interactions, and Veo's predictLongRunning.

Facts read 2026-11 in the `google-genai` package 3.4.0 (interactions) and 2.34.0 (the last one with
Veo) and on copies of ai.google.dev:
- Omni: POST interactions in the background, look at it by id; the clip stands in `steps`, as a
  link where `delivery` is `uri`. Billed by tokens, so the service tier is sent: it moves the price.
- Veo: POST `{model}:predictLongRunning`, look at the operation. `done` is absent while it runs; a
  safety block is `done` with no samples; `error.code` is a google.rpc code, no HTTP status. Google
  shut these models down on 2026-10-22; the protocol lives on at compatible hosts. Only clips that
  were made are charged.
- A download needs the key, which goes to the provider's own origin and nowhere else.
- A wrong key is HTTP 400 with the reason API_KEY_INVALID; a daily or empty quota has the status of
  a rate limit (429); the delay stands in RetryInfo.
- No client id and no list of jobs: labels help to correlate, they find nothing. The kind is blind.
- Google's own error comes instead of a job and is counted as not accepted, except 499, 504 and
  what is not in its table: a deadline may have passed behind an accepted job.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from filmgate.domain.attempts import Kind
from filmgate.domain.errors import (
    ContentRefused,
    ProviderError,
    ProviderJobFailed,
    ProviderKeyRefused,
    ProviderRequestInvalid,
    ProviderResultMissing,
    ProviderUnavailable,
    ProviderUnsupported,
)
from filmgate.providers import _google_errors as google
from filmgate.providers.base import (
    Adapter,
    Answer,
    Finished,
    Json,
    Order,
    Pending,
    ask,
    delay_of,
    look,
    picture,
    unclear,
    unseeing,
)

DEFAULT_URL: Final = "https://generativelanguage.googleapis.com"

_LONG_RUNNING: Final = "veo-"  # models of the older protocol begin with this
_OMNI: Final = "interaction"
_LARGEST_STILL_BYTES: Final = 20_000_000
_LABEL_LENGTH: Final = 63
_NO_LABEL: Final = re.compile(r"[^a-z0-9_-]")
_POLICY_WORDS: Final = (
    "blocked", "content policy", "guidelines", "policies", "prohibited", "responsible ai",
    "safety", "sensitive words",
)  # fmt: skip
_ENDED_WITHOUT: Final = frozenset({"failed", "cancelled", "incomplete", "budget_exceeded"})


def interaction_body(order: Order, *, reference: str) -> dict[str, Any]:
    """An Omni interaction: text alone, or the prompt and the first frame."""
    wanted = {
        "type": "video",
        "aspect_ratio": order.aspect_ratio,
        "resolution": order.resolution,
        "duration": f"{order.duration_s}s",
        "delivery": "uri",
    }
    given: Json = order.prompt
    task = "text_to_video"
    if order.keyframe is not None:
        task = "image_to_video"
        still = {
            "type": "image",
            "mime_type": order.keyframe.media_type,
            "data": base64.b64encode(order.keyframe.data).decode(),
        }
        text = {"type": "text", "text": order.prompt}
        given = [{"type": "user_input", "content": [text, still]}]
    return {
        "model": order.model,
        "input": given,
        "background": True,
        "store": True,
        "response_format": wanted,
        "generation_config": {"video_config": {"task": task}},
        "service_tier": "standard",
        "labels": {"job": label(reference)},
    }


def operation_body(order: Order) -> dict[str, Any]:
    """A Veo operation; `image` is the first frame. The Gemini API has no seed and no labels here.

    personGeneration is left to the vendor: what is allowed depends on the country of the account.
    """
    instance: dict[str, Any] = {"prompt": order.prompt}
    if order.keyframe is not None:
        instance["image"] = {
            "bytesBase64Encoded": base64.b64encode(order.keyframe.data).decode(),
            "mimeType": order.keyframe.media_type,
        }
    parameters: dict[str, Any] = {
        "aspectRatio": order.aspect_ratio,
        "durationSeconds": order.duration_s,
        "resolution": order.resolution,
        "sampleCount": 1,
    }
    if order.negative_prompt is not None:
        parameters["negativePrompt"] = order.negative_prompt
    return {"instances": [instance], "parameters": parameters}


def label(reference: str) -> str:
    """The reference as a label's value: lower case, digits, dashes, at most 63 characters."""
    return _NO_LABEL.sub("-", reference.lower())[:_LABEL_LENGTH]


class Veo(Adapter):
    """Makes one clip per job, from text or from a first frame; the model chooses the protocol."""

    kind = Kind.BLIND
    can_cancel = True  # interactions only; a Veo operation runs to its end
    result_life_s = 2 * 86_400

    def submit(self, order: Order, *, reference: str, deadline_s: float) -> Pending:
        if order.keyframe is not None and len(order.keyframe.data) > _LARGEST_STILL_BYTES:
            raise ProviderUnsupported(self._account.provider, "takes keyframes of up to 20 MB")
        if order.model.startswith(_LONG_RUNNING):
            path = f"/v1beta/models/{order.model}:predictLongRunning"
            body, id_field, protocol = operation_body(order), "name", "operation"
        else:
            path = "/v1beta/interactions"
            body, id_field, protocol = interaction_body(order, reference=reference), "id", _OMNI
        answer = ask(
            self._http,
            self._account,
            "POST",
            path,
            headers={**self._headers(), "Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"error": {"message": str()} as error} if answer.status >= 400:
                raise self._refusal(answer, error)
            case dict(taken) if answer.status == 200:
                job = taken.get(id_field)
                if isinstance(job, str) and job:
                    return Pending({protocol: job})
        raise unclear(self._account, answer)

    def poll(self, operation: Mapping[str, Any], *, deadline_s: float) -> Pending | Finished:
        if _OMNI in operation:
            path = f"interactions/{quote(str(operation[_OMNI]), safe='')}"
            seen = self._interaction(self._look(path, deadline_s))
        else:
            path = quote(str(operation["operation"]), safe="/")
            seen = self._operation(self._look(path, deadline_s))
        return seen or Pending(operation)

    def cancel(self, operation: Mapping[str, Any], *, deadline_s: float) -> None:
        """Cancel an interaction that runs in the background; a Veo operation cannot be."""
        if _OMNI not in operation:
            raise ProviderUnsupported(self._account.provider, "cannot cancel a Veo operation")
        path = f"interactions/{quote(str(operation[_OMNI]), safe='')}/cancel"
        answer = ask(
            self._http,
            self._account,
            "POST",
            f"/v1beta/{path}",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        if answer.status != 200:
            raise unseeing(self._account, answer)

    def check(self, *, deadline_s: float) -> None:
        """List one model. Says nothing about billing, which Google checks at paid calls only."""
        google.check_key(
            self._http,
            self._account,
            headers=self._headers(),
            deadline_s=deadline_s,
            refusal=self._refusal,
        )

    def download_headers(self, url: str) -> Mapping[str, str]:
        own = urlsplit(self._account.base_url)
        return self._headers() if url.startswith(f"{own.scheme}://{own.netloc}/") else {}

    def _look(self, path: str, deadline_s: float) -> Mapping[str, Any]:
        answer = look(
            self._http,
            self._account,
            f"/v1beta/{path}",
            headers=self._headers(),
            deadline_s=deadline_s,
        )
        match answer.json:
            case {"error": dict(error)} if (
                google.shared_leaf(answer.status, error) == google.REFUSED
            ):
                raise ProviderKeyRefused(self._account.provider, "refused the key at a look")
        if answer.status != 200:
            raise unseeing(self._account, answer)
        seen: Mapping[str, Any] = answer.json
        return seen

    def _interaction(self, seen: Mapping[str, Any]) -> Finished | None:
        """The clip of an interaction; None while it runs, or waits for what we never send."""
        status = seen.get("status")
        if status != "completed" and status not in _ENDED_WITHOUT:
            return None
        for content in _contents(seen):
            match content:
                case {"type": "video", "uri": str(uri)} if uri:
                    return Finished(url=uri, tokens=_tokens(seen))
                case {"type": "video", "data": str(data)} if data:
                    return Finished(data=picture(self._account, data), tokens=_tokens(seen))
        faults = list(_faults(seen))
        if status == "completed" and not faults:
            raise ProviderResultMissing(self._account.provider, "completed without a clip")
        raise self._job_failure(" ".join(faults))

    def _operation(self, seen: Mapping[str, Any]) -> Finished | None:
        """The clip of a Veo operation; None while it runs."""
        if seen.get("done") is not True:
            return None
        match seen:
            case {"error": dict(error)}:
                raise self._job_failure(str(error.get("message", "")))
            case {"response": {"generateVideoResponse": dict(made)}}:
                return self._sample(made)
        raise ProviderResultMissing(self._account.provider, "is done without an answer")

    def _sample(self, made: Mapping[str, Any]) -> Finished:
        match made:
            case {"generatedSamples": [{"video": {"uri": str(uri)}}, *others]} if uri:
                return Finished(url=uri, results=1 + len(others))
            case {"generatedSamples": [{"video": {"encodedVideo": str(data)}}, *others]} if data:
                return Finished(data=picture(self._account, data), results=1 + len(others))
        if made.get("raiMediaFilteredReasons") or made.get("raiMediaFilteredCount"):
            raise ContentRefused(
                self._account.provider, "refused by its content policy while making it", status=200
            )
        raise ProviderResultMissing(self._account.provider, "is done without a clip")

    def _job_failure(self, told: str) -> ProviderError:
        """A job that ended without a clip; the vendor's text is looked at and never repeated."""
        provider = self._account.provider
        if _speaks_of_policy(told):
            return ContentRefused(provider, "refused by its content policy while making it")
        return ProviderJobFailed(provider, "the job failed; the vendor does not bill it")

    def _refusal(self, answer: Answer, error: Mapping[str, Any]) -> ProviderError:
        found = _leaf(answer.status, error)
        if found is None:
            return unclear(self._account, answer)
        leaf, message = found
        delay = google.retry_delay(error)
        return leaf(
            self._account.provider,
            message,
            retry_after_s=delay_of(answer) if delay is None else delay,
            status=answer.status,
        )

    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self._account.secret("api_key")}


def _leaf(status: int, error: Mapping[str, Any]) -> google.Leaf | None:
    """Google's error table as classes; None means that the answer proves nothing."""
    shared = google.shared_leaf(status, error)
    if shared is not None:
        return shared
    if status == 402:
        return google.ACCOUNT_NOT_SERVED
    if status == 410:
        return google.RETIRED
    if status in (409, 500, 503):
        return ProviderUnavailable, "an error of its own"
    if status in (408, 499) or status >= 500:
        return None
    if _speaks_of_policy(str(error["message"])):
        return ContentRefused, "refused by its content policy"
    return ProviderRequestInvalid, "found the request invalid"


def _speaks_of_policy(text: str) -> bool:
    return any(word in text.lower() for word in _POLICY_WORDS)


def _contents(interaction: Mapping[str, Any]) -> Iterator[Json]:
    """Everything the model gave out, the last step first: an edited clip follows its draft."""
    for step in reversed(google.objects_in(interaction.get("steps"))):
        match step:
            case {"type": "model_output", "content": [*contents]}:
                yield from contents


def _faults(interaction: Mapping[str, Any]) -> Iterator[str]:
    """The codes and messages of an interaction's own faults and of those in its steps."""
    steps = [step.get("error") for step in google.objects_in(interaction.get("steps"))]
    for fault in [*google.objects_in(interaction.get("errors")), *steps]:
        if isinstance(fault, dict):
            yield f"{fault.get('code', '')} {fault.get('message', '')}"


def _tokens(interaction: Mapping[str, Any]) -> int | None:
    """Output tokens with the thoughts before them; None where the vendor does not count."""
    match interaction:
        case {"usage": {"total_output_tokens": int(tokens)} as usage} if tokens > 0:
            thoughts = usage.get("total_thought_tokens")
            return tokens + (thoughts if isinstance(thoughts, int) else 0)
    return None


ADAPTER = Veo
