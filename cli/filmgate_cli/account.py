"""Which gateway is spoken to, and as whom.

Address and token always come from one place, so that no token is ever sent to an address that it
does not belong to:

1. the environment: FILMGATE_URL and FILMGATE_TOKEN
2. what `filmgate login` stored: ~/.config/filmgate/config.toml, readable by its owner alone
3. `.local/env` of the checkout one stands in: the gateway that `make run` started there
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from filmgate_cli.problems import NotSignedIn, WrongUsage

URL_VARIABLE: Final = "FILMGATE_URL"
TOKEN_VARIABLE: Final = "FILMGATE_TOKEN"  # noqa: S105 - the name of a variable
OTHERS: Final = 0o077  # the rights of everybody but the owner


@dataclass(frozen=True, slots=True)
class Account:
    """A gateway and a token of it, which no repr shows."""

    url: str
    token: str = field(repr=False)
    source: str = "login"


def find_account(environment: Mapping[str, str] = os.environ, here: Path | None = None) -> Account:
    """The account to be used; raises NotSignedIn."""
    found = (
        _from_environment(environment)
        or _from_file(config_file(environment))
        or _from_checkout(here or Path.cwd())
    )
    if found is None:
        raise NotSignedIn("Nobody is signed in.")
    return found


def config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the account is stored, by the XDG rules."""
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "filmgate" / "config.toml"


def store(account: Account, file: Path) -> None:
    """Write the account for its owner's eyes alone, whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    text = f"url = {json.dumps(account.url)}\ntoken = {json.dumps(account.token)}\n"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as sink:
        sink.write(text)
    unfinished.replace(file)


def checked_url(text: str) -> str:
    """An address that a token may be sent to; raises WrongUsage."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise WrongUsage("That is no address of a gateway such as https://gate.example.com.")
    if parts.username or parts.query or parts.fragment:
        raise WrongUsage("The address takes no user name, no query and no fragment.")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise WrongUsage("A token would cross the network in clear there. Use https.")
    return url


def checked_token(text: str) -> str:
    """A token without the white space around it; raises WrongUsage for what cannot be one."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise WrongUsage("That is no token: it is one word of visible ASCII characters.")
    return token


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _from_environment(environment: Mapping[str, str]) -> Account | None:
    url, token = environment.get(URL_VARIABLE), environment.get(TOKEN_VARIABLE)
    if not url and not token:
        return None
    if not url or not token:
        given, missing = (URL_VARIABLE, TOKEN_VARIABLE) if url else (TOKEN_VARIABLE, URL_VARIABLE)
        raise NotSignedIn(f"{given} is set and {missing} is not.", f"Set {missing} too.")
    return Account(checked_url(url), checked_token(token), "the environment")


def _from_file(file: Path) -> Account | None:
    try:
        text = file.read_text()
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if os.name == "posix" and mode & OTHERS:
        raise NotSignedIn(f"{file} can be read by others.", f"Close it: chmod 600 {file}")
    try:
        said = tomllib.loads(text)
        return Account(checked_url(str(said["url"])), checked_token(str(said["token"])), str(file))
    except (tomllib.TOMLDecodeError, KeyError):
        raise NotSignedIn(f"{file} cannot be read.") from None


def _from_checkout(here: Path) -> Account | None:
    """The gateway that runs out of the checkout around `here`, on this machine and of this user."""
    for folder in (here, *here.parents):
        file = folder / ".local" / "env"
        if (folder / "template.yaml").is_file() and file.is_file():
            return _local(file)
    return None


def _local(file: Path) -> Account | None:
    if os.name == "posix" and file.stat().st_uid != os.getuid():
        return None
    lines = [line.partition("=") for line in file.read_text().splitlines()]
    said = {name: value for name, _, value in lines}
    url, token = said.get(URL_VARIABLE), said.get(TOKEN_VARIABLE)
    if not url or not token or not _is_this_machine(urlsplit(url).hostname or ""):
        return None
    return Account(checked_url(url), checked_token(token), str(file))
