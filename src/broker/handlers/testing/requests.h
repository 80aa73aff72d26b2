// For tests: requests of one topic, with the fields that tests vary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/produce_request.h"
#include "protocol/record/testing/batches.h"

namespace moldau::broker::testing {

inline ByteVector batch_of(int records, std::size_t value_bytes = 10, const record::BatchOptions& options = {}) {
  std::vector<record::testing::PlainRecord> plain;
  for (int i = 0; i < records; ++i) {
    plain.push_back({.timestamp = 1'000 + i, .value = std::string(value_bytes, 'v')});
  }
  return record::testing::build(plain, options);
}

// `batch` is viewed until the request was sent.
inline protocol::ProduceRequest produce_to(std::string_view topic, const ByteVector& batch, std::int16_t acks,
                                           std::int32_t partition = 0, std::int32_t timeout_ms = 30'000) {
  protocol::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = timeout_ms;
  auto& data = request.topic_data.emplace_back();
  data.name = topic;
  data.partition_data.push_back({.index = partition, .records = wire::Records(batch)});
  return request;
}

struct FetchTermsOfTest {
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 1;
  std::int32_t max_bytes = 1 << 20;
  std::int32_t partition_max_bytes = 1 << 20;
  std::int32_t session_id = 0;
  std::int32_t session_epoch = -1;
};

inline protocol::FetchRequest fetch_with(const FetchTermsOfTest& terms) {
  protocol::FetchRequest request;
  request.max_wait_ms = terms.max_wait_ms;
  request.min_bytes = terms.min_bytes;
  request.max_bytes = terms.max_bytes;
  request.session_id = terms.session_id;
  request.session_epoch = terms.session_epoch;
  return request;
}

// From each offset, of partitions 0, 1, …
inline protocol::FetchRequest fetch_from(std::string_view topic, const std::vector<std::int64_t>& offsets,
                                         const FetchTermsOfTest& terms = {}) {
  protocol::FetchRequest request = fetch_with(terms);
  auto& asked = request.topics.emplace_back();
  asked.topic = topic;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    asked.partitions.push_back({.partition = static_cast<std::int32_t>(i),
                                .fetch_offset = offsets[i],
                                .partition_max_bytes = terms.partition_max_bytes});
  }
  return request;
}

}  // namespace moldau::broker::testing
