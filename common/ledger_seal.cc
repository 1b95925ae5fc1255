#include "common/ledger_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/network_order.h"
#include "common/unique_fd.h"

namespace namegate {
namespace {

constexpr size_t kMinKeyOctets = 16;
constexpr size_t kMaxKeyOctets = 4096;

// A value with its type in front and, where it varies, its length: two rows are never the same
// octets.
void AppendColumn(std::string& out, const Statement& statement, int column) {
  const int type = statement.column_type(column);
  out += static_cast<char>(type);
  if (type == SQLITE_NULL) return;
  if (type == SQLITE_INTEGER) {
    return AppendU64(out, static_cast<uint64_t>(statement.integer(column)));
  }
  const std::string_view text = statement.text(column);
  AppendU32(out, static_cast<uint32_t>(text.size()));
  out += text;
}

std::string_view AsText(const SealDigest& digest, size_t octets = sizeof(SealDigest)) {
  return {reinterpret_cast<const char*>(digest.data()), octets};
}

// Whoever owns the directory could put another file there anyway.
bool MayOwnKey(uid_t owner, const std::string& path) {
  if (owner == geteuid() || owner == 0) return true;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  struct stat status {};
  return stat(directory.empty() ? "." : directory.c_str(), &status) == 0 && status.st_uid == owner;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<std::optional<SealKey>> SealKey::FromFile(const std::string& path) {
  const auto error = [&](const std::string& why) {
    return Error{"read the ledger's key '" + path + "': " + why};
  };
  // A pipe would have the caller wait for whoever writes to it.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::optional<SealKey>();
  if (!file) return error(std::strerror(errno));
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return error(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return error("not a file");
  if ((status.st_mode & 0077) != 0) {
    return error("others may read or change it; run chmod 600 on it, or make a new one");
  }
  if (!MayOwnKey(status.st_uid, path)) {
    return error("it belongs to another user, who could forge seals; chown it, or make a new one");
  }
  std::string bytes(kMaxKeyOctets + 1, '\0');
  const ssize_t length = read(file.get(), bytes.data(), bytes.size());
  if (length < 0) return error(std::strerror(errno));
  bytes.resize(static_cast<size_t>(length));
  if (bytes.size() < kMinKeyOctets || bytes.size() > kMaxKeyOctets) {
    return error("a key has 16 to 4096 octets; make one with: head -c 32 /dev/urandom");
  }
  return std::optional<SealKey>(SealKey(std::move(bytes)));
}

SealDigest RowDigest(size_t table, const Statement& statement) {
  thread_local std::string bytes;
  bytes.assign(1, static_cast<char>(table));
  const int columns = statement.column_count();
  for (int column = 0; column < columns; ++column) AppendColumn(bytes, statement, column);
  return Sha256(bytes);
}

void SealedGroup::BeginTable(size_t table, int64_t mark) {
  bytes_ += static_cast<char>(table);
  AppendU64(bytes_, static_cast<uint64_t>(mark));
  count_at_ = checks_.size();
  AppendU32(checks_, 0);
}

void SealedGroup::Add(const SealDigest& row) {
  bytes_ += AsText(row);
  checks_ += AsText(row, kCheckOctets);
  WriteU32(OctetsOf(checks_), count_at_,
           static_cast<uint32_t>((checks_.size() - count_at_ - 4) / kCheckOctets));
}

SealDigest SealedGroup::Digest(const SealDigest& previous, int64_t seal_id, int64_t time_us,
                               const SealKey* key) const {
  std::string bytes(AsText(previous));
  AppendU64(bytes, static_cast<uint64_t>(seal_id));
  AppendU64(bytes, static_cast<uint64_t>(time_us));
  bytes += key != nullptr ? '\1' : '\0';
  bytes += bytes_;
  return key != nullptr ? HmacSha256(key->bytes(), bytes) : Sha256(bytes);
}

std::string SealText(const SealDigest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t octet : digest) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

std::optional<SealDigest> SealFromText(std::string_view text) {
  SealDigest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); ++i) {
    const int high = HexValue(text[2 * i]);
    const int low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return digest;
}

SealDigest SealFromBlob(std::string_view octets) {
  SealDigest digest{};
  std::copy_n(octets.begin(), std::min(octets.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace namegate
