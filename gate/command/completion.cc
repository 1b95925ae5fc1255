#include "gate/command/completion.h"

#include <string_view>

#include "common/escape.h"
#include "gate/command/output.h"

namespace namegate::command {
namespace {

// Kept by hand beside the options in command_line.cc; a test compares the two.
constexpr std::string_view kBash =
    R"script(# namegate completion for bash: source <(namegate completion bash)
_namegate() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local common="--state-dir --config --json --help" words="" i
  case "$previous" in
    --state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
    --config|--policy|--expose) COMPREPLY=($(compgen -f -- "$current")); return ;;
    --gate) COMPREPLY=($(compgen -W "enclave preload" -- "$current")); return ;;
    --allow|--allow-private|--remove|--upstream|--listen|--client|--label|--pid) return ;;
  esac
  local command="" below=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      --) COMPREPLY=($(compgen -c -f -- "$current")); return ;;
      --state-dir|--config) ((i++)) ;;
      -*) ;;
      *) if [ -z "$command" ]; then command="${COMP_WORDS[i]}"; elif [ -z "$below" ]; then below="${COMP_WORDS[i]}"; fi ;;
    esac
  done
  case "$command:$below" in
    :) words="run session policy audit status doctor completion --version" ;;
    run:*) words="--gate --allow --allow-private --policy --upstream --expose --label --quiet --" ;;
    session:) words="open attach list show update close" ;;
    session:open) words="--allow --allow-private --policy --listen --client --label" ;;
    session:attach) words="--pid --allow --allow-private --policy --upstream --label" ;;
    session:show|session:close) words="$(namegate session list 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
    session:update) words="--allow --allow-private --policy --remove $(namegate session list 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
    policy:) words="check" ;;
    policy:check) COMPREPLY=($(compgen -f -- "$current")); return ;;
    audit:) words="summary queries connections denied tail export sql verify" ;;
    doctor:) words="--gate" ;;
    completion:) words="bash zsh" ;;
  esac
  COMPREPLY=($(compgen -W "$words $common" -- "$current"))
}
complete -F _namegate namegate
)script";

// zsh runs the script for bash, through its own emulation.
constexpr std::string_view kZsh =
    R"script(# namegate completion for zsh: source <(namegate completion zsh)
autoload -U +X bashcompinit && bashcompinit
)script";

}  // namespace

int PrintCompletion(const std::string& shell) {
  if (shell != "bash" && shell != "zsh") {
    Complain("completion: no script for '" + Printable(shell) + "'; choose bash or zsh");
    return kUsage;
  }
  if (shell == "zsh") Print(kZsh);
  Print(kBash);
  return kOk;
}

}  // namespace namegate::command
