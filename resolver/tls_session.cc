#include "resolver/tls_session.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

namespace namegate::resolver {
namespace {

// RFC 7858's registered protocol name, with its length in front.
constexpr std::array<unsigned char, 4> kAlpn = {3, 'd', 'o', 't'};

std::string LastError() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// What the certificate must be for. Without a name it must be for the address itself.
bool ExpectPeer(SSL* ssl, const UpstreamAddress& upstream) {
  if (upstream.tls_name.empty()) {
    X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
    const std::string address = upstream.endpoint.address.ToText();
    return X509_VERIFY_PARAM_set1_ip_asc(expected, address.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // What the macro SSL_set_tlsext_host_name() does, without its C casts.
  std::string name = upstream.tls_name;
  return SSL_set1_host(ssl, name.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

}  // namespace

Result<TlsSession::Context> TlsSession::MakeContext() {
  Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return Error{"prepare TLS: " + LastError()};
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Result<TlsSession> TlsSession::Connect(const Context& context, const UpstreamAddress& upstream) {
  TlsSession session;
  session.ssl_.reset(SSL_new(context.get()));
  SSL* ssl = session.ssl_.get();
  if (ssl == nullptr || !ExpectPeer(ssl, upstream) ||
      SSL_set_alpn_protos(ssl, kAlpn.data(), kAlpn.size()) != 0) {
    return Error{"prepare TLS: " + LastError()};
  }
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (in == nullptr || out == nullptr) return Error{"prepare TLS: out of memory"};
  SSL_set_bio(ssl, in, out);  // which owns them from here on
  SSL_set_connect_state(ssl);
  return session;
}

void TlsSession::Received(std::string_view ciphertext) {
  BIO_write(SSL_get_rbio(ssl_.get()), ciphertext.data(), static_cast<int>(ciphertext.size()));
}

bool TlsSession::established() const { return SSL_is_init_finished(ssl_.get()) == 1; }

bool TlsSession::Advance() {
  if (established()) return true;
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return true;
  const int why = SSL_get_error(ssl_.get(), done);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return true;
  const long verified = SSL_get_verify_result(ssl_.get());
  trouble_ = verified == X509_V_OK ? LastError()
                                   : std::string("its certificate is not accepted: ") +
                                         X509_verify_cert_error_string(verified);
  return false;
}

bool TlsSession::Write(std::string_view plaintext) {
  ERR_clear_error();
  return SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size())) ==
         static_cast<int>(plaintext.size());
}

bool TlsSession::Read(std::string* plaintext) {
  std::array<char, 4096> buffer;
  while (true) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      plaintext->append(buffer.data(), static_cast<size_t>(got));
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), got);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
  }
}

std::string TlsSession::TakeOutput() {
  BIO* out = SSL_get_wbio(ssl_.get());
  std::string bytes(BIO_ctrl_pending(out), '\0');
  if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace namegate::resolver
