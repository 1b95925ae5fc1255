#include "gate/preload/session.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/gate_protocol.h"
#include "gate/preload/ask.h"
#include "gate/preload/bytes.h"
#include "gate/preload/kernel.h"

namespace namegate::preload {
namespace {

Session learned;
bool is_learned = false;  // release/acquire: `learned` is complete when this is true

// The value of NAME in an environment, or null. The first one counts, as for getenv().
const char* Find(char* const* environment, const char* name) {
  if (environment == nullptr) return nullptr;
  for (; *environment != nullptr; ++environment) {
    const char* value = After(*environment, name);
    if (value != nullptr && *value == '=') return value + 1;
  }
  return nullptr;
}

void Learn(char* const* environment, Session& session) {
  session = {};
  const char* quiet = Find(environment, kGateQuietVariable);
  session.quiet = quiet != nullptr && quiet[0] == '1' && quiet[1] == '\0';
  const char* path = Find(environment, kGateSocketVariable);
  if (path == nullptr) {
    // The library, as the socket goes with the session, and what is left behind has the wall still.
    session.walled = Kernel(__NR_faccessat, AT_FDCWD, kInnerLibrary, F_OK) == 0;
    if (session.walled) TakeCopy(session.path, kInnerGateSocket, sizeof(kInnerGateSocket));
    return;
  }
  size_t length = 0;
  while (path[length] != '\0' && length <= kSocketPathLimit) ++length;
  session.path_too_long = length > kSocketPathLimit;
  if (!session.path_too_long) TakeCopy(session.path, path, length);
}

// The dynamic linker hands every constructor main()'s arguments; libc itself may not be ready yet.
__attribute__((constructor)) void LearnFromStart(int, char**, char** environment) {
  Learn(environment, learned);
  __atomic_store_n(&is_learned, true, __ATOMIC_RELEASE);
  if (learned.path[0] != '\0') SayHello(learned.path);
}

}  // namespace

const Session& CurrentSession(Session& fallback) {
  if (__atomic_load_n(&is_learned, __ATOMIC_ACQUIRE)) return learned;
  Learn(environ, fallback);
  return fallback;
}

bool IsWalled() {
  Session fallback;
  return CurrentSession(fallback).walled;
}

}  // namespace namegate::preload
