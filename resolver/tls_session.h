#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/upstream_address.h"

namespace namegate::resolver {

// OpenSSL's side of one TLS connection, without a socket: octets from the network go in, octets for
// the network come out, and plaintext the same (ssl(7), "memory BIO").
class TlsSession {
 public:
  // What the connections to an upstream share: the authorities that certificates are checked
  // against, the system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name. Reading them takes
  // milliseconds.
  using Context = std::shared_ptr<SSL_CTX>;
  static Result<Context> MakeContext();

  // A client that checks that the server's certificate is the upstream's. Nothing is read or sent
  // before the first Advance().
  static Result<TlsSession> Connect(const Context& context, const UpstreamAddress& upstream);

  // Octets that came from the network.
  void Received(std::string_view ciphertext);
  // Goes on with the handshake, or does nothing if that is over. False: it failed, see trouble().
  bool Advance();
  bool established() const;
  // Encrypts; only when established.
  bool Write(std::string_view plaintext);
  // Appends what has been decrypted. False: the peer closed, or broke the protocol.
  bool Read(std::string* plaintext);
  // Takes what must be sent.
  std::string TakeOutput();
  // Why the handshake failed, for a person.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  TlsSession() = default;

  std::unique_ptr<SSL, Free> ssl_;
  std::string trouble_;
};

}  // namespace namegate::resolver
