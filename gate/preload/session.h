#pragma once

#include <stddef.h>

namespace namegate::preload {

// unix(7): the longest path of a socket, without its NUL.
inline constexpr size_t kSocketPathLimit = 107;

// What the environment says about the session, or, where it says nothing, that the gate socket of
// an enclave is in its place. It is learned once, in this library's constructor, so that a program
// that changes its environment afterwards neither loses its gate nor chooses another, and so that
// nothing reads `environ` while another thread calls setenv(). A call that comes before the
// constructor (only possible from another library's) reads the environment as it stands.
struct Session {
  char path[kSocketPathLimit + 1];  // of the gate socket; empty if there is none that can be used
  bool path_too_long;
  bool quiet;
  // This is an enclave: the wall judges everything by itself, and the gate is there to explain. So
  // what the gate cannot judge, or ask about, it leaves to the wall.
  bool walled;
};

// The session, in `fallback` when it had to be read from the environment just now.
const Session& CurrentSession(Session& fallback);
// CurrentSession().walled
bool IsWalled();

}  // namespace namegate::preload
