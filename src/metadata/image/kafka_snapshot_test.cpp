// Apache Kafka's own log and snapshots: replaying the log up to where Kafka took a snapshot gives the image that the
// snapshot loads to, and writing that image gives Kafka's snapshot back, record by record, order apart.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "metadata/image/delta.h"
#include "metadata/image/testing/list_sink.h"

namespace moldau::metadata {
namespace {

using records::MetadataRecordAndVersion;
using testing::ListSink;

struct Golden {
  std::vector<std::pair<Offset, MetadataRecordAndVersion>> log;
  std::map<Offset, std::vector<MetadataRecordAndVersion>> snapshots;
};

MetadataRecordAndVersion decode(const std::string& hex) {
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  wire::Reader reader{Bytes(bytes)};
  auto record = records::decode_metadata_record(reader);
  EXPECT_TRUE(record) << hex;
  EXPECT_EQ(reader.remaining(), 0U);
  return *std::move(record);
}

Golden read_golden() {
  std::ifstream file(MOLDAU_SOURCE_DIR "/src/metadata/image/testdata/kafka-4.3.1-rich.txt");
  Golden golden;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) {
      continue;
    }
    std::istringstream fields(line);
    std::string kind;
    std::int64_t offset = 0;
    std::string hex;
    fields >> kind >> offset >> hex;
    if (kind == "log") {
      golden.log.emplace_back(Offset(offset), decode(hex));
    } else {
      golden.snapshots[Offset(offset)].push_back(decode(hex));
    }
  }
  return golden;
}

// Each record as text that sorts: name, version and bytes, with what Kafka keeps in maps put in order.
std::multiset<std::string> as_texts(std::vector<MetadataRecordAndVersion> list) {
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::multiset<std::string> texts;
  for (auto& record : list) {
    if (auto* broker = std::get_if<records::RegisterBrokerRecord>(&record.record)) {
      std::ranges::sort(broker->features, by_name);
      std::ranges::sort(broker->end_points, by_name);
      std::ranges::sort(broker->log_dirs);
    } else if (auto* controller = std::get_if<records::RegisterControllerRecord>(&record.record)) {
      std::ranges::sort(controller->features, by_name);
      std::ranges::sort(controller->end_points, by_name);
    }
    wire::Writer writer;
    records::encode_metadata_record(record.record, record.version, writer);
    std::string text = std::string(records::type_of(record.record).name) + " v" + std::to_string(record.version) + " ";
    for (const std::byte b : writer.bytes()) {
      const auto value = static_cast<unsigned char>(b);
      text += value >= 32 && value < 127 ? std::string(1, static_cast<char>(value)) : "\\" + std::to_string(value);
    }
    texts.insert(std::move(text));
  }
  return texts;
}

TEST(KafkaSnapshot, ReplayedLogAndLoadedSnapshotWriteKafkasSnapshot) {
  const Golden golden = read_golden();
  ASSERT_GE(golden.snapshots.size(), 5U);
  std::set<std::string> types;
  for (const auto& [end, snapshot] : golden.snapshots) {
    Delta from_log(std::make_shared<const Image>());
    for (const auto& [offset, record] : golden.log) {
      if (offset < end) {
        ASSERT_TRUE(from_log.replay(record.record, offset)) << offset.value();
      }
    }
    Delta from_snapshot(std::make_shared<const Image>());
    for (const auto& record : snapshot) {
      ASSERT_TRUE(from_snapshot.replay(record.record, end - 1));
      types.insert(records::type_of(record.record).name);
    }
    ListSink replayed;
    from_log.apply({})->write(replayed);
    ListSink loaded;
    from_snapshot.apply({})->write(loaded);
    EXPECT_EQ(as_texts(replayed.list), as_texts(snapshot)) << "log up to " << end.value();
    EXPECT_EQ(as_texts(loaded.list), as_texts(snapshot)) << "snapshot " << end.value();
  }
  for (const char* type : {"FeatureLevelRecord", "RegisterBrokerRecord", "RegisterControllerRecord", "TopicRecord",
                           "PartitionRecord", "ConfigRecord", "ClientQuotaRecord", "ProducerIdsRecord",
                           "AccessControlEntryRecord", "UserScramCredentialRecord", "DelegationTokenRecord"}) {
    EXPECT_TRUE(types.contains(type)) << type;
  }
}

}  // namespace
}  // namespace moldau::metadata
