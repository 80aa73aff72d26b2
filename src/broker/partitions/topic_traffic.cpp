#include "broker/partitions/topic_traffic.h"

namespace moldau::broker {

using protocol::ErrorCode;

Traffic& Traffic::operator+=(const Traffic& other) noexcept {
  messages_in += other.messages_in;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  bytes_rejected += other.bytes_rejected;
  produce_requests += other.produce_requests;
  produce_failures += other.produce_failures;
  fetch_requests += other.fetch_requests;
  fetch_failures += other.fetch_failures;
  invalid_magic += other.invalid_magic;
  invalid_crc += other.invalid_crc;
  invalid_offset_or_sequence += other.invalid_offset_or_sequence;
  no_key += other.no_key;
  return *this;
}

// What a client does wrong, or finds out about who leads, is no failure in Kafka's count.
void TopicTraffic::on_append_refused(const Uuid& topic, ErrorCode error, std::uint64_t bytes,
                                     record::RejectionCause cause) {
  Traffic& traffic = topics_[topic];
  ++traffic.produce_requests;
  switch (error) {
    case ErrorCode::kMessageTooLarge: traffic.bytes_rejected += bytes; break;
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kKafkaStorageError: break;
    default: ++traffic.produce_failures; break;
  }
  switch (cause) {
    case record::RejectionCause::kInvalidMagic: ++traffic.invalid_magic; break;
    case record::RejectionCause::kInvalidCrc: ++traffic.invalid_crc; break;
    case record::RejectionCause::kInvalidOffsetOrSequence: ++traffic.invalid_offset_or_sequence; break;
    case record::RejectionCause::kNoKey: ++traffic.no_key; break;
    case record::RejectionCause::kOther: break;
  }
}

void TopicTraffic::on_read(const Uuid& topic, ErrorCode error) {
  Traffic& traffic = topics_[topic];
  ++traffic.fetch_requests;
  switch (error) {
    case ErrorCode::kNone:
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kUnknownLeaderEpoch:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kReplicaNotAvailable:
    case ErrorCode::kKafkaStorageError:
    case ErrorCode::kInconsistentTopicId:
    case ErrorCode::kOffsetOutOfRange: break;
    default: ++traffic.fetch_failures; break;
  }
}

void TopicTraffic::on_topic_deleted(const Uuid& topic) {
  if (const auto found = topics_.find(topic); found != topics_.end()) {
    deleted_ += found->second;
    topics_.erase(found);
  }
}

}  // namespace moldau::broker
