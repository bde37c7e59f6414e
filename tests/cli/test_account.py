"""Whom the program speaks for, and where a token may go."""

import os
import stat
from pathlib import Path

import pytest

from filmgate_cli.account import (
    Account,
    checked_token,
    checked_url,
    config_file,
    find_account,
    store,
)
from filmgate_cli.problems import NotSignedIn, WrongUsage

URL, TOKEN = "https://gate.example.com", "fg_studio_canary"


@pytest.fixture
def stored(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment with a stored account, and the file."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    file = config_file(environment)
    store(Account(URL, TOKEN), file)
    return environment, file


def checkout(folder: Path, url: str = "http://127.0.0.1:8787") -> Path:
    (folder / ".local").mkdir(parents=True)
    (folder / "template.yaml").write_text("")
    (folder / ".local" / "env").write_text(f"FILMGATE_URL={url}\nFILMGATE_TOKEN=fg_local\n")
    below = folder / "tests"
    below.mkdir()
    return below


def test_a_stored_account_is_readable_by_its_owner_alone(
    stored: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    environment, file = stored

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["config.toml"]
    assert find_account(environment, tmp_path) == Account(URL, TOKEN, str(file))


def test_the_environment_wins(stored: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environment = stored[0] | {"FILMGATE_URL": "https://other.example/", "FILMGATE_TOKEN": "t2"}

    assert find_account(environment, tmp_path) == Account(
        "https://other.example", "t2", "the environment"
    )


@pytest.mark.parametrize("alone", ["FILMGATE_URL", "FILMGATE_TOKEN"])
def test_a_token_is_never_mixed_with_an_address_from_elsewhere(
    stored: tuple[dict[str, str], Path], tmp_path: Path, alone: str
) -> None:
    with pytest.raises(NotSignedIn, match="is not"):
        find_account(stored[0] | {alone: "https://evil.example"}, tmp_path)


def test_a_file_that_others_can_read_is_refused(
    stored: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    environment, file = stored
    file.chmod(0o644)

    with pytest.raises(NotSignedIn) as refused:
        find_account(environment, tmp_path)

    assert refused.value.todo == f"Close it: chmod 600 {file}"


@pytest.mark.parametrize("text", ["url = ", 'url = "https://a.example"\n', "\x00"])
def test_a_file_that_cannot_be_read_says_so(
    stored: tuple[dict[str, str], Path], tmp_path: Path, text: str
) -> None:
    environment, file = stored
    file.write_text(text)

    with pytest.raises(NotSignedIn, match="cannot be read"):
        find_account(environment, tmp_path)


def test_in_a_checkout_the_gateway_that_runs_there_is_found(tmp_path: Path) -> None:
    below = checkout(tmp_path / "checkout")

    found = find_account({"XDG_CONFIG_HOME": str(tmp_path)}, below)

    assert (found.url, found.token) == ("http://127.0.0.1:8787", "fg_local")


def test_a_stored_account_wins_over_a_checkout(
    stored: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    assert find_account(stored[0], checkout(tmp_path / "checkout")).url == URL


def test_a_checkout_can_only_name_this_machine(tmp_path: Path) -> None:
    below = checkout(tmp_path / "checkout", "https://evil.example")

    with pytest.raises(NotSignedIn):
        find_account({"XDG_CONFIG_HOME": str(tmp_path)}, below)


@pytest.mark.parametrize(
    "url",
    [
        "http://gate.example.com", "http://127.0.0.1.evil.example", "http://0.0.0.0:1",
        "ftp://gate.example.com", "gate.example.com", "", "https://", "https://user:pw@gate.example",
        "https://gate.example/?a=1", "https://gate.example/#a", "http://[::1", "https://a:port",
        "file:///etc/passwd", "http://localhost.evil.example",
    ],
)  # fmt: skip
def test_a_token_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(WrongUsage):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["https://gate.example.com/dev/", "http://127.0.0.1:8787", "http://localhost", "http://[::1]:1"]
)  # fmt: skip
def test_https_and_this_machine_are_fine(url: str) -> None:
    assert checked_url(f" {url} ") == url.rstrip("/")


@pytest.mark.parametrize("token", ["", " ", "two words", "tök", "a\x1bb", "a\nb"])
def test_what_cannot_be_a_token_is_not_sent(token: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        checked_token(token)

    assert not token.strip() or token not in str(refused.value)


def test_no_repr_shows_the_token() -> None:
    assert TOKEN not in repr(Account(URL, TOKEN))
