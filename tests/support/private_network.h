#pragma once

#include <string>

namespace namegate::testing {

// Gives the test's process, and all that it starts from here on, a network of its own in which only
// the loopback interface is, so that it may change it and no other test is met in it. Once, before
// any thread. Ends the process as a skipped test, with the reason, where that is not permitted. An
// ordinary user becomes root of a user namespace.
void EnterPrivateNetwork();

// ip(8) with these words, such as "link add v0 type veth peer name v1". A refusal throws.
void Ip(const std::string& words);

// Returns when the kernel takes packets to this address for its own and has told so: it takes IPv6
// addresses up in a worker.
void AwaitAddress(const std::string& address);

}  // namespace namegate::testing
