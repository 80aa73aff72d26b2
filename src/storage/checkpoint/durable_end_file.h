// moldau.durable-ends: up to where each log is known to be on the disk, more often than Kafka's recovery point.
//
// Recovery fences a damaged batch below a durable end (acknowledged data would be lost by cutting there) and cuts at
// the first bad batch above it. An entry counts only for the directory whose partition.metadata has its topic id, and
// only if its broker epoch is the newest registration of this node: otherwise another process (Apache Kafka, a restored
// copy) has had the directory since, and the recovery point is the bound.
//
// A process that has registered and has not yet written durable ends of its own must not void those it found, or its
// crash would. So before it registers it notes its incarnation in moldau.durable-end-heirs, with the broker epoch of
// the entries that counted then; they count while the newest registration is that incarnation's.
//
// Form:       the shared text form, version 1; an entry is
//               topic partition topic-id broker-epoch durable-end crc32c-of-the-five-fields-as-8-hex-digits
//             Every partition has one that any checkpoint says something of, so that its name has a topic id there.
//             End 0: the topic keeps no durable ends.
//             An heir is: incarnation-id broker-epoch crc32c-of-the-two-fields
// Errors:     kCorrupt (with the line; a wrong checksum too), kTruncated, kTooLarge, kIo. A missing file is empty.
// Durability: replaced atomically each second, at a roll and at a stop; durable when the write returns. Blocks.
// Source:     ours; Apache Kafka ignores files it does not know in a log directory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "runtime/fs.h"

namespace moldau::storage {

inline constexpr const char* kDurableEndFile = "moldau.durable-ends";
inline constexpr const char* kDurableEndHeirsFile = "moldau.durable-end-heirs";
inline constexpr std::uint64_t kHeirsBytesMax = 1 << 16;

struct DurableEnd {
  Uuid topic_id;
  BrokerEpoch broker_epoch = kNoBrokerEpoch;
  Offset end{0};
  friend bool operator==(const DurableEnd&, const DurableEnd&) = default;
};

using DurableEnds = std::map<TopicPartition, DurableEnd>;

[[nodiscard]] Result<DurableEnds> parse_durable_ends(Bytes content);
[[nodiscard]] std::string format_durable_ends(const DurableEnds& ends);

[[nodiscard]] Result<DurableEnds> read_durable_ends(runtime::FileSystem& fs, const std::string& path);
[[nodiscard]] Result<> write_durable_ends(runtime::FileSystem& fs, const std::string& path, const DurableEnds& ends);

using DurableEndHeirs = std::map<Uuid, BrokerEpoch>;  // by incarnation

[[nodiscard]] Result<DurableEndHeirs> parse_durable_end_heirs(Bytes content);
[[nodiscard]] std::string format_durable_end_heirs(const DurableEndHeirs& heirs);
[[nodiscard]] Result<DurableEndHeirs> read_durable_end_heirs(runtime::FileSystem& fs, const std::string& path);
[[nodiscard]] Result<> write_durable_end_heirs(runtime::FileSystem& fs, const std::string& path,
                                               const DurableEndHeirs& heirs);

// The broker epoch whose entries count when the newest registration of this node is `newest`, of `incarnation`.
[[nodiscard]] BrokerEpoch epoch_that_counts(const DurableEnds& ends, const DurableEndHeirs& heirs, BrokerEpoch newest,
                                            const Uuid& incarnation);

// The end that counts for a directory with this topic id when entries of `newest` count; none if it is 0.
[[nodiscard]] std::optional<Offset> trusted_durable_end(const DurableEnds& ends, const TopicPartition& partition,
                                                        const Uuid& topic_id, BrokerEpoch newest);

}  // namespace moldau::storage
