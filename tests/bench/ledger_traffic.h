#pragma once

// What the ledger's benches write, through the real writer.

#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "resolver/ledger_writer.h"

namespace namegate::bench {

using namespace namegate::resolver;  // NOLINT: for the programs of this folder

inline constexpr int kNames = 10'000;

// Wakes the thread that submits, as the event loop would be.
class Gate {
 public:
  void Wake() {
    const std::lock_guard lock(mutex_);
    awake_ = true;
    changed_.notify_one();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return awake_; });
    awake_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
};

// A stream of queries as a busy host makes them: few names asked often, most asked seldom.
class Traffic {
 public:
  explicit Traffic(bool answers_vary) : answers_vary_(answers_vary) {
    for (int i = 0; i < kNames; ++i) {
      names_.push_back(
          DomainName::FromText("host" + std::to_string(i) + ".department.example.com").value());
      answers_.push_back(Fetch(static_cast<size_t>(i)));
    }
  }

  QueryRow Next(LedgerWriter& ledger) {
    const double uniform = std::uniform_real_distribution<>(0, 1)(random_);
    const auto which = static_cast<size_t>(std::pow(kNames, uniform)) % kNames;
    const bool fetched = random_() % 10 == 0;  // nine of ten come from the cache
    if (fetched && answers_vary_) answers_[which] = Fetch(which);
    QueryRow row;
    row.id = ledger.NextQueryId();
    row.time_us = time_us_ += 50;
    row.session = 1 + static_cast<int64_t>(random_() % 20);
    row.client = {IpAddress::V4(127, 0, 0, 1), static_cast<uint16_t>(32'768 + random_() % 28'000)};
    row.qname = names_[which];
    row.qtype = 1;
    row.qclass = 1;
    row.verdict = Verdict::kAllow;
    row.reason = Reason::kRule;
    row.rule = "**.example.com:443";
    row.source = fetched ? Source::kUpstream : Source::kCache;
    row.duration_us = static_cast<int64_t>(fetched ? 5000 + random_() % 20'000 : random_() % 200);
    row.answer = answers_[which];
    row.answer_age_s = fetched ? 0 : static_cast<uint32_t>(random_() % 300);
    return row;
  }

  // One for every four queries or so, mostly let through.
  ConnectionRow NextConnection(LedgerWriter& ledger, const QueryRow& query) {
    ConnectionRow row;
    row.id = ledger.NextConnectionId();
    row.time_us = time_us_ += 50;
    row.session = query.session;
    row.gate = "preload";
    row.pid = 4711;
    row.process = "curl";
    row.protocol = 6;
    const bool allowed = random_() % 10 != 0;
    row.verdict = allowed ? Verdict::kAllow : Verdict::kDeny;
    row.reason = allowed ? Reason::kLease : Reason::kNoLease;
    row.destination =
        Endpoint{IpAddress::V4(198, 51, static_cast<uint8_t>(random_() % 256), 1), 443};
    if (!allowed) return row;
    if (query.answer) {  // where its name led
      const std::string& octets = query.answer->back().rdata;
      row.destination->address = IpAddress::V4(198, 51, static_cast<uint8_t>(octets[2]), 2);
    }
    row.rule = query.rule;
    row.name = query.qname;
    row.query_id = query.id;
    return row;
  }

 private:
  // A CNAME and two addresses; their TTLs are what an upstream's cache had left, if they vary.
  std::shared_ptr<const AnswerSet> Fetch(size_t which) {
    const auto ttl = static_cast<uint32_t>(answers_vary_ ? 1 + random_() % 300 : 300);
    const DomainName target =
        DomainName::FromText("edge" + std::to_string(which) + ".cdn.example.net").value();
    const auto address = [&](int last) {
      return std::string{'\xc6', '\x33', static_cast<char>(which % 256), static_cast<char>(last)};
    };
    return std::make_shared<const AnswerSet>(AnswerSet{
        {names_[which], 5, ttl, std::string(target.wire())},
        {target, 1, ttl, address(1)},
        {target, 1, ttl, address(2)},
    });
  }

  bool answers_vary_;
  std::mt19937 random_{42};                  // the same traffic every time
  int64_t time_us_ = 1'700'000'000'000'000;  // not of the future, as no seal may be
  std::vector<DomainName> names_;
  std::vector<std::shared_ptr<const AnswerSet>> answers_;
};

struct Bench {
  explicit Bench(const std::string& file, bool answers_vary, const Retention& retention = {})
      : path(file), traffic(answers_vary) {
    auto opened = LedgerWriter::Open(
        path, Durability::kProcess, [this] { gate.Wake(); }, std::nullopt, retention);
    if (!opened) {
      std::fprintf(stderr, "%s\n", opened.error().message.c_str());
      std::exit(1);
    }
    ledger = *std::move(opened);
  }

  // `rows` rows, `together` at a time, each lot waited for.
  void Write(int rows, int together) {
    for (int done = 0; done < rows; done += together) {
      for (int i = 0; i < together; ++i) {
        ledger->Submit(traffic.Next(*ledger), [this](bool ok) { failed += ok ? 0 : 1; });
      }
      while (ledger->pending() > 0) {
        gate.Wait();
        ledger->RunCompletions();
      }
    }
  }

  std::string path;
  Gate gate;
  Traffic traffic;
  int failed = 0;
  std::unique_ptr<LedgerWriter> ledger;  // last: its thread uses the others
};

}  // namespace namegate::bench
