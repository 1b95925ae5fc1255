#include "gate/command/program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "common/escape.h"
#include "common/system_error.h"
#include "common/unique_fd.h"

namespace namegate::command {
namespace {

// How deep the kernel follows scripts whose interpreter is a script (BINPRM_MAX_RECURSION).
constexpr int kMaxScriptDepth = 4;
// The kernel looks at so much of a file for its #! line (BINPRM_BUF_SIZE).
constexpr size_t kHeadSize = 256;
// A program header table longer than this is no program of ours to judge.
constexpr size_t kMaxProgramHeaders = 512;
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";  // execvp's, without PATH

bool IsRegularFile(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

FoundProgram NotExecutable(const std::string& name, const char* why) {
  return {{}, kNotExecutable, "cannot execute '" + Printable(name) + "': " + why};
}

FoundProgram NotFound(const std::string& name) {
  return {{}, kNotFound, "command not found: '" + Printable(name) + "'"};
}

FoundProgram FindAt(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return NotFound(path);
    return NotExecutable(path, std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) return NotExecutable(path, "it is a directory");
  if (!S_ISREG(status.st_mode)) return NotExecutable(path, "it is not a file");
  if (access(path.c_str(), X_OK) != 0) return NotExecutable(path, std::strerror(errno));
  return {path, 0, {}};
}

// Like execvp, goes on past what may not be executed, and remembers that it was there.
FoundProgram FindOnPath(const std::string& name, const std::string& search_path) {
  FoundProgram result = NotFound(name);
  for (size_t begin = 0; begin <= search_path.size();) {
    const size_t end = std::min(search_path.find(':', begin), search_path.size());
    const std::string directory = search_path.substr(begin, end - begin);
    begin = end + 1;
    std::string found_at = directory.empty() ? "." : directory;
    found_at.append("/").append(name);
    FoundProgram found = FindAt(found_at);
    if (found.exit_status == 0) return found;
    if (found.exit_status == kNotExecutable && IsRegularFile(found_at)) {
      result = std::move(found);
    }
  }
  return result;
}

// What of a file decides how it is executed.
struct Head {
  UniqueFd file;
  struct stat status {};
  std::array<char, kHeadSize> bytes{};
  size_t size = 0;

  std::string_view text() const { return {bytes.data(), size}; }
};

Result<Head> ReadHead(const std::string& path) {
  Head head;
  head.file.Reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!head.file || fstat(head.file.get(), &head.status) != 0) {
    return SystemError("read '" + Printable(path) + "', to see whether the gate can hold it");
  }
  const ssize_t got = pread(head.file.get(), head.bytes.data(), head.bytes.size(), 0);
  head.size = got > 0 ? static_cast<size_t>(got) : 0;
  return head;
}

// The interpreter that a #! line names; nothing if this is no script.
std::optional<std::string> Interpreter(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  std::string_view line = head.substr(2, head.find('\n') - 2);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return std::string(line.substr(0, line.find_first_of(" \t")));
}

Error CannotHold(const std::string& path, const std::string& why) {
  return Error{"the preload gate cannot hold '" + Printable(path) + "': " + why};
}

// The dynamic loader ignores LD_PRELOAD when the effective ids are not the real ones (ld.so(8)).
bool ChangesIds(const struct stat& status) {
  return ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) ||
         ((status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
          status.st_gid != getgid());
}

std::optional<Elf64_Ehdr> ElfHeader(std::string_view head) {
  Elf64_Ehdr header{};
  if (head.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, head.data(), sizeof header);
  return header;
}

bool SameArchitecture(const Elf64_Ehdr& header) {
  static const std::optional<Elf64_Ehdr> ours = [] {
    const auto head = ReadHead("/proc/self/exe");
    return head ? ElfHeader(head->text()) : std::nullopt;
  }();
  return ours && std::memcmp(header.e_ident, ours->e_ident, EI_VERSION) == 0 &&
         header.e_machine == ours->e_machine;
}

// A program without a PT_INTERP segment is not started through the dynamic loader, so nothing
// reads LD_PRELOAD in it.
bool NamesDynamicLoader(int file, const Elf64_Ehdr& header) {
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMaxProgramHeaders) return false;
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const auto offset = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    if (pread(file, &segment, sizeof segment, offset) != ssize_t{sizeof segment}) return false;
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

Result<void> CheckElf(const std::string& path, const Head& head) {
  const auto header = ElfHeader(head.text());
  if (!header || !SameArchitecture(*header)) {
    return CannotHold(path, "it is a program for another architecture than libnamegate.so");
  }
  if (!NamesDynamicLoader(head.file.get(), *header)) {
    return CannotHold(path,
                      "it is statically linked, so it loads no library and would go past the gate");
  }
  return {};
}

}  // namespace

FoundProgram FindProgram(const std::string& name) {
  if (name.empty()) return NotFound(name);
  if (name.find('/') != std::string::npos) return FindAt(name);
  const char* search_path = std::getenv("PATH");
  return FindOnPath(name, search_path != nullptr ? search_path : kDefaultPath);
}

Result<void> CheckPreloadable(const std::string& path) {
  std::string program = path;
  for (int depth = 0; depth <= kMaxScriptDepth; ++depth) {
    // Executing a script whose interpreter is missing fails by itself, and says so.
    if (depth > 0 && !IsRegularFile(program)) return {};
    const auto head = ReadHead(program);
    if (!head) return head.error();
    // The kernel heeds these bits on programs only, not on scripts.
    const auto interpreter = Interpreter(head->text());
    if (interpreter) {
      program = *interpreter;
      continue;
    }
    if (ChangesIds(head->status)) {
      return CannotHold(program,
                        "it is setuid or setgid, so the dynamic loader ignores LD_PRELOAD");
    }
    if (head->text().starts_with(ELFMAG)) return CheckElf(program, *head);
    // Neither: what a shell would run, or a format that the host has an interpreter for.
    return {};
  }
  return CannotHold(path, "its interpreters are scripts, too many deep");
}

}  // namespace namegate::command
