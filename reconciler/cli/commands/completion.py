"""`reconciler completion SHELL`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options
from reconciler.model.verdict import Verdict

if TYPE_CHECKING:
    from reconciler.engine.tool_results import ScriptShown

INSTALL = {
    "bash": 'eval "$(reconciler completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(reconciler completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "reconciler completion fish > ~/.config/fish/completions/reconciler.fish",
}

BASH = """\
%(complete_func)s() {
    local IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT} words current before="" mark response reply
    # Words are split at spaces alone: bash itself also splits at the : and = of label:team=emea.
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
            plain) printf -v reply %%q "${reply#"$before"}"; COMPREPLY+=("$reply") ;;  # labels may have $ and blanks
        esac
    done <<< "$response"
    [[ ${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# What is offered for `--target=shop` comes without `--target=`. It is put back, or zsh and fish would remove it.
ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local type key descr option="" ; local -a response plain described
    (( ! $+commands[%(prog_name)s] )) && return 1
    [[ ${words[CURRENT]} == --*=* ]] && option="${words[CURRENT]%%%%=*}="
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s)}")
    for type key descr in ${response}; do
        case $type in
            dir) compset -p ${#option}; _path_files -/ ;;
            file) compset -p ${#option}; _path_files -f ;;
            plain) if [[ $descr == _ ]]; then plain+=("$option$key"); else described+=("${key//:/\\:}:$descr"); fi ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = """\
function %(complete_func)s
    set -l option (string match --regex -- '^--[^=]+=' (commandline -ct))
    for completion in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \
            COMP_CWORD=(commandline -ct) %(prog_name)s)
        set -l found (string split --max 1 "," -- $completion)
        switch $found[1]
            case dir
                __fish_complete_directories (string replace -- "$option" "" (commandline -ct))
            case file
                __fish_complete_path (string replace -- "$option" "" (commandline -ct))
            case plain
                echo "$option$found[2]"
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(INSTALL)))
@options.output_alone
def command(shell: str, **given: Any) -> Verdict:
    """Print a completion script for a shell.

    The first line of the script says how to install it. Prints the script
    itself; --output json wraps it in a report.
    """
    from reconciler.cli.text_output import show_text

    return show_text("completion", options.output_options_of(given), lambda: _script(shell))


def _script(shell: str) -> ScriptShown:
    from click.shell_completion import get_completion_class

    from reconciler.cli.main import COMPLETE, cli
    from reconciler.engine.tool_results import ScriptShown

    completer = get_completion_class(shell)
    assert completer is not None, shell
    made = completer(cli, {}, "reconciler", COMPLETE)
    script = SCRIPTS[shell] % made.source_vars()
    return ScriptShown(shell, f"# Install: {INSTALL[shell]}\n{script}\n")
