"""The three loopback ports of a local run, and the check that they are free."""

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

HOST = "127.0.0.1"
FRONT_DOOR_VARIABLE = "FILMGATE_PORT"
AWS_VARIABLE = "FILMGATE_AWS_PORT"
SIMULATORS_VARIABLE = "FILMGATE_SIM_PORT"


class PortBusy(RuntimeError):
    """A port is taken; the message names the variable that chooses another one."""


@dataclass(frozen=True)
class Ports:
    """Where the API, the AWS endpoint and the simulators listen, all on 127.0.0.1."""

    front_door: int = 8787
    aws: int = 4566
    simulators: int = 8790

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """Read FILMGATE_PORT, FILMGATE_AWS_PORT and FILMGATE_SIM_PORT; unset means the default.

        Raises ValueError when a variable is not a port number.
        """
        defaults = cls()
        return cls(
            front_door=_port(environment, FRONT_DOOR_VARIABLE, defaults.front_door),
            aws=_port(environment, AWS_VARIABLE, defaults.aws),
            simulators=_port(environment, SIMULATORS_VARIABLE, defaults.simulators),
        )

    @classmethod
    def unused(cls) -> "Ports":
        """Three ports that nothing listens on now, for tests that run several stacks."""
        sockets = [socket.socket() for _ in fields(cls)]
        try:
            for each in sockets:
                each.bind((HOST, 0))
            return cls(*(each.getsockname()[1] for each in sockets))
        finally:
            for each in sockets:
                each.close()

    def environment(self) -> dict[str, str]:
        """The variables that give a child process the same ports."""
        return {variable: str(port) for variable, port in self.by_variable()}

    def by_variable(self) -> tuple[tuple[str, int], ...]:
        return (
            (FRONT_DOOR_VARIABLE, self.front_door),
            (AWS_VARIABLE, self.aws),
            (SIMULATORS_VARIABLE, self.simulators),
        )


def require_free(ports: Iterable[tuple[str, int]]) -> None:
    """Check pairs of (variable, port), as `Ports.by_variable` gives them.

    Raises PortBusy for the first port that cannot be bound on 127.0.0.1.
    """
    for variable, port in ports:
        with socket.socket() as probe:
            # As the servers do it: a port in TIME_WAIT is free, one being listened on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as refusal:
                raise PortBusy(
                    f"Port {port} is in use. Stop what uses it, or choose another: "
                    f"{variable}={port + 1} make run"
                ) from refusal


def _port(environment: Mapping[str, str], variable: str, default: int) -> int:
    text = environment.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not 0 < int(text) < 65_535:
        raise ValueError(f"{variable} must be a port number, 1 to 65534, not {text!r}")
    return int(text)
