// xxHash, 32 bits, seed 0: the checksum of the LZ4 frame format.
// Source: the xxHash specification (Yann Collet). Internal to protocol/record.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace moldau::record {

[[nodiscard]] std::uint32_t xxhash32(Bytes bytes) noexcept;

}  // namespace moldau::record
