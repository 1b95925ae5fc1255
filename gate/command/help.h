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
  namegate doctor
      what the gates hold on this host, tried
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
In the enclave, sockets of the host behind which someone else would act for the command (Docker, D-Bus, X11,
tmux, ssh-agent, and those of `mask` in the configuration) are hidden; --expose PATH shows one, and is recorded.
The command keeps the terminal and gets the signals sent to namegate.
A daemon is started if none runs for the state directory, and leaves after the last session.

Exit status: the command's own; 128+N if signal N ended it; 125 trouble of Namegate's own;
126 the command cannot be executed; 127 it was not found.
NAMEGATE_QUIET=1 in the environment is the same as --quiet.)help";

inline constexpr char kSessionHelp[] = R"help(Examples:
  namegate session open --label notebook --allow pypi.org:443
  namegate session list
  namegate session show notebook
  namegate session update notebook --allow example.org:443
  namegate session close notebook
  namegate session attach --pid 4711 --allow example.org:443

A daemon must be running: namegated --state-dir DIR; attach starts one.)help";

inline constexpr char kOpenHelp[] =
    R"help(Prints the line for the sandbox's resolv.conf and the environment of the sandboxed process.

Examples:
  namegate session open --allow pypi.org:443 --allow '**.pythonhosted.org:443'
  namegate session open --policy .namegate.toml --label ci
  namegate session open --client 172.17.0.4 --allow example.org:443
      for a container, which the daemon knows by its address
  eval "$(namegate session open --allow example.org:443 | grep ^export)"
      gate this very shell)help";

inline constexpr char kAttachHelp[] =
    R"help(Puts the gateway in front of a network namespace that exists and has no network, such as that of a
container. Takes root. Stays until the process PID ends, or Ctrl-C, SIGTERM or SIGHUP; the namespace is
then without a network again, as it is if this command is killed. A daemon is started if none runs.

What holds there, whatever runs inside: packets leave through the gateway alone, each connection and
UDP flow is judged and recorded first, and DNS to any address is answered by the session's resolver.
What does not, in contrast to `run`: system calls are not filtered (AF_VSOCK, io_uring), files and Unix
sockets are what the container was given, the preload gate is not loaded (a denial is ECONNREFUSED, or
an ICMP error), the ledger names no process, and whoever has CAP_SYS_ADMIN over the host can leave.

Examples:
  docker run -d --network none --name job image command
  namegate session attach --pid $(docker inspect -f '{{.State.Pid}}' job) --allow example.org:443
  namegate session attach --pid 4711 --policy ci.toml --label pod-7 &

Exit status: 0 the process ended or this command was told to end; 1 trouble, and nothing is attached
(any more): no such process, the network of the host itself, a namespace that has devices other than
lo or a default route, attached already, the session closed; 2 wrong usage.)help";

inline constexpr char kUpdateHelp[] =
    R"help(Rules are removed first, then added; the change is recorded, and holds at once. What the session
may not reach any more is denied from then on, and in an enclave open connections to it are broken.

Examples:
  namegate session update notebook --allow example.org:443
  namegate session update 7 --remove pypi.org:443 --remove '**.pythonhosted.org:443')help";

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

inline constexpr char kDoctorHelp[] =
    R"help(Runs small programs that try to get past the gates, each first without a gate, then by `namegate run`
in the enclave (where they first get rid of the library) and behind the preload gate, and looks what
arrived and what the ledger says. They try it in a network of their own: no packet touches this host's,
no daemon that runs is asked, and nothing is left behind. Takes some seconds.

covered            nothing got through, and the ledger has the attempt where one can be seen
cooperative only   it gets past this gate, which does not promise to hold those that try (--gate preload)
not possible here  it does not get through without a gate either (or the gate cannot be used here)
OPEN, UNRECORDED   it got through, or was not recorded, although that is promised

Examples:
  namegate doctor
  namegate doctor --gate enclave --json | jq '.probes[] | select(.enclave.state != "covered")'

Exit status: 0 all that is promised is covered; 1 something is open or unrecorded; 2 it could not be
tried: no enclave on this host (or not the gate that was named), for a reason that is printed.)help";

inline constexpr char kCompletionHelp[] = R"help(Example, for ~/.bashrc or ~/.zshrc:
  source <(namegate completion bash))help";

}  // namespace namegate::command
