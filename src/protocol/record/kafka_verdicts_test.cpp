// Produced bytes that Apache Kafka 4.3.1 judged (tests/golden/produce_verdicts), judged by us: the same code, the same
// refused records, the same stored bytes.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

ByteVector from_hex(const std::string& text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(text[i]) * 16 + digit(text[i + 1])));
  }
  return bytes;
}

std::string indexes_of(const Rejection& rejection) {
  std::string text;
  for (const RecordError& error : rejection.record_errors) {
    text += (text.empty() ? "" : ",") + std::to_string(error.index);
  }
  return text.empty() ? "-" : text;
}

// What rebuilt.txt tells of a stored batch: the header without length and CRC, and the plain records.
ByteVector without_codec(const ValidatedBatch& batch) {
  const Bytes bytes = batch.bytes;
  ByteVector told = to_vector(bytes.first(kLengthAt));
  for (const Bytes part : {bytes.subspan(kLeaderEpochAt, 5), bytes.subspan(kAttributesAt, 40)}) {
    told.insert(told.end(), part.begin(), part.end());
  }
  ByteVector plain;
  EXPECT_TRUE(decompress(*batch.header.codec(), bytes.subspan(kBatchHeaderBytes), plain, testing::kBytesMax));
  told.insert(told.end(), plain.begin(), plain.end());
  return told;
}

TEST(KafkaVerdicts, UnderAnotherCodecAreOurs) {
  std::ifstream file(std::string(MOLDAU_SOURCE_DIR) + "/tests/golden/produce_verdicts/rebuilt.txt");
  Scratch scratch;
  int cases = 0;
  int stored_cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    SCOPED_TRACE("line " + std::to_string(cases + 1));
    std::istringstream fields(line);
    ValidationRules rules;
    int version = 0;
    int appends_time = 0;
    int code = 0;
    std::string sent;
    std::string codec;
    TargetCompression target;
    std::string indexes;
    std::string stored;
    fields >> version >> rules.now_ms >> rules.compacted >> appends_time >> rules.timestamp_before_max_ms >>
        rules.timestamp_after_max_ms >> rules.batch_bytes_max >> rules.segment_bytes >> sent >> codec >> target.level >>
        code >> indexes >> stored;
    ASSERT_TRUE(fields);
    target.codec = codec == "uncompressed" ? Codec::kNone : codec_from_name(codec).value();
    rules.compression = target;
    rules.zstd_allowed = version >= 7;
    rules.timestamp_type = static_cast<TimestampType>(appends_time);
    ByteVector bytes = from_hex(sent);
    const auto result = validate_produced(bytes, rules, scratch);
    if (result) {
      ++stored_cases;
      EXPECT_EQ(code, 0);
      EXPECT_TRUE(equal(without_codec(*result), from_hex(stored)));
    } else {
      EXPECT_EQ(static_cast<int>(result.error().code), code) << result.error().message;
      EXPECT_EQ(indexes_of(result.error()), indexes);
    }
  }
  EXPECT_GT(cases, 800);
  EXPECT_GT(stored_cases, 150);
}

TEST(KafkaVerdicts, AreOurs) {
  std::ifstream file(std::string(MOLDAU_SOURCE_DIR) + "/tests/golden/produce_verdicts/verdicts.txt");
  Scratch scratch;
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    SCOPED_TRACE("line " + std::to_string(cases + 1));
    std::istringstream fields(line);
    ValidationRules rules;
    int version = 0;
    int appends_time = 0;
    int code = 0;
    std::string sent;
    std::string indexes;
    std::string stored;
    fields >> version >> rules.now_ms >> rules.compacted >> appends_time >> rules.timestamp_before_max_ms >>
        rules.timestamp_after_max_ms >> rules.batch_bytes_max >> rules.segment_bytes >> sent >> code >> indexes >>
        stored;
    ASSERT_TRUE(fields);
    rules.zstd_allowed = version >= 7;
    rules.timestamp_type = static_cast<TimestampType>(appends_time);
    ByteVector bytes = from_hex(sent);
    const auto result = validate_produced(bytes, rules, scratch);
    if (result) {
      EXPECT_EQ(code, 0);
      EXPECT_TRUE(equal(result->bytes, from_hex(stored == "=" ? sent : stored)));
    } else {
      EXPECT_EQ(static_cast<int>(result.error().code), code) << result.error().message;
      EXPECT_EQ(indexes_of(result.error()), indexes);
    }
  }
  EXPECT_GT(cases, 300);
}

}  // namespace
}  // namespace moldau::record
