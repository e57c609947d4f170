"""`reconciler completion SHELL`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.engine.tool_results import ScriptTold

INSTALL = {
    "bash": 'eval "$(reconciler completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(reconciler completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
}

BASH = """\
%(complete_func)s() {
    local IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT} words current before="" mark response reply
    # Words are split at blanks alone: bash itself also splits at the : and = of label:team=emea.
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]}-1]}
    [[ $current == --*=* ]] && current=${current#*=}
    for mark in : =; do
        if [[ $COMP_WORDBREAKS == *"$mark"* && ${current%%"${current##*$mark}"} == "$before"* ]]; then
            before=${current%%"${current##*$mark}"}
        fi
    done
    response=$(COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) %(complete_var)s=bash_complete "$1")
    COMPREPLY=()
    while IFS=, read -r mark reply; do
        case $mark in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${reply#"$before"}") ;;
        esac
    done <<< "$response"
    [[ ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(INSTALL)))
@options.output_alone
def command(shell: str, **given: Any) -> int:
    """Print a completion script for a shell.

    The first line of the script says how to install it. The script itself
    is the text output; --output json has it in a report.
    """
    from reconciler.cli.telling import tell

    return tell("completion", options.shown_of(given), lambda: _script(shell))


def _script(shell: str) -> ScriptTold:
    from click.shell_completion import get_completion_class

    from reconciler.cli.main import cli
    from reconciler.engine.tool_results import ScriptTold

    completer = get_completion_class(shell)
    assert completer is not None, shell
    made = completer(cli, {}, "reconciler", "_RECONCILER_COMPLETE")
    script = BASH % made.source_vars() if shell == "bash" else made.source()
    return ScriptTold(shell, f"# Install: {INSTALL[shell]}\n{script}\n")
