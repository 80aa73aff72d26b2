#include <chrono>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/image/delta.h"
#include "metadata/image/testing/list_sink.h"
#include "metadata/image/testing/record_generator.h"

namespace moldau::metadata {
namespace {

using records::AnyMetadataRecord;
using records::MetadataRecordAndVersion;
using testing::ListSink;

std::shared_ptr<const Image> load(const std::vector<MetadataRecordAndVersion>& snapshot, Offset offset) {
  Delta delta(std::make_shared<const Image>());
  for (const auto& [record, version] : snapshot) {
    EXPECT_TRUE(delta.replay(record, offset));
  }
  return delta.apply({offset, LeaderEpoch(1), 0});
}

std::shared_ptr<const Image> after(const std::shared_ptr<const Image>& base, const AnyMetadataRecord& record,
                                   Offset offset) {
  Delta delta(base);
  const auto replayed = delta.replay(record, offset);
  EXPECT_TRUE(replayed) << replayed.error().message();
  return delta.apply({offset, LeaderEpoch(1), 0});
}

// Through the bytes of the snapshot as well.
std::vector<MetadataRecordAndVersion> through_bytes(const std::vector<MetadataRecordAndVersion>& list) {
  std::vector<MetadataRecordAndVersion> decoded;
  for (const auto& [record, version] : list) {
    wire::Writer writer;
    records::encode_metadata_record(record, version, writer);
    const ByteVector bytes = std::move(writer).take();
    wire::Reader reader{Bytes(bytes)};
    auto back = records::decode_metadata_record(reader);
    EXPECT_TRUE(back) << back.error().message();
    decoded.push_back(*std::move(back));
  }
  return decoded;
}

// P11 of testing.md.
TEST(ImageProperty, ReplayOfTheLogEqualsSnapshotPlusReplayOfTheTailAtEachOffset) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    testing::RecordGenerator generator(seed);
    std::vector<AnyMetadataRecord> log;
    std::vector<std::shared_ptr<const Image>> at;  // after each record
    auto image = std::make_shared<const Image>();
    for (int i = 0; i < 250; ++i) {
      log.push_back(generator.next());
      image = after(image, log.back(), Offset(i));
      at.push_back(image);
    }
    image->check_invariants();
    for (std::size_t cut = 0; cut < log.size(); cut += 7) {
      at[cut]->check_invariants();
      ListSink sink;
      at[cut]->write(sink);
      auto restored = load(through_bytes(sink.list), Offset(static_cast<std::int64_t>(cut)));
      ASSERT_TRUE(*restored == *at[cut]) << "seed " << seed << " offset " << cut;
      EXPECT_TRUE(difference(*restored, *at[cut]).empty());
      Delta tail(restored);
      for (std::size_t i = cut + 1; i < log.size(); ++i) {
        ASSERT_TRUE(tail.replay(log[i], Offset(static_cast<std::int64_t>(i))));
      }
      auto end = tail.apply({Offset(static_cast<std::int64_t>(log.size() - 1)), LeaderEpoch(1), 0});
      ASSERT_TRUE(*end == *image) << "seed " << seed << " offset " << cut;
      end->check_invariants();
    }
  }
}

TEST(ImageProperty, OneDeltaOfManyRecordsEqualsOneDeltaEach) {
  for (std::uint64_t seed = 100; seed <= 120; ++seed) {
    testing::RecordGenerator generator(seed);
    auto stepwise = std::make_shared<const Image>();
    Delta at_once(stepwise);
    for (int i = 0; i < 300; ++i) {
      const auto record = generator.next();
      ASSERT_TRUE(at_once.replay(record, Offset(i)));
      stepwise = after(stepwise, record, Offset(i));
    }
    const auto image = at_once.apply({});
    EXPECT_TRUE(*image == *stepwise) << seed;
    image->check_invariants();
  }
}

TEST(ImageProperty, ChangesNameWhatDiffers) {
  for (std::uint64_t seed = 200; seed <= 210; ++seed) {
    testing::RecordGenerator generator(seed);
    auto image = std::make_shared<const Image>();
    for (int round = 0; round < 20; ++round) {
      Delta delta(image);
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(delta.replay(generator.next(), Offset(round * 20 + i)));
      }
      const ImageChanges told = delta.changes();
      const auto next = delta.apply({});
      const ImageChanges found = difference(*image, *next);
      for (const auto& [id, partitions] : found.topics) {
        ASSERT_TRUE(told.topics.contains(id));
        for (const PartitionIndex index : partitions) {
          EXPECT_TRUE(told.topics.at(id).contains(index));
        }
      }
      EXPECT_EQ(told.deleted_topics, found.deleted_topics);
      for (const NodeId id : found.brokers) {
        EXPECT_TRUE(told.brokers.contains(id));
      }
      for (const auto& resource : found.configs) {
        EXPECT_TRUE(told.configs.contains(resource));
      }
      EXPECT_TRUE(told.acls || !found.acls);
      EXPECT_TRUE(told.scram || !found.scram);
      EXPECT_TRUE(told.tokens || !found.tokens);
      EXPECT_TRUE(told.quotas || !found.quotas);
      EXPECT_TRUE(told.features || !found.features);
      image = next;
    }
  }
}

records::TopicRecord topic_record(std::string name, std::uint64_t id) {
  records::TopicRecord record;
  record.name = std::move(name);
  record.topic_id = {0x4000, id};
  return record;
}

records::PartitionRecord partition_record(std::uint64_t topic, std::int32_t index) {
  records::PartitionRecord record;
  record.topic_id = {0x4000, topic};
  record.partition_id = index;
  record.replicas = {1};
  record.isr = {1};
  record.leader = 1;
  record.leader_epoch = 0;
  record.partition_epoch = 0;
  record.directories = {Uuid{7, 7}};
  return record;
}

TEST(Image, PublishedImagesKeepWhatTheySaid) {
  auto first = after(std::make_shared<const Image>(), topic_record("a", 1), Offset(0));
  first = after(first, partition_record(1, 0), Offset(1));
  records::PartitionChangeRecord change;
  change.topic_id = {0x4000, 1};
  change.partition_id = 0;
  change.leader = -1;
  change.isr.emplace();
  const auto second = after(first, change, Offset(2));
  EXPECT_EQ(first->topic("a")->partition(PartitionIndex(0))->leader, NodeId(1));
  EXPECT_EQ(second->topic("a")->partition(PartitionIndex(0))->leader, kNoNode);
  EXPECT_EQ(second->topic("a")->partition(PartitionIndex(0))->leader_epoch, LeaderEpoch(1));
  EXPECT_EQ(second->topic("a")->partition(PartitionIndex(0))->partition_epoch, 1);
  records::RemoveTopicRecord remove;
  remove.topic_id = {0x4000, 1};
  const auto third = after(second, remove, Offset(3));
  EXPECT_EQ(third->topic("a"), nullptr);
  EXPECT_EQ(third->partition_count(), 0U);
  EXPECT_NE(second->topic("a"), nullptr);
}

TEST(Image, RemovingATopicRemovesItsConfig) {
  auto image = after(std::make_shared<const Image>(), topic_record("a.b", 1), Offset(0));
  records::ConfigRecord config;
  config.resource_type = 2;
  config.resource_name = "a.b";
  config.name = "retention.ms";
  config.value = "1";
  image = after(image, config, Offset(1));
  EXPECT_EQ(image->config(ConfigResourceType::kTopic, "a.b").at("retention.ms"), "1");
  EXPECT_EQ(*image->colliding_topic("a_b"), "a.b");
  records::RemoveTopicRecord remove;
  remove.topic_id = {0x4000, 1};
  image = after(image, remove, Offset(2));
  EXPECT_TRUE(image->config(ConfigResourceType::kTopic, "a.b").empty());
  EXPECT_EQ(image->colliding_topic("a_b"), nullptr);
  EXPECT_TRUE(*image == Image());
}

TEST(Image, RecordsThatContradictItAreRefused) {
  const auto refused = [](const AnyMetadataRecord& record) {
    Delta delta(after(std::make_shared<const Image>(), topic_record("a", 1), Offset(0)));
    const auto result = delta.replay(record, Offset(1));
    return !result && result.error().kind() == ErrorKind::kCorrupt;
  };
  EXPECT_TRUE(refused(topic_record("a", 2)));
  EXPECT_TRUE(refused(topic_record("b", 1)));
  EXPECT_TRUE(refused(partition_record(9, 0)));
  EXPECT_TRUE(refused(partition_record(1, -1)));
  auto twice = partition_record(1, 0);
  twice.isr = {1, 1};
  EXPECT_TRUE(refused(twice));
  auto directories = partition_record(1, 0);
  directories.directories = {Uuid{1, 1}, Uuid{2, 2}};
  EXPECT_TRUE(refused(directories));
  auto state = partition_record(1, 0);
  state.leader_recovery_state = 5;
  EXPECT_TRUE(refused(state));
  records::PartitionChangeRecord change;
  change.topic_id = {0x4000, 1};
  change.partition_id = 0;
  EXPECT_TRUE(refused(change));
  records::BrokerRegistrationChangeRecord broker;
  broker.broker_id = 4;
  EXPECT_TRUE(refused(broker));
  records::RemoveAccessControlEntryRecord acl;
  EXPECT_TRUE(refused(acl));
  records::ClearElrRecord clear;
  clear.topic_name = "nobody";
  EXPECT_TRUE(refused(clear));
}

TEST(Image, FeatureLevelsOfALaterReleaseAreRefused) {
  const auto level = [](std::string name, std::int16_t value) {
    records::FeatureLevelRecord record;
    record.name = std::move(name);
    record.feature_level = value;
    Delta delta(std::make_shared<const Image>());
    const auto result = delta.replay(record, Offset(0));
    return result ? ErrorKind::kExists : result.error().kind();
  };
  EXPECT_EQ(level("metadata.version", 30), ErrorKind::kExists);
  EXPECT_EQ(level("metadata.version", 31), ErrorKind::kUnsupported);
  EXPECT_EQ(level("metadata.version", 6), ErrorKind::kUnsupported);
  EXPECT_EQ(level("transaction.version", 3), ErrorKind::kUnsupported);
  EXPECT_EQ(level("tomorrow.version", 1), ErrorKind::kUnsupported);
  EXPECT_EQ(level("tomorrow.version", 0), ErrorKind::kExists);
  EXPECT_EQ(level("kraft.version", 9), ErrorKind::kExists) << "skipped, as in Kafka";
}

TEST(Image, AChangeAmongManyPartitionsCopiesFewNodes) {
  Delta load(std::make_shared<const Image>());
  ASSERT_TRUE(load.replay(topic_record("big", 1), Offset(0)));
  constexpr int kPartitions = 100'000;
  for (int i = 0; i < kPartitions; ++i) {
    ASSERT_TRUE(load.replay(partition_record(1, i), Offset(i + 1)));
  }
  const auto big = load.apply({});
  EXPECT_EQ(big->partition_count(), static_cast<std::size_t>(kPartitions));
  records::PartitionChangeRecord change;
  change.topic_id = {0x4000, 1};
  change.partition_id = 4711;
  change.leader = 1;
  const auto next = after(big, change, Offset(kPartitions + 1));
  std::size_t shared = 0;
  auto other = next->topic("big")->partitions.begin();
  for (const auto& entry : big->topic("big")->partitions) {
    shared += entry.value == other->value ? 1 : 0;
    ++other;
  }
  EXPECT_EQ(shared, static_cast<std::size_t>(kPartitions - 1));
}

TEST(Image, SnapshotStartsWithMetadataVersionAndKeepsKafkasOrderOfSections) {
  testing::RecordGenerator generator(7);
  auto image = std::make_shared<const Image>();
  Delta delta(image);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(delta.replay(generator.next(), Offset(i)));
  }
  ListSink sink;
  delta.apply({})->write(sink);
  const std::vector<std::size_t> order{AnyMetadataRecord(records::FeatureLevelRecord{}).index(),
                                       AnyMetadataRecord(records::RegisterBrokerRecord{}).index(),
                                       AnyMetadataRecord(records::RegisterControllerRecord{}).index(),
                                       AnyMetadataRecord(records::TopicRecord{}).index(),
                                       AnyMetadataRecord(records::ConfigRecord{}).index(),
                                       AnyMetadataRecord(records::ClientQuotaRecord{}).index(),
                                       AnyMetadataRecord(records::ProducerIdsRecord{}).index(),
                                       AnyMetadataRecord(records::AccessControlEntryRecord{}).index(),
                                       AnyMetadataRecord(records::UserScramCredentialRecord{}).index(),
                                       AnyMetadataRecord(records::DelegationTokenRecord{}).index()};
  std::size_t section = 0;
  std::set<std::size_t> seen;
  for (const auto& [record, version] : sink.list) {
    if (std::holds_alternative<records::PartitionRecord>(record)) {
      EXPECT_EQ(section, 3U);
      EXPECT_EQ(version, 2);
      continue;
    }
    while (section < order.size() && order[section] != record.index()) {
      ++section;
    }
    ASSERT_LT(section, order.size()) << records::type_of(record).name;
    seen.insert(record.index());
  }
  EXPECT_EQ(seen.size(), order.size());
  const auto* first = std::get_if<records::FeatureLevelRecord>(&sink.list.front().record);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->name, "metadata.version");
}

}  // namespace
}  // namespace moldau::metadata
