#include "gate/command/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "gate/command/attach_command.h"
#include "gate/command/audit.h"
#include "gate/command/completion.h"
#include "gate/command/help.h"
#include "gate/command/output.h"
#include "gate/command/policy_command.h"
#include "gate/command/program.h"
#include "gate/command/run_command.h"
#include "gate/command/session_commands.h"
#include "gate/command/status_command.h"
#include "gate/doctor/doctor.h"

namespace namegate::command {
namespace {

// Everything that options are written to. Outlives the parse, during which the chosen command runs.
struct CommandLine {
  CommonOptions common;
  RunOptions run;
  SessionOpenOptions open;
  AttachOptions attach;
  SessionUpdateOptions update;
  doctor::DoctorOptions doctor;
  std::string session;
  std::string policy_file;
  std::string shell;
  int exit_status = kOk;
};

// CLI11 does not know of what stands after "--".
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_name() != "run") return CLI::Formatter::make_usage(app, std::move(name));
    return "Usage: namegate run [OPTIONS] -- COMMAND...\n";
  }
};

CLI::App* AddCommand(CLI::App& parent, const char* name, const char* description,
                     const char* help) {
  CLI::App* command = parent.add_subcommand(name, description);
  command->fallthrough();
  command->footer(std::string(help) + kGeneralHelp);
  return command;
}

void AddRules(CLI::App& command, RuleOptions& rules) {
  command
      .add_option("--allow", rules.allow,
                  "Allow HOST:PORTS[/PROTO], such as pypi.org:443 (may be repeated)")
      ->type_name("RULE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--allow-private", rules.allow_private,
                  "The same, and its names may have private and loopback addresses")
      ->type_name("RULE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--policy", rules.policy, "Read rules from this file")->type_name("FILE");
}

void AddUpstreams(CLI::App& command, std::vector<std::string>& upstreams) {
  command
      .add_option("--upstream", upstreams,
                  "Ask this name server, if a daemon is started (may be repeated)")
      ->type_name("ADDR[:PORT]")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void AddLabel(CLI::App& command, std::optional<std::string>& label) {
  command.add_option("--label", label, "Name the session in lists and in the ledger")
      ->type_name("TEXT");
}

void AddRun(CLI::App& app, CommandLine& line) {
  CLI::App* run =
      AddCommand(app, "run", "Run a command that reaches only what it was allowed", kRunHelp);
  run->add_option("--gate", line.run.gate, "What holds the command back")
      ->type_name("enclave|preload");
  AddRules(*run, line.run.rules);
  AddUpstreams(*run, line.run.upstreams);
  run->add_option(
         "--expose", line.run.expose,
         "Let the command see this socket of the host's, which is hidden otherwise (may be "
         "repeated)")
      ->type_name("PATH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  AddLabel(*run, line.run.label);
  run->add_flag("--quiet", line.run.quiet, "No notes, no lines of the gate, no summary");
  run->callback([&line] {
    if (line.run.command.empty()) throw CLI::RequiredError("a command, after --,");
    line.exit_status = Run(line.common, line.run);
  });
}

void AddSessionOpen(CLI::App& session, CommandLine& line) {
  CLI::App* open = AddCommand(session, "open", "Open a session and say how to use it", kOpenHelp);
  AddRules(*open, line.open.rules);
  CLI::Option* listen = open->add_option("--listen", line.open.listen,
                                         "Answer this session's questions on this address");
  listen->type_name("ADDR[:PORT]");
  open->add_option("--client", line.open.client,
                   "Know this session by its clients' addresses, on the daemon's own address")
      ->type_name("PREFIX")
      ->excludes(listen);
  AddLabel(*open, line.open.label);
  open->callback([&line] { line.exit_status = OpenSession(line.common, line.open); });
}

void AddSessionAttach(CLI::App& session, CommandLine& line) {
  CLI::App* attach = AddCommand(
      session, "attach", "Give the network-less namespace of a container a session", kAttachHelp);
  attach->add_option("--pid", line.attach.pid, "A process in it")
      ->type_name("PID")
      ->required()
      ->check(CLI::Range(1, 1 << 22));
  AddRules(*attach, line.attach.rules);
  AddUpstreams(*attach, line.attach.upstreams);
  AddLabel(*attach, line.attach.label);
  attach->callback([&line] { line.exit_status = AttachSession(line.common, line.attach); });
}

void AddSessionUpdate(CLI::App& session, CommandLine& line) {
  CLI::App* update =
      AddCommand(session, "update", "Change the rules of an open session", kUpdateHelp);
  update->add_option("session", line.session, "Its id or label")->required();
  AddRules(*update, line.update.rules);
  update
      ->add_option("--remove", line.update.remove,
                   "Take away this rule, as session show has it (may be repeated)")
      ->type_name("RULE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  update->callback(
      [&line] { line.exit_status = UpdateSession(line.common, line.session, line.update); });
}

void AddSession(CLI::App& app, CommandLine& line) {
  CLI::App* session =
      AddCommand(app, "session", "Open, list, show, change and close sessions", kSessionHelp);
  session->require_subcommand(1);
  AddSessionOpen(*session, line);
  AddSessionAttach(*session, line);
  AddCommand(*session, "list", "List the open sessions", "")->callback([&line] {
    line.exit_status = ListSessions(line.common);
  });
  CLI::App* show = AddCommand(*session, "show", "Show a session with its rules", "");
  show->add_option("session", line.session, "Its id or label")->required();
  show->callback([&line] { line.exit_status = ShowSession(line.common, line.session); });
  AddSessionUpdate(*session, line);
  CLI::App* close =
      AddCommand(*session, "close", "Close a session: from then on it is denied everything", "");
  close->add_option("session", line.session, "Its id or label")->required();
  close->callback([&line] { line.exit_status = CloseSession(line.common, line.session); });
}

void AddPolicy(CLI::App& app, CommandLine& line) {
  CLI::App* policy = AddCommand(app, "policy", "Check policy files", kPolicyHelp);
  policy->require_subcommand(1);
  CLI::App* check =
      AddCommand(*policy, "check", "Check a policy file and show its rules", kPolicyHelp);
  check->add_option("file", line.policy_file, "The file, such as .namegate.toml")->required();
  check->callback([&line] { line.exit_status = CheckPolicy(line.common, line.policy_file); });
}

void AddStatus(CLI::App& app, CommandLine& line) {
  AddCommand(app, "status", "Show how the daemon is", kStatusHelp)->callback([&line] {
    line.exit_status = ShowStatus(line.common);
  });
}

void AddDoctor(CLI::App& app, CommandLine& line) {
  CLI::App* doctor =
      AddCommand(app, "doctor", "Try every known way round the gates on this host", kDoctorHelp);
  doctor->add_option("--gate", line.doctor.gate, "Try this gate alone")
      ->type_name("enclave|preload");
  doctor->add_option("--probes", line.doctor.probes)->group("");  // for itself: not in the help
  doctor->callback([&line] { line.exit_status = doctor::Examine(line.common, line.doctor); });
}

void AddCompletion(CLI::App& app, CommandLine& line) {
  CLI::App* completion =
      AddCommand(app, "completion", "Print the completion script for a shell", kCompletionHelp);
  completion->add_option("shell", line.shell, "bash or zsh")->required();
  completion->callback([&line] { line.exit_status = PrintCompletion(line.shell); });
}

void AddCommonOptions(CLI::App& app, CommonOptions& common) {
  app.add_option("--state-dir", common.state_dir, "Where the daemon keeps its things")
      ->type_name("DIR");
  app.add_option("--config", common.config, "The configuration, instead of namegate.toml")
      ->type_name("FILE");
  app.add_flag("--json", common.json, "Print JSON, where there is something to print");
}

void Describe(CLI::App& app, CommandLine& line) {
  app.footer(kMainHelp);
  app.set_version_flag("--version", std::string("namegate " NAMEGATE_VERSION));
  app.set_help_flag("-h,--help", "Print this help");
  const auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(34);
  app.formatter(formatter);
  app.require_subcommand(1);
  AddCommonOptions(app, line.common);
  AddRun(app, line);
  AddSession(app, line);
  AddPolicy(app, line);
  AddAuditCommand(app, line.common, &line.exit_status);
  AddStatus(app, line);
  AddDoctor(app, line);
  AddCompletion(app, line);
}

// Everything after the first "--" is the command of `run`, whatever it looks like.
std::vector<std::string> CutOffCommand(std::vector<std::string>& words) {
  const auto separator = std::find(words.begin(), words.end(), "--");
  if (separator == words.end()) return {};
  std::vector<std::string> command(separator + 1, words.end());
  words.erase(separator, words.end());
  return command;
}

// "namegate session show": how far the words were understood.
std::string Understood(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* below : app.get_subcommands()) path += " " + Understood(*below);
  return path;
}

int Refuse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const std::string understood = Understood(app);
  const auto unknown = app.remaining(/*recurse=*/true);
  if (unknown.empty()) {
    Complain(error.what());
  } else {
    Complain("'" + unknown.front() + "' is not known to " + understood);
  }
  Complain("see " + understood + " --help");
  // 1 and 2 could be statuses of the command that was to be run.
  return app.got_subcommand("run") ? kGateTrouble : kUsage;
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Namegate: reach the network by name, and only by the names that were allowed.",
               "namegate");
  Describe(app, line);
  std::vector<std::string> words(argv + 1, argv + argc);
  line.run.command = CutOffCommand(words);
  if (!line.run.command.empty() && std::find(words.begin(), words.end(), "run") == words.end()) {
    Complain("only run takes a command after --; see namegate --help");
    return kUsage;
  }
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return Refuse(app, error);
  }
  return line.exit_status;
}

}  // namespace namegate::command
