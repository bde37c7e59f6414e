"""No key, prompt or presigned link in any log line, execution history or error."""

import json

import urllib3

from tests.e2e.gateway import Gateway, Studio, prompt


def test_secrets_and_prompts_are_written_nowhere_they_do_not_belong(
    gateway: Gateway, studio: Studio
) -> None:
    wish = prompt()
    gateway.script("dalle", "bad_key")
    made = studio.make(type="image", prompt=wish)
    gateway.script("dalle", "drop_reply")
    doubtful = studio.make(type="image", prompt=wish)
    link = made["takes"][0]["url"]
    assert urllib3.request("GET", link).status == 200
    problem = studio.api.call("POST", "/v1/generations", {"type": "image", "prompt": [wish]})

    histories = [gateway.history(one["id"]) for one in (made, doubtful)]
    log = (gateway.stack.logs / "aws.log").read_text()

    written = {
        "log": log,
        "history": json.dumps(histories, default=str),
        "problem": json.dumps(problem.body),
    }
    for place, text in written.items():
        assert len(text) > 100, f"{place} is empty, so this test shows nothing"
        assert wish not in text, f"the prompt is in the {place}"
        assert "X-Amz-Signature" not in text, f"a presigned link is in the {place}"
        assert f"sim-canary-{studio.tenant}" not in text, f"a key is in the {place}"
        assert "Bearer fg_" not in text, f"a token is in the {place}"
