#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/authority.h"

namespace namegate::testing {
namespace {

// The honest answer changed by `change`.
Behaviour Changed(std::function<void(ldns_pkt*)> change) {
  return [change = std::move(change)](const SeenQuery&, const Bytes& honest) {
    const Packet packet = ParsePacket(honest);
    change(packet.get());
    return std::vector<Bytes>{PacketBytes(packet.get())};
  };
}

void ClearAnswer(ldns_pkt* packet) {
  ldns_rr_list_deep_free(ldns_pkt_answer(packet));
  ldns_pkt_set_answer(packet, ldns_rr_list_new());
  ldns_pkt_set_ancount(packet, 0);
  ldns_rr_list_deep_free(ldns_pkt_authority(packet));
  ldns_pkt_set_authority(packet, ldns_rr_list_new());
  ldns_pkt_set_nscount(packet, 0);
}

void SetOwner(ldns_rr* record, const std::string& name) {
  ldns_rdf_deep_free(ldns_rr_owner(record));
  ldns_rr_set_owner(record, ldns_dname_new_frm_str(name.c_str()));
}

// ldns counts the record types that follow the header in sections: these two hold names to change.
void ForEachQuestionAndAnswer(ldns_pkt* packet, const std::function<void(ldns_rr*)>& change) {
  for (const ldns_rr_list* section : {ldns_pkt_question(packet), ldns_pkt_answer(packet)}) {
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); ++i) {
      change(ldns_rr_list_rr(section, i));
    }
  }
}

}  // namespace

Behaviour Honest() {
  return [](const SeenQuery&, const Bytes& honest) { return std::vector<Bytes>{honest}; };
}

Behaviour Silence() {
  return [](const SeenQuery&, const Bytes&) { return std::vector<Bytes>{}; };
}

Behaviour Truncate() {
  return [](const SeenQuery& query, const Bytes& honest) {
    const Packet packet = ParsePacket(honest);
    if (query.tcp) return std::vector<Bytes>{honest};
    ClearAnswer(packet.get());
    ldns_pkt_set_tc(packet.get(), true);
    return std::vector<Bytes>{PacketBytes(packet.get())};
  };
}

Behaviour Rcode(ldns_pkt_rcode rcode) {
  return Changed([rcode](ldns_pkt* packet) {
    ClearAnswer(packet);
    ldns_pkt_set_rcode(packet, static_cast<uint8_t>(rcode));
  });
}

Behaviour WrongId() {
  return Changed([](ldns_pkt* packet) {
    ldns_pkt_set_id(packet, static_cast<uint16_t>(ldns_pkt_id(packet) + 1));
  });
}

Behaviour WrongQuestion() {
  return Changed([](ldns_pkt* packet) {
    ForEachQuestionAndAnswer(packet,
                             [](ldns_rr* record) { SetOwner(record, "other.example.org."); });
  });
}

Behaviour WrongCase() {
  return Changed([](ldns_pkt* packet) {
    ForEachQuestionAndAnswer(packet,
                             [](ldns_rr* record) { ldns_dname2canonical(ldns_rr_owner(record)); });
  });
}

Behaviour Raw(Bytes message) {
  return [message = std::move(message)](const SeenQuery& query, const Bytes&) {
    Bytes sent = message;
    for (size_t i = 0; i < 2 && i < sent.size(); ++i) sent[i] = query.raw[i];
    return std::vector<Bytes>{sent};
  };
}

Behaviour AnswerWith(const std::string& records) {
  return Changed([records](ldns_pkt* packet) {
    ClearAnswer(packet);
    ldns_pkt_set_rcode(packet, LDNS_RCODE_NOERROR);
    std::istringstream lines(records);
    for (std::string line; std::getline(lines, line);) {
      ldns_rr* record = nullptr;
      if (ldns_rr_new_frm_str(&record, line.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK) {
        throw std::runtime_error("not a record: " + line);
      }
      ldns_pkt_push_rr(packet, LDNS_SECTION_ANSWER, record);
    }
  });
}

Behaviour First(Behaviour lie) {
  return [lie = std::move(lie)](const SeenQuery& query, const Bytes& honest) {
    std::vector<Bytes> messages = lie(query, honest);
    messages.push_back(honest);
    return messages;
  };
}

}  // namespace namegate::testing
