#include "gate/doctor/dns_question.h"

namespace namegate::doctor {

// RFC 1035 §4.1.
std::string DnsQuestion(const std::string& name) {
  std::string message("\x4e\x47\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    message += static_cast<char>(end - begin);
    message.append(name, begin, end - begin);
    begin = end + 1;
  }
  return message + std::string("\x00\x00\x01\x00\x01", 5);
}

}  // namespace namegate::doctor
