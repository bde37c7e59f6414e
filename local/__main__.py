"""`python -m local`: starts the whole product on this machine and makes the sample film with it.

python -m local            make the film, then serve until Ctrl-C
python -m local --once     make the film and stop
python -m local --no-film  serve only
python -m local verify     compare every balance with its entries; 1 when one does not agree
"""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

from filmgate.adapters.owners_table import OwnersTable
from filmgate.adapters.secrets import ProviderKeyStore
from local.api import Api, ApiRefused
from local.clients import client_for
from local.deploy import DeployFailed
from local.film.making import FilmMaker
from local.film.report import Progress, final_table
from local.film.shots import read_film
from local.notices import NoticeBoard
from local.owner import Installation, make_token, point_at, secret_prefix, store_key
from local.ports import PortBusy
from local.stack import LocalStack, StackAlreadyRunning, StackFailed, ToolMissing
from local.verify import report, running_api

ROOT = Path(__file__).resolve().parent.parent
STAGE = "local"
PLAIN_WIDTH = 120  # of a log file, where nothing else says how wide it is
SIMULATED = ("dalle", "nanobanana", "midjourney", "kling", "whan", "veo", "sora")
PARAMETERS = {
    "Stage": STAGE,
    "RateCard": "guide",
    "PollScalePercent": "1",  # the simulators are done in seconds, not in minutes
    "SubmitTimeoutSeconds": "45",
    "SweepSchedule": "rate(5 seconds)",
    "WebhookBackoffPercent": "0.1",  # a receiver on this machine is tried for a minute, not a day
}
EXPECTED_FAILURES = (
    ApiRefused, DeployFailed, PortBusy, StackAlreadyRunning, StackFailed, TimeoutError, ToolMissing,
    ValueError,
)  # fmt: skip


def main() -> int:
    """0 when everything asked for was done; 1 with a sentence about what was not."""
    arguments = _arguments()
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    try:
        running = running_api(arguments.data_dir) if arguments.task == "verify" else None
        if running is not None:
            return 0 if report(running, console) else 1
        with LocalStack(ROOT, data_dir=arguments.data_dir) as stack:
            board = NoticeBoard(stack.notices, console)
            token = set_up(stack, console)
            if arguments.task == "verify":
                return 0 if report(Api(stack.url, token), console) else 1
            if not arguments.no_film and not make_film(stack, token, console):
                return 1
            board.show_new()
            if not arguments.once:
                _serve(stack, console, board)
    except KeyboardInterrupt:
        console.print("Stopped. The state is kept in .local/ for the next run.")
    except EXPECTED_FAILURES as error:
        console.print(f"[red]{type(error).__name__}[/red]: {error}", markup=True, soft_wrap=True)
        return 1
    return 0


def set_up(stack: LocalStack, console: Console) -> str:
    """Deploy the template, load keys for the simulators, and give an admin token."""
    began = time.monotonic()
    with console.status("deploying template.yaml to the AWS on this machine"):
        stack.deploy(PARAMETERS)
        installation = connect(stack)
        for provider in SIMULATED:
            store_key(installation, provider, f"sim-{provider}")
            point_at(installation, provider, f"{stack.simulators_url}/{provider}")
        token = _token(stack, installation)
        stack.write_environment(token)
    console.print(f"deployed and ready in {time.monotonic() - began:.1f} s: {stack.url}")
    return token


def connect(stack: LocalStack) -> Installation:
    """The owner's tools on the local stack."""
    return Installation(
        OwnersTable(client_for("dynamodb", stack.aws_endpoint), stack.outputs["TableName"]),
        ProviderKeyStore(client_for("secretsmanager", stack.aws_endpoint), secret_prefix(STAGE)),
    )


def make_film(stack: LocalStack, token: str, console: Console) -> bool:
    """Make the sample film and show it; False when a piece has no file."""
    film = read_film()
    console.print(f"uploading {film.filename}: “{film.title}”, {len(film.shots)} shots")
    began = time.monotonic()
    with Progress(console) as progress:
        maker = FilmMaker(
            film,
            Api(stack.url, token),
            simulators_url=stack.simulators_url,
            folder=stack.data_dir / "takes",
            on_change=progress,
        )
        pieces = maker.make()
    console.print(final_table(film, pieces))
    budget = Api(stack.url, token).get("/v1/budgets/owner")
    console.print(
        f"made in {time.monotonic() - began:.1f} s. Budget of {budget['period']}: "
        f"spent {budget['spent']}, held {budget['held']}, limit {budget['limit']} USD."
    )
    return all(piece.file is not None for piece in pieces)


def _serve(stack: LocalStack, console: Console, board: NoticeBoard) -> None:
    console.print(f"\nthe studio page and the API are at [bold]{stack.url}[/bold] until Ctrl-C.")
    console.print(f"Sign in with the token in {stack.environment_file}.")
    console.print("Try, in another terminal:")
    console.print(
        '  .venv/bin/filmgate compare "A lamplighter walks along the quay" --duration 5\n'
        f"  . {stack.environment_file}\n"
        '  curl -s $FILMGATE_URL/v1/budgets/owner -H "Authorization: Bearer $FILMGATE_TOKEN"'
    )
    console.print(f"What the owner is told is shown here and kept in {stack.notices}.")
    stack.wait(meanwhile=board.show_new)


def _token(stack: LocalStack, installation: Installation) -> str:
    """The admin token of this data directory: made once, kept for its owner's eyes only."""
    kept = stack.data_dir / "token"
    if kept.exists():
        token = kept.read_text()
        if Api(stack.url, token).call("GET", "/v1/providers").status == 200:
            return token
    token = make_token(installation, user="owner", role="admin")
    kept.touch(mode=0o600)
    kept.write_text(token)
    return token


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__.splitlines()[0])
    parser.add_argument("task", nargs="?", choices=["run", "verify"], default="run")
    parser.add_argument("--once", action="store_true", help="stop after the film")
    parser.add_argument("--no-film", action="store_true", help="serve without making the film")
    parser.add_argument("--data-dir", type=Path, default=ROOT / ".local", help="where state lives")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
