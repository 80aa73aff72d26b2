// Segments that Apache Kafka wrote (tests/golden/batches), read by us, against what its own reader printed of them.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

namespace fs = std::filesystem;

const fs::path kGoldens = fs::path(MOLDAU_SOURCE_DIR) / "tests/golden/batches";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string hex(const std::optional<Bytes>& bytes) {
  if (!bytes) {
    return "null";
  }
  std::string text = "\"";
  for (const std::byte byte : *bytes) {
    text += "0123456789abcdef"[static_cast<int>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<int>(byte) & 15];
  }
  return text + "\"";
}

std::string describe(const BatchHeader& header, std::size_t position) {
  const auto number = [](auto value) { return std::to_string(value); };
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  return "{\"batch\":" + number(header.base_offset.value()) + ",\"position\":" + number(position) +
         ",\"sizeInBytes\":" + number(header.size_bytes()) +
         ",\"partitionLeaderEpoch\":" + number(header.leader_epoch.value()) +
         ",\"magic\":2,\"crc\":" + number(header.crc) + ",\"compression\":\"" + std::string(name(*header.codec())) +
         "\",\"timestampType\":\"" +
         (header.timestamp_type() == TimestampType::kLogAppendTime ? "LogAppendTime" : "CreateTime") +
         "\",\"transactional\":" + flag(header.is_transactional()) + ",\"control\":" + flag(header.is_control()) +
         ",\"lastOffset\":" + number(header.last_offset().value()) +
         ",\"maxTimestamp\":" + number(header.max_timestamp) + ",\"producerId\":" + number(header.producer_id.value()) +
         ",\"producerEpoch\":" + number(header.producer_epoch.value()) +
         ",\"baseSequence\":" + number(header.base_sequence) + ",\"count\":" + number(header.record_count) + "}\n";
}

std::string describe(const BatchHeader& header, const RecordView& record) {
  const std::int32_t sequence =
      header.base_sequence == kNoSequence ? kNoSequence : increment_sequence(header.base_sequence, record.offset_delta);
  std::string text = "{\"offset\":" + std::to_string(header.offset_at(record.offset_delta).value()) +
                     ",\"timestamp\":" + std::to_string(header.timestamp_at(record.timestamp_delta)) +
                     ",\"sequence\":" + std::to_string(sequence) + ",\"key\":" + hex(record.key) +
                     ",\"value\":" + hex(record.value) + ",\"headers\":[";
  HeaderIterator headers = record.headers();
  for (bool first = true; const auto header_view = headers.next(); first = false) {
    text +=
        std::string(first ? "" : ",") + "[\"" + std::string(header_view->key) + "\"," + hex(header_view->value) + "]";
  }
  return text + "]}\n";
}

std::string describe_segment(Bytes segment, Scratch& scratch) {
  std::string text;
  BatchIterator batches(segment);
  for (std::size_t position = 0;; position = batches.position()) {
    const auto batch = batches.next();
    if (!batch) {
      return text + batch.error().message();
    }
    if (!*batch) {
      return text;
    }
    EXPECT_TRUE((*batch)->crc_matches()) << position;
    text += describe((*batch)->header, position);
    RecordWalker walker(**batch, scratch, testing::kBytesMax);
    while (const RecordView* record = walker.next()) {
      text += describe((*batch)->header, *record);
    }
    EXPECT_TRUE(walker.ok()) << position << " " << walker.error().message();
  }
}

TEST(KafkaBatches, ReadAsKafkaReadsThem) {
  Scratch scratch;
  int segments = 0;
  for (const auto& entry : fs::directory_iterator(kGoldens)) {
    if (entry.path().extension() != ".log") {
      continue;
    }
    SCOPED_TRACE(entry.path().filename());
    const std::string segment = read_file(entry.path());
    EXPECT_EQ(describe_segment(as_bytes(segment), scratch),
              read_file(fs::path(entry.path()).replace_extension("jsonl")));
    ++segments;
  }
  EXPECT_GE(segments, 5);
}

TEST(KafkaBatches, WouldBeAcceptedAgainUnchanged) {
  Scratch scratch;
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    SCOPED_TRACE(codec);
    const std::string segment = read_file(kGoldens / (std::string(codec) + ".log"));
    BatchIterator batches(as_bytes(segment));
    for (;;) {
      const auto batch = batches.next();
      ASSERT_TRUE(batch);
      if (!*batch) {
        break;
      }
      ByteVector bytes = to_vector((*batch)->bytes);
      assign_offsets(bytes, Offset(0), kNoLeaderEpoch);
      const ByteVector sent = bytes;
      const auto accepted = validate_produced(bytes, {.now_ms = (*batch)->header.max_timestamp}, scratch);
      ASSERT_TRUE(accepted) << accepted.error().message;
      EXPECT_EQ(bytes, sent);
    }
  }
}

}  // namespace
}  // namespace moldau::record
