"""`filmgate` and its tools for agents on the local stack: terminals, lost lines, books."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters

from filmgate_cli.agents import Tools
from local.owner import make_token
from tests.e2e.gateway import Gateway, Studio, prompt
from tests.e2e.lossy_line import losing
from tests.support.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "tests" / "artifacts"
FILMGATE = [sys.executable, "-m", "filmgate_cli"]
SCHEMA = ROOT / "cli" / "filmgate_cli" / "schemas" / "storyboard-run.schema.json"


@dataclass
class Desk:
    """Somebody's own machine: a home, a folder, and an admin's token in the environment."""

    studio: Studio
    folder: Path
    token: str

    def environment(self, url: str | None = None) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT / "cli"),
            "FILMGATE_URL": url or self.studio.gateway.stack.url,
            "FILMGATE_TOKEN": self.token,
        }

    def run(self, *arguments: str, url: str | None = None) -> "subprocess.CompletedProcess[str]":
        """The program without a terminal. It never says the token."""
        done = subprocess.run(
            [*FILMGATE, *arguments], cwd=self.folder, env=self.environment(url), timeout=120,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert self.token not in done.stdout + done.stderr
        return done

    def terminal(self, *arguments: str, **size: int) -> Terminal:
        command = [*FILMGATE, *arguments]
        return Terminal(command, environment=self.environment(), folder=self.folder, **size)

    def shots(self, *rows: str) -> str:
        """A shot list of these rows, each with a prompt of its own."""
        header = "prompt,keyframe_provider,clip_provider,duration_s,motion"
        lines = [header, *(f'"{prompt()}",{row}' for row in rows), ""]
        (self.folder / "shots.csv").write_text("\n".join(lines))
        return "shots.csv"


@pytest.fixture
def desk(studio: Studio, tmp_path: Path) -> Desk:
    installation = studio.gateway.installation
    token = make_token(installation, user="ann", role="admin", tenant=studio.tenant)
    return Desk(studio, tmp_path, token)


@pytest.fixture
def slowly(gateway: Gateway) -> Iterator[Callable[[float], None]]:
    """Lets the vendors take their time for a picture; afterwards they are quick again."""
    yield lambda image_s: gateway.control("pace", {"image_s": image_s, "video_s": 0.5})
    gateway.control("pace", {"image_s": 0.05, "video_s": 0.5})


def test_twelve_shots_are_agreed_to_and_made_before_ones_eyes(
    desk: Desk, slowly: Callable[[float], None], figure: Callable[[str], None]
) -> None:
    slowly(0.4)
    rows = (["nanobanana,flow,1,push_in"] + ["nanobanana,none,,"] * 5) * 2
    ARTIFACTS.mkdir(exist_ok=True)

    with desk.terminal("storyboard", "run", desk.shots(*rows), "--out", "film") as terminal:
        terminal.wait_for("Spend at most 0.1218 USD?")
        terminal.type("y\n")
        exit_code = terminal.ended(within_s=150)
        last = terminal.shown
        terminal.save_recording(ARTIFACTS / "storyboard-run.cast", "filmgate storyboard run")
    (ARTIFACTS / "storyboard-run.txt").write_text(last)

    counts = re.findall(r"(\d+) of 12 done", " ".join(terminal.frames))
    steps = sorted(set(map(int, counts)))
    figure(f"filmgate storyboard run, 12 shots: {len(terminal.frames)} frames, done at {steps}")
    assert exit_code == 0, last
    assert len(steps) >= 3
    assert steps[-1] == 12
    assert any("running" in frame for frame in terminal.frames)
    assert "succeeded: 12 of 12 done; spent 0.1218, held 0.0000" in last
    files = sorted(file.name for file in (desk.folder / "film").iterdir())
    assert len(files) == 14
    assert files[:2] == ["shot-01-clip.mp4", "shot-01-keyframe.png"]
    assert desk.studio.budget()["spent"] == "0.1218"
    assert desk.token not in terminal.everything


def test_ctrl_c_leaves_the_work_running_and_says_how_to_come_back(
    desk: Desk, slowly: Callable[[float], None]
) -> None:
    slowly(3)
    rows = ["nanobanana,none,,"] * 3

    with desk.terminal(
        "storyboard", "run", desk.shots(*rows), "--budget", "0.03", columns=70, lines=24
    ) as terminal:
        terminal.wait_for("0 of 3 done")
        terminal.press_ctrl_c()
        exit_code = terminal.ended(within_s=10)
        shown = terminal.shown
    (come_back,) = set(re.findall(r"filmgate (status sb_\w+ --wait)", shown))
    later = desk.run(*come_back.split(), "--json")

    assert exit_code == 130
    assert "goes on" in shown
    assert "Traceback" not in shown
    assert later.returncode == 0
    assert json.loads(later.stdout)["progress"]["done"] == 3
    assert desk.studio.budget()["spent"] == "0.0300"


def test_the_json_of_a_run_is_what_its_schema_says(gateway: Gateway, desk: Desk) -> None:
    gateway.script("dalle", "refuse", times=0)
    rows = ["nanobanana,flow,2,pan_left", "dalle,none,,"]

    done = desk.run("storyboard", "run", desk.shots(*rows), "--yes", "--json", "--out", "film")
    gateway.control("reset", {"only": ["faults"]})
    storyboard = json.loads(done.stdout)
    resumed = desk.run("storyboard", "resume", storyboard["id"], "--json")

    check = Draft202012Validator(
        json.loads(SCHEMA.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    check.validate(storyboard)
    check.validate(json.loads(resumed.stdout))
    assert (done.returncode, storyboard["state"], done.stderr) == (5, "partial", "")
    assert (resumed.returncode, json.loads(resumed.stdout)["state"]) == (0, "succeeded")
    assert len(storyboard["files"]) == 2
    assert all((desk.folder / file["path"]).stat().st_size for file in storyboard["files"])


def test_a_lost_answer_is_one_paid_job(gateway: Gateway, desk: Desk) -> None:
    wanted = prompt()

    with losing(gateway.stack.url, "/v1/generations", times=1) as line:
        done = desk.run("generate", wanted, "--max-cost", "0.02", "--out", "a.png", url=line.url)

    assert done.returncode == 0, done.stderr
    assert line.lost == 1
    assert gateway.paid_jobs(wanted) == [("dalle", "0.0200")]
    assert (desk.folder / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_fallback_is_told_while_it_happens(gateway: Gateway, desk: Desk) -> None:
    gateway.script("dalle", "quota")

    done = desk.run("generate", prompt(), "--json", "--out", "take.png")
    gateway.script("nanobanana", "refuse")
    told = desk.run("generate", prompt(), "--provider", "nanobanana")
    shown = desk.run("status", json.loads(done.stdout)["id"])

    assert json.loads(done.stdout)["provider"] == "nanobanana"
    assert re.search(r"dalle: .+\n +nanobanana: made it for 0.0100", shown.stdout)
    assert told.returncode == 5
    assert "asking nanobanana" in told.stderr
    assert "content-refused" in told.stdout


def test_what_is_typed_at_a_prompt_for_a_secret_is_not_shown(desk: Desk) -> None:
    with desk.terminal("providers", "set-key", "dalle") as terminal:
        terminal.wait_for("Key:")
        terminal.type("sim-typed-canary\n")
        stored = terminal.ended()
        shown = terminal.everything
    with desk.terminal("login", desk.studio.gateway.stack.url) as terminal:
        terminal.wait_for("Token:")
        terminal.type(f"{desk.token}\n")
        signed_in = terminal.ended()
        shown += terminal.everything

    assert (stored, signed_in) == (0, 0), shown
    assert "canary" not in shown
    assert desk.token not in shown
    assert desk.run("providers", "test", "dalle").returncode == 0
    kept = desk.folder / ".config" / "filmgate" / "config.toml"
    assert kept.stat().st_mode & 0o777 == 0o600


def test_an_agent_calls_every_tool(gateway: Gateway, desk: Desk) -> None:
    """By the official client, over standard input and output of the program."""
    wanted, shot = prompt(), prompt()
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "filmgate_cli", "mcp"],
        env=desk.environment(),
        cwd=desk.folder,
    )
    wish = {"type": "image", "prompt": wanted}
    shots = [{"prompt": shot, "keyframe": {"provider": "nanobanana"}}]

    async def talk() -> tuple[set[str], dict[str, Any]]:
        async with Client(program) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            said: dict[str, Any] = {
                "estimate": await client.call_tool("estimate", wish),
                "compare": await client.call_tool("compare", wish),
                "refused": await client.call_tool("generate", wish | {"cost_limit": "0.001"}),
                "generate": await client.call_tool("generate", wish | {"cost_limit": "0.02"}),
                "storyboard": await client.call_tool(
                    "storyboard", {"shots": shots, "budget": "0.01"}
                ),
                "budget": await client.call_tool("budget", {}),
            }
            made = said["generate"].structured_content["id"]
            said["status"] = await client.call_tool("status", {"id": made})
            return names, said

    names, said = asyncio.run(talk())

    assert names == {name for name in vars(Tools) if not name.startswith("_")}
    assert said.pop("refused").is_error
    assert not any(one.is_error for one in said.values()), said
    answers = {name: one.structured_content for name, one in said.items()}
    assert answers["estimate"]["expected"] == answers["generate"]["actual_cost"] == "0.0200"
    assert answers["generate"]["state"] == answers["status"]["state"] == "succeeded"
    assert answers["status"]["takes"][0]["url"].startswith("http")
    assert (answers["storyboard"]["state"], answers["budget"]["spent"]) == ("succeeded", "0.0300")
    assert [len(gateway.paid_jobs(one)) for one in (wanted, shot)] == [1, 1]
