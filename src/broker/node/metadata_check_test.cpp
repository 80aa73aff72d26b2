#include "broker/node/metadata_check.h"

#include <gtest/gtest.h>

#include "metadata/controller/bootstrap.h"
#include "protocol/record/batch_builder.h"
#include "storage/testing/memory_fs.h"

namespace moldau::broker {
namespace {

constexpr const char* kLog = "/data/__cluster_metadata-0/00000000000000000000.log";
constexpr std::size_t kMagicAt = 16;

// A batch of one record of type 30000, which nobody has.
ByteVector unknown_record() {
  record::BatchBuilder builder({.leader_epoch = LeaderEpoch(1)});
  const std::byte value[] = {std::byte{1}, std::byte{0xB0}, std::byte{0xEA}, std::byte{1}, std::byte{0}, std::byte{0}};
  builder.append({.timestamp = 1, .key = std::nullopt, .value = Bytes(value)});
  return *builder.build();
}

std::optional<std::string> judge(ByteVector log) {
  storage::testing::MemoryFileSystem fs;
  EXPECT_TRUE(fs.make_dirs("/data/__cluster_metadata-0"));
  fs.put(kLog, std::move(log));
  return refuse_metadata(fs, "/data", metadata::bootstrap_records());
}

TEST(MetadataCheck, AWholeBatchWithARecordOfALaterReleaseIsRefused) {
  const auto refused = judge(unknown_record());
  ASSERT_TRUE(refused.has_value());
  EXPECT_NE(refused->find("a later release wrote this"), std::string::npos) << *refused;
}

// Recovery cuts them; nothing of them says who wrote it.
TEST(MetadataCheck, WhatAPowerCutLeftOfABatchIsNotOfALaterRelease) {
  ByteVector zeroed = unknown_record();
  zeroed[kMagicAt] = std::byte{0};
  EXPECT_EQ(judge(zeroed), std::nullopt);
  ByteVector torn = unknown_record();
  torn.back() ^= std::byte{1};
  EXPECT_EQ(judge(torn), std::nullopt);
}

}  // namespace
}  // namespace moldau::broker
