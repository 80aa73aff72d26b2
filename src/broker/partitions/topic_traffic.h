// What was written to and read from the topics that one shard works on.
//
// Shard:  one per shard, in its PartitionRouter: what is appended counts on the partition's shard, what a fetch takes
//         away on its connection's.
// Bound:  one entry per topic that was used here and is in the metadata.
// Source: Kafka's BrokerTopicMetrics.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/ids.h"
#include "base/uuid.h"
#include "metadata/image/image.h"
#include "protocol/errors/error_code.h"
#include "protocol/record/validate.h"

namespace moldau::broker {

struct Traffic {
  std::uint64_t messages_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_rejected = 0;    // of batches above max.message.bytes
  std::uint64_t produce_requests = 0;  // each partition of a request
  std::uint64_t produce_failures = 0;
  std::uint64_t fetch_requests = 0;  // each read of a partition
  std::uint64_t fetch_failures = 0;
  std::uint64_t invalid_magic = 0;
  std::uint64_t invalid_crc = 0;
  std::uint64_t invalid_offset_or_sequence = 0;
  std::uint64_t no_key = 0;

  Traffic& operator+=(const Traffic& other) noexcept;
};

class TopicTraffic {
 public:
  void on_appended(const Uuid& topic, std::uint64_t messages, std::uint64_t bytes) {
    Traffic& traffic = topics_[topic];
    ++traffic.produce_requests;
    traffic.messages_in += messages;
    traffic.bytes_in += bytes;
  }
  void on_append_refused(const Uuid& topic, protocol::ErrorCode error, std::uint64_t bytes,
                         record::RejectionCause cause = record::RejectionCause::kOther);
  void on_read(const Uuid& topic, protocol::ErrorCode error);
  void on_fetched(const Uuid& topic, std::uint64_t bytes) { topics_[topic].bytes_out += bytes; }

  // Forgets topics that are gone, but for their part of the total.
  void on_topic_deleted(const Uuid& topic);

  [[nodiscard]] const std::unordered_map<Uuid, Traffic>& topics() const noexcept { return topics_; }
  [[nodiscard]] const Traffic& of_deleted() const noexcept { return deleted_; }

 private:
  std::unordered_map<Uuid, Traffic> topics_;
  Traffic deleted_;
};

}  // namespace moldau::broker
