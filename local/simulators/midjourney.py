"""A midjourney-proxy in both of its dialects, facts read 2026-11 in their source code.

Below `/mj/…` it answers as novicezk 2.6.3 does; below `/trueai/mj/…` (with a speed also
`/trueai/mj-fast/mj/…`, `mj-turbo`, `mj-relax`) as trueai-org 11.10.3 does, over the same jobs. So
the dialect is chosen by the address alone: `api_url` is `…/midjourney` or `…/midjourney/trueai`.

Nearly every business outcome is HTTP 200 with a `code`. A result is one picture with four tiles;
`imageUrl` shows a preview while the grid is still being made. `state` is echoed and not unique.

Chosen here, where the sources are silent or larger than needed: U, V and reroll are missing; hooks
are accepted and not sent; a key that starts with `sim-admin` is an administrator's, who may cancel
at trueai (the grid is billed all the same, as the work goes on); a link is signed, lives a day and
is 404 afterwards; a job that ends in FAILURE is not billed.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simulators.drawing import StillOrder, encode, open_image
from local.simulators.faults import FILE_DAMAGES, JSON_DAMAGES, Fault, FaultTable
from local.simulators.jobs import Job, now_s
from local.simulators.ledger import image_cost_micros
from local.simulators.wire import (
    Refused,
    before_the_vendor,
    deliver,
    deliver_file,
    json_object,
    json_reply,
)
from local.simulators.world import Provider, World

NAME = "midjourney"
GUIDE_PRICE_MICROS = 15_000  # A grid.
KEY_PREFIX, ADMIN_PREFIX = "sim-", "sim-admin"
SIGNING_KEY = b"sim-discord"
LINK_LIFE_S = 24 * 3600
LONGEST_STATE = 255
SHOWN_BY_TRUEAI = 100
HIGHEST_SEED = 2**32 - 1
ODD_POLLS = 2
ODD_WORDS = {"odd": "AWAITING_REVIEW", "modal": "MODAL", "lost": ""}
TILE_SIZES = {
    "1:1": (1024, 1024),
    "16:9": (1456, 816),
    "9:16": (816, 1456),
    "3:2": (1344, 896),
    "2:3": (896, 1344),
    "4:3": (1232, 928),
    "3:4": (928, 1232),
}
FLAG = re.compile(r"--(\w+)\s*((?:(?!\s--\w).)*)", re.DOTALL)
FLAG_VALUES = {
    "ar": r"\d{1,4}:\d{1,4}",
    "no": r".+",
    "seed": r"\d{1,10}",
    "style": r"raw|cute|expressive|original|scenic",
    "stylize": r"\d{1,3}|1000",
    "chaos": r"\d{1,2}|100",
    "v": r"\d(\.\d)?",
    "niji": r"\d",
    "fast": "",
    "relax": "",
    "turbo": "",
    "raw": "",
    "tile": "",
}
SHORT_FLAGS = {"aspect": "ar", "s": "stylize", "c": "chaos", "version": "v"}
FAILURES = {
    "timeout": "任务超时",
    "subscription": "[Subscription required] Your subscription has run out of fast hours",
    "banned": "[Banned prompt detected] The word is not allowed",
    "denied": "[Image denied] Our AI moderator denied this image",
    "sensitive": "可能包含敏感词",
    "24": "可能包含敏感词",
}
Dialect = Literal["novicezk", "trueai"]
# What a refusing fault at submit tells, by dialect and the fault's code: code, text, properties.
# trueai tells no 24: it takes such a task and fails it.
TOLD: dict[tuple[str, str], tuple[int, str, dict[str, str]]] = {
    ("both", "9"): (9, "提交失败，系统异常", {}),
    ("both", "no_account"): (3, "无可用的账号实例", {}),
    ("both", "daily_limit"): (4, "今日绘图次数已达上限", {}),
    ("trueai", "queue_full"): (9, "提交失败，队列已满，请稍后重试", {}),
    ("novicezk", "queue_full"): (
        23,
        "队列已满，请稍后尝试",
        {"discordInstanceId": "1118138338562"},
    ),
    ("novicezk", "24"): (24, "可能包含敏感词", {"promptEn": "x", "bannedWord": "x"}),
}
FAULTS: FaultTable = {
    "http_500": {
        "submit": ("9", "500"),
        "poll": ("500",),
        "download": ("500",),
        "result": ("timeout",),
    },
    "http_429": {"submit": ("queue_full", "429"), "poll": ("429",), "download": ("429",)},
    "quota": {"submit": ("daily_limit", "no_account"), "result": ("subscription",)},
    "bad_key": {"submit": ("401", "403"), "poll": ("401", "403")},
    "refuse": {"submit": ("24",), "result": ("banned", "denied", "sensitive")},
    "hang": {"submit": (), "poll": (), "download": ()},
    "drop_reply": {"submit": (), "poll": (), "download": ()},
    "drop_request": {"submit": ()},
    "malformed": {
        "submit": JSON_DAMAGES,
        "poll": JSON_DAMAGES,
        "download": FILE_DAMAGES,
        "result": ("no_result",),
    },
    "html": {"submit": (), "poll": (), "download": ()},
    "slow": {"submit": (), "poll": (), "download": ()},
    "stuck": {"result": ()},
    "expired_url": {"download": ()},
    "truncated": {"download": ()},
    "wrong_size": {"result": ()},
    "odd_status": {"poll": tuple(ODD_WORDS), "submit": ("21", "22")},
}


@dataclass(frozen=True)
class Imagined:
    """A prompt taken apart: its text, the grid's tile, and why Midjourney will not make it."""

    text: str
    tile: tuple[int, int]
    seed: int
    speed: str
    failure: str | None


def imagined(prompt: str) -> Imagined:
    """What a prompt asks for; a flag that is none fails the job later, as at Midjourney."""
    text, _, _ = prompt.partition(" --")
    found: dict[str, str] = {}
    failure = None
    for name, value in FLAG.findall(prompt[len(text) :]):
        flag = SHORT_FLAGS.get(name, name)
        pattern = FLAG_VALUES.get(flag)
        if pattern is None:
            failure = f"[Invalid parameter] Unrecognized parameter(s): `--{name}`"
        elif not re.fullmatch(pattern, value.strip(), re.DOTALL):
            failure = f"[Invalid parameter] `--{name}` has an invalid value"
        found[flag] = value.strip()
    seed = int(found.get("seed") or 0) if failure is None else 0
    if seed > HIGHEST_SEED:
        failure = "[Invalid parameter] `--seed` is out of range"
    speeds = [speed for speed in ("fast", "relax", "turbo") if speed in found]
    tile = tile_size(found.get("ar", "1:1") if failure is None else "1:1")
    return Imagined(text, tile, seed, speeds[-1] if speeds else "fast", failure)


def tile_size(ratio: str) -> tuple[int, int]:
    """Width and height of one of the four; other ratios get about as many pixels as 1:1."""
    if ratio in TILE_SIZES:
        return TILE_SIZES[ratio]
    across, down = (max(1, int(number)) for number in ratio.split(":"))
    width = (1024 * 1024 * across / down) ** 0.5
    return max(64, round(width / 16) * 16), max(64, round(width * down / across / 16) * 16)


def join_tiles(tiles: list[bytes], *, share: int) -> bytes:
    """One PNG of four pictures, two by two; a preview has only one pixel of `share` a side."""
    pictures = [open_image(tile) for tile in tiles]
    width, height = (max(1, edge // share) for edge in pictures[0].size)
    grid = Image.new("RGB", (width * 2, height * 2))
    for number, picture in enumerate(pictures):
        shown = picture if share == 1 else picture.resize((width, height))
        grid.paste(shown, (number % 2 * width, number // 2 * height))
    return encode(grid, "png", 90)


def message(code: int, description: str, **more: Any) -> Response:
    return json_reply({"code": code, "description": description} | more)


def refused(fault: Fault, dialect: Dialect) -> Response | None:
    """The answer of a fault that refuses the call; None for those that let it through."""
    answer = _answer_of(fault, dialect)
    if answer is not None:
        answer.status_code = fault.order.status or answer.status_code
        if fault.order.retry_after is not None:
            answer.headers["retry-after"] = str(fault.order.retry_after)
    return answer


def _answer_of(fault: Fault, dialect: Dialect) -> Response | None:
    if fault.name in ("http_500", "http_429") and fault.code.isdigit() and len(fault.code) == 3:
        status = int(fault.code)
        page = {"status": status, "error": "Internal Server Error"}
        return json_reply(page, status) if status == 500 else Response(b"", status)
    if fault.name == "bad_key":
        return not_signed(dialect, int(fault.code))
    known = TOLD.get((dialect, fault.code)) or TOLD.get(("both", fault.code))
    if fault.where != "submit" or known is None:
        return before_the_vendor(fault)
    code, description, properties = known
    return message(code, description, **({"properties": properties} if properties else {}))


def not_signed(dialect: Dialect, status: int) -> Response:
    """A wrong or missing key: novicezk says nothing at all, trueai a plain sentence."""
    if dialect == "novicezk":
        return Response(b"", status)
    text = "Authorization header missing." if status == 401 else "未登录"
    return Response(text, status, media_type="text/plain")


def key_of(request: Request, dialect: Dialect) -> str:
    """The good key of a call. At trueai `Authorization` wins, raw and without a scheme."""
    key = request.headers.get("mj-api-secret", "")
    if dialect == "trueai":
        key = request.headers.get("authorization", key)
    if key.startswith(KEY_PREFIX):
        return key
    raise Refused(not_signed(dialect, 403 if key and dialect == "trueai" else 401))


def _signature(job_id: str, expires_at: str, number: int) -> str:
    signed = f"{job_id}\n{expires_at}\n{number}".encode()
    return hmac.new(SIGNING_KEY, signed, hashlib.sha256).hexdigest()


class Midjourney:
    """The endpoints of one dialect over one world."""

    def __init__(self, world: World, dialect: Dialect) -> None:
        self._world = world
        self._dialect = dialect

    async def imagine(self, request: Request) -> Response:
        """POST /mj/submit/imagine"""
        key_of(request, self._dialect)
        body = await json_object(request, lambda reason: message(4, reason))
        self._check(body)
        fault = self._world.faults.take(NAME, "submit", body["prompt"])
        refusal = refused(fault, self._dialect) if fault else None
        if refusal is not None and not (fault and fault.order.accepted):
            return refusal
        job = self._accept(body, fault)
        if refusal is not None:
            return refusal
        return await deliver(self._world, self._created(job, fault), fault)

    def _check(self, body: dict[str, Any]) -> None:
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise Refused(message(4, "prompt不能为空"))
        state = body.get("state") or ""
        too_long = self._dialect == "trueai" and len(state) > LONGEST_STATE
        if not isinstance(state, str) or too_long:
            raise Refused(message(4, "参数错误: state"))
        for image in body.get("base64Array") or []:
            head, _, data = str(image).partition(";base64,")
            try:
                base64.b64decode(data, validate=True)
            except ValueError:
                head = ""
            if not head.startswith("data:image/"):
                raise Refused(message(4, "base64格式错误"))

    def _accept(self, body: dict[str, Any], fault: Fault | None) -> Job:
        flaw = self._world.faults.take(NAME, "result", body["prompt"])
        name, started_at_s = (flaw.name if flaw else None), now_s()
        wanted = imagined(body["prompt"])
        failure = FAILURES.get(flaw.code) if flaw else None
        if fault is not None and fault.name == "refuse":  # trueai takes it, and fails it then
            failure = FAILURES[fault.code]
        failure = failure or wanted.failure
        modal = fault is not None and fault.name == "odd_status" and fault.code == "21"
        shrink = 2 if name == "wrong_size" else 1
        order = {
            "width": wanted.tile[0] // shrink,
            "height": wanted.tile[1] // shrink,
            "seed": wanted.seed,
            "speed": wanted.speed,
            "full_prompt": body["prompt"],
            "hook": body.get("notifyHook"),
            "nonce": str(secrets.randbelow(10**18)),
            "modal": modal,
            "queued": self._running(),
            "odd_word": "",
        }
        never = modal or name == "stuck"
        job = Job(
            id=f"{round(started_at_s * 1000)}{secrets.randbelow(1000):03d}",
            provider=NAME,
            kind=self._dialect,
            prompt=wanted.text,
            order=order,
            accepted_at_s=started_at_s,
            ready_at_s=None if never else started_at_s + self._world.pace.image_s,
            reference=body.get("state") or None,
            failure=failure,
            flaws=[name] if name else [],
        )
        self._world.jobs.save(job)
        self._world.ledger.accept(
            NAME,
            id=job.id,
            prompt=wanted.text,
            cost_micros=image_cost_micros(GUIDE_PRICE_MICROS, 1),
            accepted_at_s=started_at_s,
            reference=job.reference,
            billed=failure is None,
        )
        return job

    def _running(self) -> int:
        moment_s = now_s()
        jobs = self._world.jobs.of(NAME)
        return sum(job.phase(moment_s) in ("submitted", "processing") for job in jobs)

    def _created(self, job: Job, fault: Fault | None) -> Response:
        ahead = job.order["queued"]
        told = fault.code if fault is not None and fault.name == "odd_status" else ""
        if told == "21":
            return message(21, "Waiting for window confirm", result=job.id, properties={})
        if ahead or told == "22":
            properties = {"numberOfQueues": ahead, "discordInstanceId": "1118138338562560102"}
            text = f"排队中，前面还有{ahead}个任务"
            return message(22, text, result=job.id, properties=properties)
        return message(1, "提交成功", result=job.id, properties={})

    async def confirm(self, request: Request) -> Response:
        """trueai: POST /mj/submit/modal, by which a person lets a waiting task go on."""
        key_of(request, self._dialect)
        body = await json_object(request, lambda reason: message(4, reason))
        job = self._world.jobs.get(NAME, str(body.get("taskId")))
        if job is None or not job.order["modal"]:
            return message(3, "关联任务不存在或已失效")
        job.order["modal"] = False
        job.ready_at_s = now_s() + self._world.pace.image_s
        self._world.jobs.save(job)
        return message(1, "提交成功", result=job.id)

    async def fetch(self, request: Request) -> Response:
        """GET /mj/task/{id}/fetch: a task nobody knows is an empty 200, or 204 at trueai."""
        key_of(request, self._dialect)
        job = self._world.jobs.get(NAME, request.path_params["id"])
        fault = self._world.faults.take(NAME, "poll")
        refusal = refused(fault, self._dialect) if fault else None
        if refusal is not None:
            return refusal
        if fault is not None and fault.name == "odd_status" and job is not None:
            job.odd_polls, job.order["odd_word"] = ODD_POLLS, fault.code
        if job is None or (job.odd_polls and job.order["odd_word"] == "lost"):
            self._count_down(job)
            return Response(b"", 200 if self._dialect == "novicezk" else 204)
        reply = json_reply(self._task(request, job))
        self._count_down(job)
        return await deliver(self._world, reply, fault)

    def _count_down(self, job: Job | None) -> None:
        if job is not None and job.odd_polls:
            job.odd_polls -= 1
            self._world.jobs.save(job)

    async def list_all(self, request: Request) -> Response:
        """GET /mj/task/list: everything at novicezk, the latest 100 at trueai."""
        key_of(request, self._dialect)
        jobs = list(self._world.jobs.of(NAME))
        if self._dialect == "trueai":
            jobs = jobs[::-1][:SHOWN_BY_TRUEAI]
        return await self._listed(request, jobs)

    async def list_some(self, request: Request) -> Response:
        """POST /mj/task/list-by-condition with `{"ids": [...]}`"""
        key_of(request, self._dialect)
        body = await json_object(request, lambda reason: message(4, reason))
        found = [self._world.jobs.get(NAME, str(id)) for id in body.get("ids") or []]
        return await self._listed(request, [job for job in found if job is not None])

    async def _listed(self, request: Request, jobs: list[Job]) -> Response:
        fault = self._world.faults.take(NAME, "poll")
        refusal = refused(fault, self._dialect) if fault else None
        if refusal is not None:
            return refusal
        if fault is not None and fault.name == "malformed":  # The damages are made for objects.
            return Response(b"[{", media_type="application/json")
        reply = json_reply([self._task(request, job) for job in jobs])
        return await deliver(self._world, reply, fault)

    async def cancel(self, request: Request) -> Response:
        """trueai: POST /mj/task/{id}/cancel, an administrator's; the work goes on all the same."""
        if not key_of(request, self._dialect).startswith(ADMIN_PREFIX):
            return Response("演示模式，禁止操作", 400, media_type="text/plain")
        job = self._world.jobs.get(NAME, request.path_params["id"])
        if job is None or job.phase(now_s()) in ("done", "failed"):
            return message(3, "任务不存在或已结束")
        job.failure, job.ready_at_s = "取消任务", now_s()
        self._world.jobs.save(job)
        return message(1, "成功", result=job.id)

    def _task(self, request: Request, job: Job) -> dict[str, Any]:
        moment_s = now_s()
        phase = job.phase(moment_s)
        over = phase in ("done", "failed")
        status, progress = self._progress(job, moment_s)
        full = job.order["full_prompt"]
        task: dict[str, Any] = {
            "id": job.id,
            "action": "IMAGINE",
            "status": status,
            "progress": progress,
            "prompt": full,
            "promptEn": full,
            "description": f"/imagine {full}",
            "state": job.reference,
            "submitTime": round(job.accepted_at_s * 1000),
            "startTime": None if status == "NOT_START" else round(job.accepted_at_s * 1000),
            "finishTime": round((job.ready_at_s or 0) * 1000) if over else None,
            "imageUrl": self._image_url(request, job, status),
            "failReason": job.failure if phase == "failed" else None,
            "properties": {
                "finalPrompt": f"{full} --v 7",
                "flags": 0,
                "notifyHook": job.order["hook"],
                "nonce": job.order["nonce"],
            },
        }
        if self._dialect == "trueai":
            task |= {"mode": job.order["speed"].upper(), "botType": "MID_JOURNEY"}
            task["buttons"] = buttons(job) if status == "SUCCESS" else []
        return task

    def _progress(self, job: Job, moment_s: float) -> tuple[str, str]:
        if job.odd_polls and job.order["odd_word"]:
            return ODD_WORDS[job.order["odd_word"]], "46%"
        if job.order["modal"]:
            return "MODAL", "0%"
        match job.phase(moment_s):
            case "submitted":
                return ("NOT_START", "") if job.order["queued"] else ("SUBMITTED", "0%")
            case "processing":
                whole_s = (job.ready_at_s or moment_s + 1) - job.accepted_at_s
                share = min(99, round(100 * (moment_s - job.accepted_at_s) / whole_s))
                return "IN_PROGRESS", f"{share}%"
            case "failed":
                return "FAILURE", ""
        return "SUCCESS", "100%"

    def _image_url(self, request: Request, job: Job, status: str) -> str | None:
        """A fresh link to the grid, or to its preview while it is being made."""
        if status == "SUCCESS" and "malformed" not in job.flaws:
            name = "grid_0.png"
        elif status == "IN_PROGRESS":
            name = "preview.png"
        else:
            return None
        expires_at, number = f"{int(now_s()) + LINK_LIFE_S:x}", job.dead_links
        query = f"ex={expires_at}&is={number:x}&hm={_signature(job.id, expires_at, number)}"
        host = request.headers.get("host", "127.0.0.1")
        return f"http://{host}/{NAME}/attachments/{job.id}/{name}?{query}"

    async def attachment(self, request: Request) -> Response:
        """GET /attachments/{id}/{name}: a file of the chat, under a signature that expires."""
        job = self._world.jobs.get(NAME, request.path_params["id"])
        query = request.query_params
        expires_at, number = query.get("ex", "0"), query.get("is", "0")
        if job is None or not _is_valid(job, expires_at, number, query.get("hm", "")):
            return _gone()
        fault = self._world.faults.take(NAME, "download")
        if fault is not None and fault.name == "expired_url":
            job.dead_links += 1
            self._world.jobs.save(job)
            return _gone()
        refusal = refused(fault, self._dialect) if fault else None
        if refusal is not None:
            return refusal
        content = await self._grid(job, share=4 if "preview" in request.path_params["name"] else 1)
        return await deliver_file(self._world, request, content, "image/png", fault)

    async def _grid(self, job: Job, *, share: int) -> bytes:
        orders = tuple(
            StillOrder(
                provider=NAME,
                prompt=job.prompt,
                width=job.order["width"],
                height=job.order["height"],
                seed=job.order["seed"] * 4 + number,
            )
            for number in range(4)
        )
        tiles = [await self._world.studio.still(order) for order in orders]
        join = partial(join_tiles, tiles, share=share)
        return await self._world.studio.joined((orders, share), join)


def _is_valid(job: Job, expires_at: str, number: str, signature: str) -> bool:
    try:
        expires_at_s, count = int(expires_at, 16), int(number, 16)
    except ValueError:
        return False
    signed = hmac.compare_digest(_signature(job.id, expires_at, count), signature)
    return signed and expires_at_s >= now_s() and count >= job.dead_links


def _gone() -> Response:
    return Response("This content is no longer available.", 404, media_type="text/plain")


def buttons(job: Job) -> list[dict[str, Any]]:
    """U1 to U4 and V1 to V4, as trueai shows them below a grid."""
    digest = hashlib.sha256(job.id.encode()).hexdigest()[:32]
    return [
        {
            "customId": f"MJ::JOB::{word}::{number}::{digest}",
            "emoji": "",
            "label": f"{word[0].upper()}{number}",
            "type": 2,
            "style": 2,
        }
        for word in ("upsample", "variation")
        for number in range(1, 5)
    ]


def routes(world: World) -> list[Route]:
    old, new = Midjourney(world, "novicezk"), Midjourney(world, "trueai")
    found = [Route("/attachments/{id}/{name}", old.attachment)]
    prefixes: list[tuple[str, Midjourney]] = [("", old), ("/trueai", new)]
    prefixes += [(f"/trueai/mj-{speed}", new) for speed in ("fast", "turbo", "relax")]
    for prefix, dialect in prefixes:
        found += [
            Route(f"{prefix}/mj/submit/imagine", dialect.imagine, methods=["POST"]),
            Route(f"{prefix}/mj/task/list", dialect.list_all),
            Route(f"{prefix}/mj/task/list-by-condition", dialect.list_some, methods=["POST"]),
            Route(f"{prefix}/mj/task/{{id}}/fetch", dialect.fetch),
        ]
        if dialect is new:
            found += [
                Route(f"{prefix}/mj/task/list-by-ids", dialect.list_some, methods=["POST"]),
                Route(f"{prefix}/mj/task/{{id}}/cancel", dialect.cancel, methods=["POST"]),
                Route(f"{prefix}/mj/submit/modal", dialect.confirm, methods=["POST"]),
            ]
    return found


def not_found(request: Request) -> Response:
    """Spring's page at novicezk, nothing at all at trueai."""
    path = request.url.path.removeprefix(f"/{NAME}")
    if path.startswith("/trueai"):
        return Response(b"", 404)
    body = {"timestamp": round(time.time() * 1000), "status": 404, "error": "Not Found"}
    return json_reply(body | {"path": path}, 404)


PROVIDER = Provider(name=NAME, faults=FAULTS, routes=routes, not_found=not_found)
