"""What the fields of requests mean, for readers. The models themselves keep silent about it, since
every function that checks a request pays for what they say."""

from collections.abc import Mapping
from typing import Final

_PROVIDER: Final = "A provider's id, or `auto` for all that can, in the strategy's order."
_STRATEGY: Final = "In which order providers are tried."
_ON_REFUSAL: Final = (
    "Whether the next provider is asked when one refuses the content; without a word, each "
    "provider's settings say it."
)
_ON_UNKNOWN: Final = (
    "Whether the next provider is asked when nobody knows if one has accepted; both may then bill."
)
_PROJECT: Final = "A name of the caller's; a project may have a budget of its own."
_QUOTE: Final = "That of an estimate of the same: its `max` binds until it expires."
_NEGATIVE: Final = "What shall not be seen. A provider without a field for it gets a warning."
_COST_LIMIT: Final = "The most that it may cost, fallbacks included."
_WEBHOOK: Final = "Told of the end, signed by Standard Webhooks. https, a public address."
_WISH: Final[Mapping[str, str]] = {
    "prompt": "What is to be seen.",
    "negative_prompt": _NEGATIVE,
}
_REQUEST: Final[Mapping[str, str]] = {
    **_WISH,
    "provider": _PROVIDER,
    "strategy": _STRATEGY,
    "cost_limit": _COST_LIMIT,
    "on_refusal": _ON_REFUSAL,
    "on_unknown": _ON_UNKNOWN,
}
_PART: Final[Mapping[str, str]] = {
    "provider": _PROVIDER,
    "prompt": "Its own words; without them those of the shot.",
    "negative_prompt": _NEGATIVE,
}
_BOARD: Final[Mapping[str, str]] = {
    "project": _PROJECT,
    "strategy": _STRATEGY,
    "budget": "The most that all of it may cost. Without one, a part may cost what a single "
    "generation may.",
    "on_refusal": _ON_REFUSAL,
    "on_unknown": _ON_UNKNOWN,
    "webhook_url": _WEBHOOK,
    "continuity": "What happens to shots that belong together when one must go to another "
    "provider: the rest follow, stop until somebody approves, or each is for itself.",
    "defaults": "What holds for every shot that does not say otherwise.",
}

_OPENAI: Final[Mapping[str, str]] = {
    **_WISH,
    "model": "`auto`, a strategy, a provider, or a vendor's model, of those that `GET /v1/models` "
    "lists.",
    "user": "Kept as the tag `user:…`.",
    "strategy": _STRATEGY,
    "cost_limit": _COST_LIMIT,
    "project": _PROJECT,
    "script_id": "A name of the caller's.",
    "shot_number": "A number of the caller's.",
    "on_refusal": _ON_REFUSAL,
    "on_unknown": _ON_UNKNOWN,
    "webhook_url": _WEBHOOK,
}
_VIDEO: Final[Mapping[str, str]] = {
    **_OPENAI,
    "seconds": "1 to 60, as a number or in digits.",
    "size": "Width and height as whoever may be asked makes them.",
    "input_reference": "The picture that the clip starts from.",
    "motion": "A camera move, for `flow`.",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Params": {
        "resolution": "Such as `1024x1024` for images, `720p` or `4k` for clips.",
        "aspect_ratio": "Such as `16:9`.",
        "quality": "`standard` if nobody says anything.",
        "style": "A vendor's word for a look.",
        "duration_s": "Whole seconds; clips only.",
        "fps": "Clips only.",
        "count": "One take is made.",
        "image": "The still that a clip starts from: the id of a take or of an upload. A single "
        "generation takes an https link too: what lies there is fetched once and kept.",
        "motion": "A camera move, for `flow`.",
    },
    "WishBody": _WISH,
    "EstimateBody": _REQUEST,
    "GenerationBody": {
        **_REQUEST,
        "project": _PROJECT,
        "script_id": "A name of the caller's.",
        "shot_number": "A number of the caller's.",
        "tags": "Words of the caller's, for lists.",
        "quote_id": _QUOTE,
        "webhook_url": _WEBHOOK,
    },
    "PartBody": _PART,
    "StillBody": _PART,
    "ShotBody": {
        "number": "Its place in the list, counted from 1, if nothing is said.",
        "scene": "Shots of one scene are made by one provider.",
        "characters": "Shots that share one of them are made by one provider.",
        "strategy": "Its own, in place of the storyboard's.",
        "keyframe": "There is one unless it is null.",
        "variation": "There is none unless it is said.",
        "clip": "There is none unless it is said. It starts from the keyframe.",
    },
    "StoryboardStartBody": {**_BOARD, "quote_id": _QUOTE},
    "StoryboardEstimateBody": {**_BOARD, "optimise": "Choose a provider for every part."},
    "OptimiseBody": {
        "goal": "As good, as cheap or as quick as possible.",
        "budget": "Without one, the storyboard's own.",
        "quality_floor": "A name of the catalogue: `any`, `fair`, `good`, `high`, `best`.",
    },
    "ResumeBody": {"approve": "Let a group of shots that was stopped go on elsewhere."},
    "BudgetBody": {
        "limit": "A month's limit; null leaves the scope to the owner's.",
        "alert_at": "Percentages of the limit at which the owner is told, once a month.",
    },
    "CorrectionBody": {"reason": "How that is known; it stands in the books."},
    "TokenBody": {
        "user": "For whom it speaks.",
        "expires_at": "A time with its offset; without an end it works until it is revoked.",
        "expires_in_days": "In place of `expires_at`.",
        "note": "For whoever reads the list of tokens.",
    },
    "SettingsBody": {
        "enabled": "Whether it is asked at all.",
        "priority": "Its place among the providers of its medium; 1 is tried first.",
        "api_url": "Another host that speaks its protocol, from the list of allowed ones; null "
        "for the vendor's own.",
        "model": "A model of its catalogue; null for the usual one.",
        "on_refusal": _ON_REFUSAL,
        "on_unknown": _ON_UNKNOWN,
        "monthly_limit": "The limit of the provider's own budget; null for none.",
    },
    "UploadBody": {
        "filename": "Its ending goes with the `content_type`.",
        "size_bytes": "Exactly.",
        "clip": "For images: what they become; null only keeps them.",
        "storyboard": "For shot lists: what they cannot say themselves.",
    },
    "ClipWishes": {
        "provider": _PROVIDER,
        "prompt": "Without one, what the file is called.",
        "negative_prompt": _NEGATIVE,
        "strategy": _STRATEGY,
        "cost_limit": _COST_LIMIT,
        "project": _PROJECT,
    },
    "ImageBody": {
        **_OPENAI,
        "tags": "Words of the caller's, for lists.",
        "n": "Only 1.",
        "size": "`auto`, or one that whoever may be asked makes.",
        "quality": "`auto`, `standard` and `medium` are the same, and so are `high` and `hd`.",
        "response_format": "`b64_json` unless `url` is said: a link that ends after minutes.",
        "style": "A vendor's word for a look.",
        "output_format": "Only `png`.",
        "output_compression": "Only 100.",
        "background": "Only `auto`.",
        "moderation": "Only `auto`.",
        "stream": "Only false.",
        "partial_images": "Only 0.",
        "safety_identifier": "Kept as the tag `user:…`, before `user`.",
    },
    "VideoBody": {**_VIDEO, "tags": "Words of the caller's, for lists."},
    "VideoForm": {**_VIDEO, "tags[]": "A word of the caller's; it may come several times."},
    "ReferenceBody": {
        "file_id": "The id of a take or of an upload.",
        "image_url": "A data: URL of a picture in base64, or an https link.",
    },
    "OrderBody": {"order": "Every provider of the medium, first to be tried first."},
    "KeyBody": {"key": "A text, or an object of texts where a provider needs several."},
}
"""By model and field."""
