// Where the fields of a record batch (magic 2) lie, and the bits of its attributes.
// Source: Kafka's record batch format, KIP-98, KIP-534 (delete horizon).
#pragma once

#include <cstddef>
#include <cstdint>

namespace moldau::record {

inline constexpr std::size_t kBaseOffsetAt = 0;
inline constexpr std::size_t kLengthAt = 8;  // of what follows the length itself
inline constexpr std::size_t kLeaderEpochAt = 12;
inline constexpr std::size_t kMagicAt = 16;
inline constexpr std::size_t kCrcAt = 17;
inline constexpr std::size_t kAttributesAt = 21;  // the CRC covers from here to the end
inline constexpr std::size_t kLastOffsetDeltaAt = 23;
inline constexpr std::size_t kBaseTimestampAt = 27;
inline constexpr std::size_t kMaxTimestampAt = 35;
inline constexpr std::size_t kProducerIdAt = 43;
inline constexpr std::size_t kProducerEpochAt = 51;
inline constexpr std::size_t kBaseSequenceAt = 53;
inline constexpr std::size_t kRecordCountAt = 57;

inline constexpr std::size_t kBatchHeaderBytes = 61;
inline constexpr std::size_t kLogOverheadBytes = 12;  // base offset and length: every magic begins with them
inline constexpr std::size_t kBytesUpToMagic = 17;    // what one must hold to know the magic
inline constexpr std::int32_t kLengthMin = 14;        // of a magic 0 message, the smallest there is
inline constexpr std::int8_t kMagic2 = 2;

inline constexpr std::uint16_t kCodecMask = 0x07;
inline constexpr std::uint16_t kLogAppendTimeBit = 0x08;
inline constexpr std::uint16_t kTransactionalBit = 0x10;
inline constexpr std::uint16_t kControlBit = 0x20;
inline constexpr std::uint16_t kDeleteHorizonBit = 0x40;
inline constexpr std::uint16_t kKnownAttributeBits = 0x7f;

}  // namespace moldau::record
