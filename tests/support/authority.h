#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/endpoint.h"
#include "common/unique_fd.h"
#include "tests/support/authority_zone.h"
#include "tests/support/dns_packet.h"

namespace namegate::testing {

// What most tests ask for, the rule that allows it, and the records that have it.
inline constexpr char kExampleName[] = "a.example.org";
inline constexpr char kExampleRule[] = "a.example.org:443";
inline constexpr char kExampleRecords[] = "a.example.org. 60 IN A 192.0.2.7\n";

// One query as the authority received it.
struct SeenQuery {
  std::string name;  // lower-cased, without the final dot
  std::string type;
  bool tcp = false;
  uint16_t client_port = 0;
  Bytes raw;
};

// What the authority does about a question in place of sending its honest answer: the messages to
// send, in order. None is silence.
using Behaviour = std::function<std::vector<Bytes>(const SeenQuery& query, const Bytes& honest)>;

Behaviour Honest();
Behaviour Silence();
Behaviour Truncate();  // over UDP; honest over TCP
Behaviour Rcode(ldns_pkt_rcode rcode);
Behaviour WrongId();
Behaviour WrongQuestion();     // answers for another name, under the right ID
Behaviour WrongCase();         // the question in lower case, whatever was asked (0x20)
Behaviour Raw(Bytes message);  // these octets under the right ID
// The right question with these records for an answer, whether they belong to it or not.
Behaviour AnswerWith(const std::string& records);
// First an answer that `lie` makes, then the honest one.
Behaviour First(Behaviour lie);

// A scriptable DNS server on 127.0.0.1, for UDP and TCP on the same port of the kernel's choice,
// served by a thread of its own.
class Authority {
 public:
  // `records` in zone file format with absolute names, one a line. Names that have no record get
  // NXDOMAIN, other types of those that have NODATA, both with an SOA of 60 s.
  explicit Authority(std::string_view records = "");
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority();

  Endpoint endpoint() const { return endpoint_; }

  // For all types of `name`, from now on; "*" is every name for which nothing else was said.
  void On(const std::string& name, Behaviour behaviour);
  // Answers to `name` wait until Release().
  void Hold(const std::string& name);
  void Release(const std::string& name);

  // Closes the TCP connections that clients hold open; returns when that is done.
  void CloseConnections();

  // Queries received so far, in order.
  std::vector<SeenQuery> seen() const;
  size_t Count(const std::string& name) const;
  size_t Count(const std::string& name, const std::string& type) const;
  // False if there were not as many queries for `name` after `limit`.
  bool WaitForCount(const std::string& name, size_t count,
                    std::chrono::milliseconds limit = std::chrono::seconds(20)) const;

 private:
  // Sends one message back to where its query came from.
  using Sender = std::function<void(const Bytes& message)>;
  struct Held {
    SeenQuery query;
    Sender send;
  };
  struct Connection {
    UniqueFd fd;
    uint16_t client_port = 0;
    Bytes received;
  };

  bool Bind();
  void Serve();
  void ServeUdp();
  void Accept();
  // False when the connection is to be closed.
  bool ServeTcp(const std::shared_ptr<Connection>& connection);
  void Take(SeenQuery query, const Sender& send);
  void Answer(const SeenQuery& query, const Sender& send);
  void Wake() const;

  AuthorityZone zone_;
  Endpoint endpoint_;
  UniqueFd udp_;
  UniqueFd listener_;
  UniqueFd wake_;
  std::vector<std::shared_ptr<Connection>> connections_;  // of the thread alone

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  bool closing_connections_ = false;
  std::vector<SeenQuery> seen_;
  std::map<std::string, Behaviour> behaviours_;
  std::map<std::string, std::vector<Held>> held_;
  std::vector<Held> released_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace namegate::testing
