#include "broker/node/topic_journal.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "metadata/records/config_record.h"
#include "metadata/records/partition_record.h"
#include "metadata/records/remove_topic_record.h"
#include "metadata/records/topic_record.h"

namespace moldau::broker {
namespace {

namespace records = metadata::records;

class Lines final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view, std::string_view text) override {
    EXPECT_EQ(level, LogLevel::kInfo);
    lines.emplace_back(text);
  }
  std::vector<std::string> lines;
};

struct TopicJournal : ::testing::Test {
  // One image out of the records; the lines that it makes.
  std::vector<std::string> lines_of(const std::vector<records::AnyMetadataRecord>& made) {
    metadata::Delta delta(image);
    for (const records::AnyMetadataRecord& record : made) {
      EXPECT_TRUE(delta.replay(record, Offset(offset++)));
    }
    const auto changes = std::make_shared<const metadata::ImageChanges>(delta.changes());
    const auto before = image;
    image = delta.apply({Offset(offset), LeaderEpoch(1), 0});
    Lines logger;
    log_topic_changes(logger, {.before = before, .after = image, .changes = changes});
    return logger.lines;
  }

  static records::TopicRecord topic() {
    records::TopicRecord record;
    record.name = "orders";
    record.topic_id = kId;
    return record;
  }
  static records::PartitionRecord partition(std::int32_t index) {
    records::PartitionRecord record;
    record.partition_id = index;
    record.topic_id = kId;
    record.replicas = {1};
    record.isr = {1};
    record.leader = 1;
    record.directories = {{0, 7}};
    return record;
  }
  static records::ConfigRecord config(std::string key, std::optional<std::string> value) {
    records::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(metadata::ConfigResourceType::kTopic);
    record.resource_name = "orders";
    record.name = std::move(key);
    record.value = std::move(value);
    return record;
  }

  static constexpr Uuid kId{1, 2};
  std::shared_ptr<const metadata::Image> image = std::make_shared<const metadata::Image>();
  std::int64_t offset = 1;
};

TEST_F(TopicJournal, ATopicsLifeIsALineForEachChange) {
  using Expected = std::vector<std::string>;
  EXPECT_EQ(lines_of({topic(), config("retention.ms", "1000"), partition(0), partition(1)}),
            Expected{"topic orders created: partitions 2, replication factor 1, id AAAAAAAAAAEAAAAAAAAAAg, "
                     "retention.ms=1000"});
  EXPECT_EQ(lines_of({config("retention.ms", "2000"), config("segment.bytes", "1048576")}),
            Expected{"topic orders configured: retention.ms=2000, segment.bytes=1048576"});
  EXPECT_EQ(lines_of({config("retention.ms", std::nullopt)}),
            Expected{"topic orders configured: retention.ms no longer set"});
  EXPECT_EQ(lines_of({partition(2)}), Expected{"topic orders has 3 partitions now, before 2"});
  records::RemoveTopicRecord removal;
  removal.topic_id = kId;
  EXPECT_EQ(lines_of({removal}), Expected{"topic orders deleted, id AAAAAAAAAAEAAAAAAAAAAg"});
}

TEST_F(TopicJournal, ALongConfigurationIsCut) {
  static_cast<void>(lines_of({topic(), partition(0)}));
  const auto lines = lines_of({config("retention.ms", std::string(100'000, '1'))});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0].size(), kConfigBytesMax + 100);
}

}  // namespace
}  // namespace moldau::broker
