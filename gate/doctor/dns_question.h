#pragma once

#include <string>

namespace namegate::doctor {

// A DNS message that asks for the address of `name`, which is short.
std::string DnsQuestion(const std::string& name);

}  // namespace namegate::doctor
