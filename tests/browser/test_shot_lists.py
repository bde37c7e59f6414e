"""A shot list is the same storyboard to the page and to the API, whichever of them reads the file.

The page's modules run in the browser; what they make of a file is held against the gateway's own
reader of the same bytes.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
from playwright.sync_api import Route

from filmgate.batch_files import BatchRefused, Kind, read_batch
from filmgate.domain.storyboard import Storyboard
from filmgate.schemas import StoryboardBody
from filmgate.spreadsheet import csv_text
from tests.browser.hostile import HOSTILE
from tests.browser.support import Sight
from tests.conftest import ROOT

NOWHERE: Final = "http://modules.test"
MODULES: Final = ROOT / "functions" / "studio" / "static"
Modules = Callable[[str, list[Any]], Any]

LISTS = (
    "number,prompt,scene,clip_provider,duration_s,resolution,aspect_ratio,motion\n"
    "3,A fox,snow,none,,,16:9,\n1,A hare,snow,,5,720p,16:9,push_in\n2,An owl,,whan,3,1080p,,\n",
    "prompt\nA fox\nA hare\n",
    'prompt;scene;clip_prompt\r\n"A ""red""\r\nfox; running";snow;it runs\r\n;;\r\nB;;\r\n',
    "prompt\tresolution\tkeyframe_provider\nA fox\t1024x1024\tdalle\nA hare\t4K\tauto\n",
    "\ufeffprompt,clip_provider\nFüchsin,NONE\n",
    "\n\n PROMPT , Scene \nA fox,quay\n",
    'prompt,scene\n"A fox", y \n',
)
BROKEN = (
    "", "\n \n", "prompt\n", "scene\nquay\n", "prompt,foo\nA,b\n", "prompt,prompt\nA,b\n",
    'prompt\n"A fox\nand more', 'prompt\n"A fox" red\n', "prompt,scene\nA,b,c\nD,e\n",
    "prompt,number\nA fox,seven\n",
)  # fmt: skip
BOARDS: tuple[dict[str, Any], ...] = (
    {"shots": [{"prompt": "A fox"}]},
    {
        "title": "Snow", "project": "fog", "strategy": "hybrid", "budget": "2.5000",
        "continuity": "stop", "on_refusal": "stop", "on_unknown": "next",
        "defaults": {
            "keyframe": {"provider": "dalle", "params": {"aspect_ratio": "16:9"}},
            "clip": {"provider": "whan", "params": {"duration_s": 3, "resolution": "720p"}},
        },
        "shots": [
            {"prompt": "A fox", "number": 7, "scene": "snow", "characters": ["Reynard"]},
            {"prompt": "A hare", "clip": None, "strategy": "cheapest"},
            {"prompt": "An owl", "number": 5, "keyframe": {"params": {"seed": 4, "style": "ink"}}},
            {"prompt": "B", "clip": {"prompt": "it flies", "params": {"motion": "tilt_up"}}},
        ],
    },
    {
        "shots": [
            {
                "prompt": "A fox", "negative_prompt": "blur",
                "keyframe": {"params": {"resolution": "1024x1024", "aspect_ratio": "1:1"}},
                "variation": {"provider": "nanobanana", "negative_prompt": "grain"},
                "clip": {"params": {"resolution": "1080p", "aspect_ratio": "16:9"}},
            },
            {
                "prompt": "A hare", "keyframe": None,
                "clip": {"params": {"image": f"take_{'a' * 26}00", "quality": "high"}},
            },
        ],
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def modules(sight: Sight) -> Iterator[Modules]:
    """Calls a function of the page's modules in the browser, by "file.js:name"; they need no
    gateway, and are handed to the browser as they lie in the folder."""
    page = sight.browser.new_page()
    page.route("**/*", hand_over)
    page.goto(f"{NOWHERE}/index.html")

    def call(name: str, arguments: list[Any]) -> Any:
        file, _, function = name.partition(":")
        return page.evaluate(
            "async ([file, name, given]) => (await import(file))[name](...given)",
            [f"{NOWHERE}/storyboard/{file}", function, arguments],
        )

    yield call
    page.close()


def hand_over(route: Route) -> None:
    name = route.request.url.removeprefix(f"{NOWHERE}/")
    if name.endswith(".js"):
        route.fulfill(body=(MODULES / name).read_text(), content_type="text/javascript")
    else:
        route.fulfill(body="", content_type="text/html")


def as_asked(modules: Modules, text: str, kind: str) -> tuple[Storyboard | None, list[Any]]:
    """What the page would ask of the API for a file, and the faults that it tells."""
    read = modules("draft.js:draftOfFile", [text, kind])
    if read["draft"] is None:
        return None, read["faults"]
    return sent(modules("draft.js:bodyOf", [read["draft"]])), read["faults"]


def sent(body: dict[str, Any]) -> Storyboard:
    return StoryboardBody.model_validate(body).storyboard()


def ordered(board: Storyboard) -> Storyboard:
    return replace(board, shots=tuple(sorted(board.shots, key=lambda shot: shot.number)))


@pytest.mark.parametrize("text", LISTS)
def test_a_csv_is_the_same_storyboard_to_the_page_and_to_the_api(
    modules: Modules, text: str
) -> None:
    by_api = read_batch([text.encode()], kind=Kind.CSV)

    by_page, faults = as_asked(modules, text, "csv")

    assert faults == []
    assert by_page == ordered(by_api)


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_csv_is_refused_in_the_same_place(modules: Modules, text: str) -> None:
    with pytest.raises(BatchRefused) as refused:
        read_batch([text.encode()], kind=Kind.CSV)
    by_api = [(fault.line, fault.column) for fault in refused.value.faults]

    read = modules("draft.js:draftOfFile", [text, "csv"])

    assert [(one["line"], one["column"]) for one in read["faults"]] == by_api


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_storyboard_in_json_is_the_same_to_both(
    modules: Modules, board: dict[str, Any], kind: str
) -> None:
    text = json.dumps(board)
    if kind == "jsonl":
        head = {name: value for name, value in board.items() if name != "shots"}
        lines = [*([head] if head else []), *board["shots"]]
        text = "\n".join(json.dumps(line) for line in lines)
    by_api = read_batch([text.encode()], kind=Kind(kind))

    by_page, faults = as_asked(modules, text, kind)

    assert faults == []
    assert by_page == ordered(by_api)


def test_hostile_prompts_go_through_a_csv_and_back_unchanged(modules: Modules) -> None:
    rows = [{"prompt": one, "scene": f"at {one[:100]} there"} for one in HOSTILE]
    drafted = modules("draft.js:draftOfFile", [csv_text(["prompt", "scene"], rows), "csv"])["draft"]

    text = modules("draft.js:csvOf", [drafted])["text"]
    again = modules("draft.js:draftOfFile", [text, "csv"])["draft"]

    by_api = read_batch([text.encode()], kind=Kind.CSV)
    bodies = [modules("draft.js:bodyOf", [one]) for one in (drafted, again)]
    assert sent(bodies[0]) == sent(bodies[1]) == by_api
    assert all(
        not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        for cell in row
    )
    assert [shot.prompt for shot in by_api.shots] == list(HOSTILE)


def test_a_row_without_words_stays_in_the_draft_for_its_writer(modules: Modules) -> None:
    draft = modules("draft.js:draftOfFile", ["prompt,scene\n,quay\nA fox,\n", "csv"])["draft"]

    assert [row["cells"]["prompt"] for row in draft["rows"]] == ["", "A fox"]


def test_what_would_fit_leaves_out_and_makes_cheaper_just_what_it_names(modules: Modules) -> None:
    draft = modules("draft.js:draftOfFile", ["prompt\nA\nB\nC\n", "csv"])["draft"]
    fits = {
        "drop": [2],
        "downgrade": [
            {"number": 3, "keyframe": {"provider": "nanobanana"}, "clip": {"provider": "flow"}}
        ],
    }

    fitting = modules("draft.js:withFit", [draft, fits])
    body = modules("draft.js:bodyOf", [fitting])

    told = [
        (shot["number"], shot["keyframe"]["provider"], shot["clip"]["provider"])
        for shot in body["shots"]
    ]
    assert told == [(1, "auto", "auto"), (3, "nanobanana", "flow")]
    assert len(fitting["rows"]) == 3


def test_a_shot_that_moves_leaves_the_numbers_in_order(modules: Modules) -> None:
    draft = modules("draft.js:draftOfFile", ["number,prompt\n10,A\n20,B\n30,C\n", "csv"])["draft"]

    moved = modules("draft.js:withMoved", [draft, draft["rows"][2]["id"], 0])
    grown = modules("draft.js:withRow", [moved, 0])

    assert [(row["number"], row["cells"]["prompt"]) for row in moved["rows"]] == [
        (10, "C"), (20, "A"), (30, "B"),
    ]  # fmt: skip
    assert [row["number"] for row in grown["rows"]] == [10, 11, 20, 30]
