// Every function that libnamegate.so takes the place of, allowed and denied, in real processes.

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

#include "tests/integration/preload_fixture.h"

namespace namegate::testing {
namespace {

using Lines = std::vector<std::string>;

std::string Connect(const Loopback& to) { return "connect 127.0.0.1:" + to.port(); }

std::string Send(const Loopback& to) { return "send 127.0.0.1:" + to.port() + "/udp"; }

TEST_CASE("connect() reaches what the gate service allows, after one ask") {
  Loopback server(kTcp);
  Gated gated({server.number()});
  CHECK(gated.Run("connect_tcp", {"127.0.0.1", server.port()}).out ==
        "connect: OK\npeer: 127.0.0.1\n");
  CHECK(server.Arrived() == 1);
  CHECK(gated.asked() == Lines{Connect(server)});
}

TEST_CASE("connect() fails with EACCES where the gate service denies, and reaches nobody") {
  Loopback server(kTcp);
  Gated gated;
  const Outcome outcome = gated.Run("connect_tcp", {"127.0.0.1", server.port()});
  CHECK(outcome.out == "connect: EACCES\n");
  CHECK(outcome.err == "namegate: denied by the test\n");
  CHECK(server.Arrived() == 0);
  CHECK(gated.asked() == Lines{Connect(server)});
}

TEST_CASE("An allowed connection that the server refuses fails with the server's errno") {
  uint16_t closed_port = 0;
  { closed_port = Loopback(kTcp).number(); }
  Gated gated({closed_port});
  CHECK(gated.Run("connect_tcp", {"127.0.0.1", std::to_string(closed_port)}).out ==
        "connect: ECONNREFUSED\n");
}

TEST_CASE("IPv6 destinations are asked about as IPv6") {
  Loopback server(kTcp, "::1");
  Gated gated({server.number()});
  CHECK(gated.Run("connect_tcp", {"::1", server.port()}).out == "connect: OK\npeer: ::1\n");
  CHECK(gated.asked() == Lines{"connect [::1]:" + server.port()});
}

TEST_CASE("A v4-mapped destination is asked about as the IPv4 address that it is") {
  Loopback server(kTcp);
  Gated gated({server.number()});
  CHECK(gated.Run("connect_tcp", {"::ffff:127.0.0.1", server.port()}).out ==
        "connect: OK\npeer: ::ffff:127.0.0.1\n");
  CHECK(gated.asked() == Lines{Connect(server)});
}

TEST_CASE("The zero address is asked about, and connected to, as loopback") {
  Loopback server(kTcp);
  Loopback server6(kTcp, "::1");
  Gated gated({server.number(), server6.number()});
  CHECK(gated
            .Run("connect_tcp",
                 {"0.0.0.0", server.port(), "::ffff:0.0.0.0", server.port(), "::", server6.port()})
            .out ==
        "connect: OK\npeer: 127.0.0.1\nconnect: OK\npeer: ::ffff:127.0.0.1\n"
        "connect: OK\npeer: ::1\n");
  CHECK(gated.asked() ==
        Lines{Connect(server), Connect(server), "connect [::1]:" + server6.port()});
}

TEST_CASE("A non-blocking connect() goes on as usual when allowed and is denied at once when not") {
  Loopback allowed(kTcp);
  Loopback denied(kTcp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("connect_nonblocking", {"127.0.0.1", allowed.port()}).out ==
        "connect: EINPROGRESS\npoll: OK\nSO_ERROR: 0\n");
  CHECK(gated.Run("connect_nonblocking", {"127.0.0.1", denied.port()}).out == "connect: EACCES\n");
  CHECK(denied.Arrived() == 0);
}

TEST_CASE("A UDP socket is asked about when it is connected, not when it sends or is dissolved") {
  Loopback server(kUdp);
  Gated gated({server.number()});
  CHECK(gated.Run("connect_udp", {"127.0.0.1", server.port()}).out ==
        "connect: OK\nsend: OK\n__send: OK\ndissolve: OK\nsend: EDESTADDRREQ\n__connect: OK\n");
  CHECK(server.Arrived() == 2);
  const std::string asked = Connect(server) + "/udp";
  CHECK(gated.asked() == Lines{asked, asked});
}

TEST_CASE("A denied UDP connect() leaves a socket that sends nowhere") {
  Loopback server(kUdp);
  Gated gated;
  CHECK(gated.Run("connect_udp", {"127.0.0.1", server.port()}).out ==
        "connect: EACCES\nsend: EDESTADDRREQ\n__send: EDESTADDRREQ\ndissolve: OK\n"
        "send: EDESTADDRREQ\n__connect: EACCES\n");
  CHECK(server.Arrived() == 0);
}

TEST_CASE("sendto() asks for every datagram") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated
            .Run("send_udp", {"127.0.0.1", allowed.port(), "127.0.0.1", denied.port(), "127.0.0.1",
                              allowed.port()})
            .out == "sendto: OK\nsendto: EACCES\nsendto: OK\n");
  CHECK(allowed.Arrived() == 2);
  CHECK(denied.Arrived() == 0);
  CHECK(gated.asked() == Lines{Send(allowed), Send(denied), Send(allowed)});
}

TEST_CASE("sendmsg() asks for every message and keeps its harmless control data") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("sendmsg_udp", {"127.0.0.1", allowed.port(), "127.0.0.1", denied.port()}).out ==
        "sendmsg: OK\nsendmsg: EACCES\n");
  CHECK(allowed.Arrived() == 1);
  CHECK(denied.Arrived() == 0);
  CHECK(gated.asked() == Lines{Send(allowed), Send(denied)});
}

TEST_CASE("sendmmsg() stops at the first denied message and returns how many went before") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated
            .Run("sendmmsg_udp", {"127.0.0.1", allowed.port(), "127.0.0.1", allowed.port(),
                                  "127.0.0.1", denied.port(), "127.0.0.1", allowed.port()})
            .out == "sendmmsg: 2 sent, 1 bytes in the first\n");
  CHECK(allowed.Arrived() == 2);
  CHECK(denied.Arrived() == 0);
  CHECK(gated.asked() == Lines{Send(allowed), Send(allowed), Send(denied)});
}

TEST_CASE("sendmmsg() fails with EACCES if its first message is denied") {
  Loopback denied(kUdp);
  Gated gated;
  CHECK(gated.Run("sendmmsg_udp", {"127.0.0.1", denied.port(), "127.0.0.1", denied.port()}).out ==
        "sendmmsg: EACCES\n");
  CHECK(denied.Arrived() == 0);
  CHECK(gated.asked() == Lines{Send(denied)});
}

TEST_CASE("A connected stream ignores a destination, and so does the gate") {
  Loopback server(kTcp);
  Loopback other(kTcp);
  Gated gated({server.number()});
  CHECK(gated.Run("send_connected", {"127.0.0.1", server.port(), "127.0.0.1", other.port()}).out ==
        "connect: OK\nsendto: OK\nsendmsg: OK\nsendmmsg: 2\n");
  CHECK(server.ReadAll() == "abbb");
  CHECK(other.Arrived() == 0);
  CHECK(gated.asked() == Lines{Connect(server)});
}

TEST_CASE("sendmmsg() on a stream stops after a message that was taken in part") {
  Loopback server(kTcp);
  Gated gated({server.number()});
  CHECK(gated.Run("sendmmsg_stream", {"127.0.0.1", server.port()}).out ==
        "connect: OK\nsendmmsg: 1, part of the first, 0 of the second\n");
}

constexpr char kAddressForms[] =
    "connect v4-mapped of 24 bytes: %\nconnect sockaddr_in on IPv6: %\n"
    "send v4-mapped of 24 bytes: %\nsend sockaddr_in on IPv6: %\nsend AF_UNSPEC on IPv4: %\n"
    "send AF_UNSPEC on IPv6, not connected: EDESTADDRREQ\n";

std::string WithOutcome(std::string text, const std::string& outcome) {
  for (size_t at; (at = text.find('%')) != std::string::npos;) text.replace(at, 1, outcome);
  return text;
}

TEST_CASE("The odd forms of an address that the kernel takes are asked about as what they mean") {
  Loopback server(kUdp);
  const std::string connect = Connect(server) + "/udp";
  const Lines every_form = {connect, connect, Send(server), Send(server), Send(server)};
  Gated allowing({server.number()});
  CHECK(allowing.Run("address_forms", {"127.0.0.1", server.port()}).out ==
        WithOutcome(kAddressForms, "OK"));
  CHECK(server.Arrived() == 3);
  CHECK(allowing.asked() == every_form);
  Gated denying;
  CHECK(denying.Run("address_forms", {"127.0.0.1", server.port()}).out ==
        WithOutcome(kAddressForms, "EACCES"));
  CHECK(server.Arrived() == 0);
  CHECK(denying.asked() == every_form);
}

TEST_CASE("Addresses that are too short or too long fail with EINVAL and reach nobody") {
  Loopback tcp(kTcp);
  Loopback udp(kUdp);
  Loopback udp6(kUdp, "::1");
  Gated gated;
  CHECK(gated
            .Run("short_sockaddr",
                 {"127.0.0.1", tcp.port(), "127.0.0.1", udp.port(), "::1", udp6.port()})
            .out == "all of 195 calls failed with EINVAL\n");
  CHECK(tcp.Arrived() + udp.Arrived() + udp6.Arrived() == 0);
  CHECK(gated.asked().empty());
}

TEST_CASE("Bad pointers and descriptors get the kernel's errors") {
  Loopback server(kUdp);
  Gated gated({server.number()});
  CHECK(gated.Run("null_pointers", {"127.0.0.1", server.port()}).out ==
        "connect to null: EFAULT\nconnect of no descriptor: EBADF\nconnect of a file: ENOTSOCK\n"
        "sendto of a file: ENOTSOCK\nsendmsg of null: EFAULT\nsendmmsg of null: EFAULT\n"
        "sendmmsg of nothing: OK\nsendmmsg of no descriptor: EBADF\n");
  CHECK(gated.asked().empty());
}

TEST_CASE("MSG_FASTOPEN is asked about as a connect, and TCP_FASTOPEN_CONNECT is not supported") {
  Loopback server(kTcp);
  const Lines asked = {"refused fast-open", Connect(server), Connect(server)};
  Gated allowing({server.number()});
  const Outcome allowed = allowing.Run("fastopen", {"127.0.0.1", server.port()});
  CHECK(allowed.out == "setsockopt: EOPNOTSUPP\nsendto: OK\nsendmsg: OK\n");
  CHECK(allowed.err.empty());
  CHECK(allowing.asked() == asked);
  CHECK(server.ReadAll() == "xy");
  Gated denying;
  CHECK(denying.Run("fastopen", {"127.0.0.1", server.port()}).out ==
        "setsockopt: EOPNOTSUPP\nsendto: EACCES\nsendmsg: EACCES\n");
  CHECK(denying.asked() == asked);
  CHECK(server.Arrived() == 0);
}

TEST_CASE("syscall() is gated by number, and other calls come through it unharmed") {
  Loopback server(kUdp);
  const std::string tail =
      "socket AF_VSOCK: EACCES\nsetsockopt: EOPNOTSUPP\nio_uring_setup: ENOSYS\n"
      "getpid: OK\nmmap: OK\nclose: EBADF\nno such call: ENOSYS\n";
  const Lines asked = {Send(server),
                       Send(server),
                       Send(server),
                       Connect(server) + "/udp",
                       Connect(server) + "/udp",
                       "refused socket-family",
                       "refused fast-open"};
  Gated allowing({server.number()});
  CHECK(allowing.Run("raw_syscall", {"127.0.0.1", server.port()}).out ==
        "socket: OK\nsendto: OK\nsendmsg: OK\nsendmmsg: OK\nconnect: OK\n"
        "connect, high bits: OK\n" +
            tail);
  CHECK(server.Arrived() == 3);
  CHECK(allowing.asked() == asked);
  Gated denying;
  CHECK(denying.Run("raw_syscall", {"127.0.0.1", server.port()}).out ==
        "socket: OK\nsendto: EACCES\nsendmsg: EACCES\nsendmmsg: EACCES\nconnect: EACCES\n"
        "connect, high bits: EACCES\n" +
            tail);
  CHECK(server.Arrived() == 0);
  CHECK(denying.asked() == asked);
}

TEST_CASE("Sockets that no rule can speak of are refused and recorded") {
  Gated gated;
  const Outcome outcome = gated.Run("socket_families");
  CHECK(outcome.out ==
        "AF_UNIX: OK\nAF_NETLINK: OK\nTCP: OK\nUDP over IPv6: OK\nAF_VSOCK: EACCES\n"
        "AF_PACKET: EACCES\nAF_ALG: EACCES\nraw: EACCES\nraw over IPv6: EACCES\n"
        "SOCK_PACKET: EACCES\nSCTP: EACCES\nSCTP messages: EACCES\n");
  CHECK(gated.asked() == Lines(8, "refused socket-family"));
  CHECK(Count(outcome.err, "\n") == 8);
}

TEST_CASE(
    "Options and control messages that lead around the destination are refused and recorded") {
  Loopback server(kUdp);
  Gated gated({server.number()});
  const Outcome outcome = gated.Run("source_route", {"127.0.0.1", server.port()});
  CHECK(outcome.out ==
        "IP_OPTIONS: EACCES\nIP_OPTIONS, taken away: OK\nIP_OPTIONS on IPv6: EACCES\n"
        "IPV6_RTHDR: EACCES\nIPV6_2292RTHDR: EACCES\nIPV6_2292PKTOPTIONS: EACCES\n"
        "a flow label with options: EACCES\nIP_RETOPTS message: EACCES\n"
        "IPV6_RTHDR message: EACCES\nIPV6_2292RTHDR message: EACCES\n"
        "too much control data: EACCES\n");
  CHECK(server.Arrived() == 0);
  CHECK(gated.asked() == Lines(10, "refused source-route"));
  CHECK(outcome.err == "namegate: denied by the test\n");
}

TEST_CASE("What stays on this host needs no verdict, and addresses of other families are denied") {
  Gated gated;
  CHECK(gated.Run("connect_unix", {gated.service().path()}).out ==
        "connect AF_UNIX: EPROTOTYPE\nconnect AF_NETLINK: OK\nconnect AF_VSOCK: EACCES\n");
  CHECK(gated.asked() == Lines{"refused socket-family"});
}

TEST_CASE("Descriptors pass over Unix sockets, however many") {
  Gated gated;
  CHECK(gated.Run("unix_messages").out == "sendmsg: OK\nrecvmsg: OK\nreceived: all\n");
  CHECK(gated.asked().empty());
}

TEST_CASE("errno is left alone by every gated call that succeeds") {
  Loopback server(kUdp);
  Gated gated({server.number()});
  const std::string out = gated.Run("errno_preserved", {"127.0.0.1", server.port()}).out;
  CHECK(Count(out, ": OK, errno untouched\n") == 9);
  CHECK(Count(out, "\n") == 10);
}

TEST_CASE("The kernel gets the very address that was judged, while the program keeps changing it") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("race_connect", {"127.0.0.1", allowed.port(), "127.0.0.1", denied.port(), "5000"})
            .out == "connected: some\ndenied: some\n");
  CHECK(denied.Arrived() == 0);
  CHECK(allowed.Arrived() > 0);
}

TEST_CASE("The kernel gets the very message header that was judged") {
  Loopback allowed(kUdp);
  Loopback denied(kUdp);
  Gated gated({allowed.number()});
  CHECK(gated.Run("race_sendmsg", {"127.0.0.1", allowed.port(), "127.0.0.1", denied.port(), "5000"})
            .out == "sent: some\ndenied: some\n");
  CHECK(denied.Arrived() == 0);
  CHECK(allowed.Arrived() > 0);
}

}  // namespace
}  // namespace namegate::testing
