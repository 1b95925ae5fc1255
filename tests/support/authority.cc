#include "tests/support/authority.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <stdexcept>

namespace namegate::testing {
namespace {

constexpr size_t kMaxBindAttempts = 100;  // a port that is free for UDP may be taken for TCP

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool BindTo(int fd, uint16_t port) {
  const sockaddr_in address = Loopback(port);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

uint16_t PortOf(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

SeenQuery Read(Bytes raw, const ldns_pkt* packet, bool tcp, uint16_t client_port) {
  SeenQuery query;
  query.tcp = tcp;
  query.client_port = client_port;
  query.raw = std::move(raw);
  const ldns_rr_list* questions = ldns_pkt_question(packet);
  if (ldns_rr_list_rr_count(questions) == 0) return query;
  const ldns_rr* question = ldns_rr_list_rr(questions, 0);
  query.name = NameText(ldns_rr_owner(question));
  const std::unique_ptr<char, decltype(&std::free)> type(
      ldns_rr_type2str(ldns_rr_get_type(question)), &std::free);
  query.type = type ? type.get() : "";
  return query;
}

}  // namespace

Authority::Authority(std::string_view records) : zone_(records) {
  for (size_t attempt = 0; !Bind(); ++attempt) {
    if (attempt == kMaxBindAttempts) throw std::runtime_error("no free port for an authority");
  }
  wake_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  thread_ = std::thread([this] { Serve(); });
}

Authority::~Authority() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

bool Authority::Bind() {
  udp_ = UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  listener_ = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!BindTo(udp_.get(), 0)) return false;
  endpoint_ = {IpAddress::V4(127, 0, 0, 1), PortOf(udp_.get())};
  return BindTo(listener_.get(), endpoint_.port) && listen(listener_.get(), SOMAXCONN) == 0;
}

void Authority::Wake() const { eventfd_write(wake_.get(), 1); }

void Authority::On(const std::string& name, Behaviour behaviour) {
  const std::lock_guard lock(mutex_);
  behaviours_[name] = std::move(behaviour);
}

void Authority::Hold(const std::string& name) {
  const std::lock_guard lock(mutex_);
  held_[name];
}

void Authority::Release(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(name);
    if (held == held_.end()) return;
    std::move(held->second.begin(), held->second.end(), std::back_inserter(released_));
    held_.erase(held);
  }
  Wake();
}

void Authority::CloseConnections() {
  std::unique_lock lock(mutex_);
  closing_connections_ = true;
  Wake();
  changed_.wait(lock, [&] { return !closing_connections_; });
}

std::vector<SeenQuery> Authority::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

size_t Authority::Count(const std::string& name) const { return Count(name, ""); }

size_t Authority::Count(const std::string& name, const std::string& type) const {
  const auto queries = seen();
  return static_cast<size_t>(
      std::count_if(queries.begin(), queries.end(), [&](const SeenQuery& query) {
        return query.name == name && (type.empty() || query.type == type);
      }));
}

bool Authority::WaitForCount(const std::string& name, size_t count,
                             std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] {
    return std::count_if(seen_.begin(), seen_.end(), [&](const SeenQuery& query) {
             return query.name == name;
           }) >= static_cast<std::ptrdiff_t>(count);
  });
}

void Authority::Serve() {
  while (true) {
    std::vector<pollfd> polled = {
        {udp_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    for (const auto& connection : connections_) polled.push_back({connection->fd.get(), POLLIN, 0});
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[2].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(wake_.get(), &count);
      std::vector<Held> released;
      bool closing = false;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        released.swap(released_);
        closing = std::exchange(closing_connections_, false);
        if (closing) connections_.clear();
        changed_.notify_all();
      }
      for (const Held& held : released) Answer(held.query, held.send);
      if (closing) continue;  // what was polled is gone
    }
    if (polled[0].revents != 0) ServeUdp();
    for (size_t i = polled.size() - 1; i >= 3; --i) {
      if (polled[i].revents == 0 || ServeTcp(connections_[i - 3])) continue;
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - 3));
    }
    if (polled[1].revents != 0) Accept();
  }
}

void Authority::ServeUdp() {
  std::array<uint8_t, kMaxMessage> buffer;
  sockaddr_in client{};
  socklen_t length = sizeof client;
  const ssize_t got = recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                               reinterpret_cast<sockaddr*>(&client), &length);
  if (got < 0) return;
  Bytes raw(buffer.begin(), buffer.begin() + got);
  const Packet packet = ParsePacket(raw);
  if (!packet) return;
  Take(Read(std::move(raw), packet.get(), false, ntohs(client.sin_port)),
       [fd = udp_.get(), client](const Bytes& message) {
         sendto(fd, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&client),
                sizeof client);
       });
}

void Authority::Accept() {
  sockaddr_in client{};
  socklen_t length = sizeof client;
  const int fd =
      accept4(listener_.get(), reinterpret_cast<sockaddr*>(&client), &length, SOCK_CLOEXEC);
  if (fd < 0) return;
  auto connection = std::make_shared<Connection>();
  connection->fd = UniqueFd(fd);
  connection->client_port = ntohs(client.sin_port);
  connections_.push_back(std::move(connection));
}

bool Authority::ServeTcp(const std::shared_ptr<Connection>& connection) {
  std::array<uint8_t, 4096> buffer;
  const ssize_t got = recv(connection->fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got <= 0) return false;
  Bytes& received = connection->received;
  received.insert(received.end(), buffer.begin(), buffer.begin() + got);
  while (received.size() >= 2) {
    const size_t size = size_t{received[0]} * 256 + received[1];
    if (received.size() < 2 + size) break;
    const auto begin = received.begin() + 2;
    Bytes raw(begin, begin + static_cast<std::ptrdiff_t>(size));
    received.erase(received.begin(), begin + static_cast<std::ptrdiff_t>(size));
    const Packet packet = ParsePacket(raw);
    if (!packet) return false;
    // The answer may be held for longer than the client stays.
    Take(Read(std::move(raw), packet.get(), true, connection->client_port),
         [weak = std::weak_ptr(connection)](const Bytes& message) {
           const auto open = weak.lock();
           if (!open) return;
           Bytes framed = {static_cast<uint8_t>(message.size() >> 8),
                           static_cast<uint8_t>(message.size() & 0xff)};
           framed.insert(framed.end(), message.begin(), message.end());
           send(open->fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
         });
  }
  return true;
}

void Authority::Take(SeenQuery query, const Sender& send) {
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back(query);
    changed_.notify_all();
    if (const auto held = held_.find(query.name); held != held_.end()) {
      held->second.push_back({std::move(query), send});
      return;
    }
  }
  Answer(query, send);
}

void Authority::Answer(const SeenQuery& query, const Sender& send) {
  const Packet packet = ParsePacket(query.raw);
  std::vector<Bytes> messages = {zone_.Answer(packet.get(), query.tcp)};
  Behaviour behaviour;
  {
    const std::lock_guard lock(mutex_);
    auto found = behaviours_.find(query.name);
    if (found == behaviours_.end()) found = behaviours_.find("*");
    if (found != behaviours_.end()) behaviour = found->second;
  }
  if (behaviour) messages = behaviour(query, messages.front());
  for (const Bytes& message : messages) send(message);
}

}  // namespace namegate::testing
