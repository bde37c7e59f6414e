"""The same for agents: tools by the Model Context Protocol."""

from contextlib import closing

from filmgate_cli.account import find_account
from filmgate_cli.client import Gateway
from filmgate_cli.commands.frame import command
from filmgate_cli.problems import WrongUsage
from filmgate_cli.screen import Screen


@command
def mcp(screen: Screen) -> None:
    """Serve the tools estimate, compare, generate, status, storyboard and budget to an agent.

    It speaks the Model Context Protocol on standard input and output. Configure it in the agent's
    client as the command "filmgate" with the argument "mcp".
    """
    try:
        from filmgate_cli.agents import server  # noqa: PLC0415 - not everybody has it
    except ImportError:
        raise WrongUsage(
            "The package mcp is not installed.", "Add it: pip install 'filmgate-cli[mcp]'"
        ) from None
    with closing(Gateway.of(find_account())) as gateway:
        server(gateway).run("stdio")
