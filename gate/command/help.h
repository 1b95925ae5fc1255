#pragma once

namespace namegate::command {

// The ends of the help texts: what to know, by example.

// Behind the help of every subcommand.
inline constexpr char kGeneralHelp[] = R"help(

General options, to be given anywhere: --state-dir DIR, --config FILE, --json; see namegate --help.)help";

inline constexpr char kMainHelp[] = R"help(Examples:
  namegate run --allow pypi.org:443 --allow files.pythonhosted.org:443 -- pip download requests
      run a command that may reach these two hosts, and nothing else
  namegate session open --allow '*.example.org:443'
      open a session by hand; prints what to put into a sandbox
  namegate audit denied
      what was denied, and the rule that would allow it
  namegate run --help
      more about one command

Exit status: 0 well, 1 trouble, 2 wrong usage; `run` exits as its command does.
State: --state-dir, or state_dir in the configuration, or /var/lib/namegate (root),
~/.local/state/namegate (others). Configuration: --config, or /etc/namegate/namegate.toml
(root), ~/.config/namegate/namegate.toml (others).)help";

inline constexpr char kRunHelp[] =
    R"help(Rules: HOST:PORTS[/PROTO]. HOST is a name, *.NAME (one label more), **.NAME (one or more), an
address or a CIDR prefix. PORTS is 443, 80,443 or 8000-8010. PROTO is tcp (default) or udp.
Without --policy, the file .namegate.toml of the current directory is read if it is there.

Examples:
  namegate run --allow deb.debian.org:80 -- apt-get update
  namegate run --policy ci.toml --label build-42 -- make test
  namegate run --upstream 192.0.2.53 --allow example.org:443 -- curl https://example.org/
  namegate run --allow-private db.corp.example:5432 -- ./integration-tests

The enclave, the default, holds every program, static or not, in a network of its own; what this host
lacks for it is named. --gate preload needs no namespaces of the kernel's but holds only dynamically
linked programs that do not try to get round it; it refuses static and setuid commands, and its name
server needs port 53. Rules may also open record types: example.org/MX,TXT.
The command keeps the terminal and gets the signals sent to namegate.
A daemon is started if none runs for the state directory, and leaves after the last session.

Exit status: the command's own; 128+N if signal N ended it; 125 trouble of Namegate's own;
126 the command cannot be executed; 127 it was not found.
NAMEGATE_QUIET=1 in the environment is the same as --quiet.)help";

inline constexpr char kSessionHelp[] = R"help(Examples:
  namegate session open --label notebook --allow pypi.org:443
  namegate session list
  namegate session show notebook
  namegate session close notebook

A daemon must be running: namegated --state-dir DIR)help";

inline constexpr char kOpenHelp[] =
    R"help(Prints the line for the sandbox's resolv.conf and the environment of the sandboxed process.

Examples:
  namegate session open --allow pypi.org:443 --allow '**.pythonhosted.org:443'
  namegate session open --policy .namegate.toml --label ci
  namegate session open --client 172.17.0.4 --allow example.org:443
      for a container, which the daemon knows by its address
  eval "$(namegate session open --allow example.org:443 | grep ^export)"
      gate this very shell)help";

inline constexpr char kPolicyHelp[] = R"help(A policy file:
  version = 1
  allow = [
    "pypi.org:443",
    { to = "db.corp.example:5432", private = true, reason = "tests", expires = 2027-01-01 },
  ]

Example:
  namegate policy check .namegate.toml
      exit status 1, with line and column, if it has a mistake)help";

inline constexpr char kStatusHelp[] =
    R"help(Exit status: 0 if the daemon runs and its ledger is sound, 1 otherwise.

Example:
  namegate status --json | jq .upstreams)help";

inline constexpr char kCompletionHelp[] = R"help(Example, for ~/.bashrc or ~/.zshrc:
  source <(namegate completion bash))help";

}  // namespace namegate::command
