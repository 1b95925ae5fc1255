// Every octet that a sandboxed program sends to its name server goes through ParseQuery().

#include <arpa/nameser.h>

#include "resolver/message_builder.h"
#include "resolver/message_reader.h"
#include "tests/fuzz/promise.h"

namespace namegate::testing {
namespace {

using resolver::ParsedQuery;
using resolver::QueryFault;
using resolver::QueryMessage;

// The C library, which shares no code with us, sees the same question.
void CheckAgainstLibc(const uint8_t* data, size_t size, const QueryMessage& message) {
  ns_msg handle;
  ns_rr question;
  Promise(ns_initparse(data, static_cast<int>(size), &handle) == 0, "libc reads the query");
  Promise(ns_msg_count(handle, ns_s_qd) == 1, "a query has one question");
  Promise(ns_parserr(&handle, ns_s_qd, 0, &question) == 0, "libc reads the question");
  Promise(ns_rr_type(question) == message.qtype, "libc sees the same type");
  const auto name = DomainName::FromText(ns_rr_name(question));
  const bool root = ns_rr_name(question)[0] == '\0';
  Promise(root ? message.qname->is_root() : name && *name == *message.qname,
          "libc sees the same name");
}

// Whatever was asked, the refusal that answers it is whole, in bounds, and about that question.
void CheckRefusal(const QueryMessage& message) {
  resolver::Response response;
  response.rcode = resolver::rcode::kNxDomain;
  response.negative_ttl_s = 5;
  response.ede = resolver::ede::kBlocked;
  response.ede_text = "not allowed; to allow it: " + message.qname->ToText() + ":443";
  const size_t limit = resolver::ResponseLimit(message, resolver::Transport::kUdp);
  const auto built = resolver::BuildResponse(message, response, limit);
  Promise(built.bytes.size() <= limit, "a response keeps to the client's limit");
  const auto read = resolver::ParseResponse(
      {reinterpret_cast<const uint8_t*>(built.bytes.data()), built.bytes.size()});
  Promise(read.has_value(), "we read what we built");
  Promise(read->id == message.id, "a response has the ID of its query");
  Promise(read->question_wire == message.question_wire, "a response repeats the question");
}

void TryInput(const uint8_t* data, size_t size) {
  const ParsedQuery parsed = resolver::ParseQuery({data, size});
  if (parsed.fault == QueryFault::kIgnore) return;
  Promise(size >= resolver::kHeaderSize, "what has no header is ignored");
  if (parsed.fault != QueryFault::kNone) return;
  Promise(parsed.message.qname.has_value(), "a query without fault has a name");
  CheckAgainstLibc(data, size, parsed.message);
  CheckRefusal(parsed.message);
}

}  // namespace
}  // namespace namegate::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namegate::testing::TryInput(data, size);
  return 0;
}
