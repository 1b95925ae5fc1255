#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace namegate {

// Unpredictable numbers from the kernel (getrandom(2)). Aborts if the kernel gives none: guessable
// query IDs and socket names would be a silent weakness.
uint32_t RandomU32();

// `bytes` random bytes as lower-case hexadecimal.
std::string RandomHex(size_t bytes);

}  // namespace namegate
