// Image: everything the metadata log says at one offset. Immutable once published as shared_ptr<const Image>.
//
// Shard:      any; nobody changes a published image. A Delta makes the next one.
// Invariants: (check_invariants, after every Delta of the tests)
//             1 topics by id and by name are the same set; no name or id twice; partitions keep their invariants.
//             2 an empty config map, quota map or feature level 0 is not kept.
//             3 nothing of an open metadata transaction is in it (the loader's promise).
// Cost:       copying an Image is O(1) in its contents; so is each change but for a logarithm (PersistentMap).
//             100,000 partitions take 45 to 90 MB.
// Source:     Kafka's MetadataImage. Differences: config records whose key this release does not know are kept and
//             written back (Kafka drops them); kraft.version and ZkMigrationState are left out as in Kafka.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/ids.h"
#include "metadata/image/broker_registration.h"
#include "metadata/image/metadata_version.h"
#include "metadata/image/partition_registration.h"
#include "metadata/image/persistent_map.h"
#include "metadata/records/any_metadata_record.h"

namespace moldau::metadata {

// Where an image stands in the log: the last record it contains. {-1, -1, -1}: nothing was read yet.
struct Provenance {
  Offset offset = kNoOffset;
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::int64_t timestamp_ms = kNoTimestamp;
  friend bool operator==(const Provenance&, const Provenance&) = default;
};

struct Topic {
  std::string name;
  Uuid id;
  PersistentMap<PartitionIndex, std::shared_ptr<const PartitionRegistration>> partitions;

  // Null if there is no such partition.
  [[nodiscard]] const PartitionRegistration* partition(PartitionIndex index) const noexcept;
  friend bool operator==(const Topic& a, const Topic& b);
};

// The resources that configs belong to, with Kafka's codes.
enum class ConfigResourceType : std::int8_t {
  kUnknown = 0,
  kTopic = 2,
  kBroker = 4,
  kBrokerLogger = 8,
  kClientMetrics = 16,
  kGroup = 32,
};

struct ConfigResource {
  ConfigResourceType type = ConfigResourceType::kUnknown;
  std::string name;  // a broker's id in decimal; empty: the default of all brokers
  friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};

using ConfigMap = std::map<std::string, std::string, std::less<>>;
// Entity type to entity name; no name: the default entity of the type.
using QuotaEntity = std::map<std::string, std::optional<std::string>>;
using QuotaMap = std::map<std::string, double, std::less<>>;
using ScramKey = std::pair<std::int8_t, std::string>;  // mechanism, user

// Takes the records of a snapshot, in order.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void write(records::MetadataRecordAndVersion record) = 0;
};

class Image {
 public:
  [[nodiscard]] const Provenance& provenance() const noexcept { return provenance_; }
  // No record was ever replayed: neither features nor anything else.
  [[nodiscard]] bool empty() const noexcept;

  // Features. No version before the bootstrap records were replayed.
  [[nodiscard]] std::optional<MetadataVersion> metadata_version() const noexcept { return metadata_version_; }
  // 0 if not finalized. metadata.version counts as a feature here.
  [[nodiscard]] std::int16_t feature_level(std::string_view name) const noexcept;
  // Without metadata.version.
  [[nodiscard]] const PersistentMap<std::string, std::int16_t>& features() const noexcept { return features_; }
  [[nodiscard]] bool elr_enabled() const noexcept { return feature_level(kElrVersionFeature) >= 1; }

  // Topics. O(log n).
  [[nodiscard]] const Topic* topic(const Uuid& id) const noexcept;
  [[nodiscard]] const Topic* topic(std::string_view name) const noexcept;
  [[nodiscard]] const PartitionRegistration* partition(const TopicIdPartition& id) const noexcept;
  // All topics, by id; topic_names() is in name order, for topic(id) to resolve.
  [[nodiscard]] const PersistentMap<Uuid, std::shared_ptr<const Topic>>& topics() const noexcept { return topics_; }
  [[nodiscard]] const PersistentMap<std::string, Uuid>& topic_names() const noexcept { return topic_names_; }
  // A topic whose name becomes the same once '.' is read as '_' (metric names collide), or null.
  [[nodiscard]] const std::string* colliding_topic(std::string_view name) const;
  [[nodiscard]] std::size_t partition_count() const noexcept { return partition_count_; }

  // Cluster.
  [[nodiscard]] const BrokerRegistration* broker(NodeId id) const noexcept;
  [[nodiscard]] const PersistentMap<NodeId, std::shared_ptr<const BrokerRegistration>>& brokers() const noexcept {
    return brokers_;
  }
  [[nodiscard]] const PersistentMap<NodeId, std::shared_ptr<const records::RegisterControllerRecord>>& controllers()
      const noexcept {
    return controllers_;
  }

  // Configs. An empty map if nothing is set.
  [[nodiscard]] const ConfigMap& config(ConfigResourceType type, std::string_view name) const noexcept;
  [[nodiscard]] const PersistentMap<ConfigResource, std::shared_ptr<const ConfigMap>>& configs() const noexcept {
    return configs_;
  }

  [[nodiscard]] const PersistentMap<QuotaEntity, std::shared_ptr<const QuotaMap>>& quotas() const noexcept {
    return quotas_;
  }
  // The first id of the next block; -1: no block was given out yet.
  [[nodiscard]] std::int64_t next_producer_id() const noexcept { return next_producer_id_; }
  [[nodiscard]] const PersistentMap<Uuid, std::shared_ptr<const records::AccessControlEntryRecord>>& acls()
      const noexcept {
    return acls_;
  }
  [[nodiscard]] const PersistentMap<ScramKey, std::shared_ptr<const records::UserScramCredentialRecord>>& scram()
      const noexcept {
    return scram_;
  }
  [[nodiscard]] const PersistentMap<std::string, std::shared_ptr<const records::DelegationTokenRecord>>& tokens()
      const noexcept {
    return tokens_;
  }

  // Every record of a snapshot of this image, in Kafka's order (features with metadata.version first, brokers,
  // controllers, topics with their partitions, configs, quotas, producer ids, ACLs, SCRAM, tokens), at the versions of
  // the image's metadata.version. The image must have one. O(n).
  void write(RecordSink& sink) const;

  // The same contents; where they come from is not compared. O(n) at worst, O(1) where two share their structure.
  friend bool operator==(const Image& a, const Image& b);

  void check_invariants() const;

 private:
  friend class Delta;

  Provenance provenance_;
  Edit edit_ = 0;  // of the Delta that made it
  std::optional<MetadataVersion> metadata_version_;
  PersistentMap<std::string, std::int16_t> features_;
  PersistentMap<Uuid, std::shared_ptr<const Topic>> topics_;
  PersistentMap<std::string, Uuid> topic_names_;
  PersistentMap<std::pair<std::string, std::string>, std::monostate> unified_names_;  // unified name, name
  std::size_t partition_count_ = 0;
  PersistentMap<NodeId, std::shared_ptr<const BrokerRegistration>> brokers_;
  PersistentMap<NodeId, std::shared_ptr<const records::RegisterControllerRecord>> controllers_;
  PersistentMap<ConfigResource, std::shared_ptr<const ConfigMap>> configs_;
  PersistentMap<QuotaEntity, std::shared_ptr<const QuotaMap>> quotas_;
  std::int64_t next_producer_id_ = -1;
  PersistentMap<Uuid, std::shared_ptr<const records::AccessControlEntryRecord>> acls_;
  PersistentMap<ScramKey, std::shared_ptr<const records::UserScramCredentialRecord>> scram_;
  PersistentMap<std::string, std::shared_ptr<const records::DelegationTokenRecord>> tokens_;
};

}  // namespace moldau::metadata
