#include "metadata/records/any_metadata_record.h"

#include <gtest/gtest.h>

namespace moldau::metadata::records {
namespace {

TEST(AnyMetadataRecord, HasThe26TypesOfTheLog) {
  EXPECT_EQ(std::variant_size_v<AnyMetadataRecord>, 26U);
  EXPECT_EQ(find_metadata_record_type(2)->name, std::string_view("TopicRecord"));
  EXPECT_EQ(find_metadata_record_type(0)->max_version, 4);
  EXPECT_EQ(find_metadata_record_type(999), nullptr);
}

TEST(AnyMetadataRecord, FramesTypeAndVersionAsVarints) {
  TopicRecord topic;
  topic.name = "t";
  topic.topic_id = Uuid{1, 2};
  wire::Writer writer;
  encode_metadata_record(topic, 0, writer);
  ASSERT_GE(writer.position(), 3U);
  EXPECT_EQ(writer.bytes()[0], std::byte{1});
  EXPECT_EQ(writer.bytes()[1], std::byte{2});
  EXPECT_EQ(writer.bytes()[2], std::byte{0});
  wire::Reader reader(writer.bytes());
  const auto back = decode_metadata_record(reader);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->version, 0);
  EXPECT_EQ(std::get<TopicRecord>(back->record), topic);
  EXPECT_EQ(type_of(back->record).id, 2);
}

TEST(AnyMetadataRecord, AnEmptyArrayAndNullAreDifferentInPartitionRecords) {
  PartitionRecord partition;
  partition.eligible_leader_replicas.emplace();
  wire::Writer writer;
  encode_metadata_record(partition, 2, writer);
  wire::Reader reader(writer.bytes());
  const auto back = decode_metadata_record(reader);
  ASSERT_TRUE(back.has_value());
  const auto& read = std::get<PartitionRecord>(back->record);
  EXPECT_TRUE(read.eligible_leader_replicas.has_value());
  EXPECT_FALSE(read.last_known_elr.has_value());
}

TEST(AnyMetadataRecord, RefusesWhatItDoesNotKnow) {
  const auto decode = [](std::initializer_list<int> values) {
    ByteVector bytes;
    for (const int value : values) {
      bytes.push_back(static_cast<std::byte>(value));
    }
    wire::Reader reader(bytes);
    return decode_metadata_record(reader).error().kind();
  };
  EXPECT_EQ(decode({0, 2, 0}), ErrorKind::kUnsupported);    // frame version 0
  EXPECT_EQ(decode({1, 100, 0}), ErrorKind::kUnsupported);  // type
  EXPECT_EQ(decode({1, 2, 9}), ErrorKind::kUnsupported);    // version
  EXPECT_EQ(decode({1, 2, 0xFF, 0xFF, 0xFF, 0x7F}), ErrorKind::kUnsupported);
  EXPECT_EQ(decode({1, 2}), ErrorKind::kTruncated);
  EXPECT_EQ(decode({1, 2, 0, 2, 't'}), ErrorKind::kTruncated);
  EXPECT_EQ(decode({1, 20, 0, 0, 7}), ErrorKind::kCorrupt);  // NoOpRecord with a byte after it
}

}  // namespace
}  // namespace moldau::metadata::records
