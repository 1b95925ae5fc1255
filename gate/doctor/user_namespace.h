#pragma once

namespace namegate::doctor {

// Puts this process into a user namespace of its own in which its ids are what they were, and into
// the other new namespaces that the flags name (unshare(2)). False, with errno, if it may not.
bool EnterUserNamespace(int further_flags);

}  // namespace namegate::doctor
