"""`reconciler completion SHELL`."""

from __future__ import annotations

import click

INSTALL = {
    "bash": 'eval "$(reconciler completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(reconciler completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(INSTALL)))
def command(shell: str) -> None:
    """Print a completion script for a shell.

    The first line of the script says how to install it.
    """
    from click.shell_completion import get_completion_class

    from reconciler.cli.main import cli

    completer = get_completion_class(shell)
    assert completer is not None, shell
    script = completer(cli, {}, "reconciler", "_RECONCILER_COMPLETE").source()
    click.echo(f"# Install: {INSTALL[shell]}\n{script}")
