// Delta: the records between two images. replay() each, then apply() once.
//
// Shard:      a plain object of whoever replays.
// Invariants: the base image never changes; after a failed replay() the delta is useless and its contents undefined.
// Errors:     replay() answers kCorrupt for a record that contradicts the image (a partition of an unknown topic, a
//             change for another broker epoch, ...) and kUnsupported for a feature level that this release does not
//             have. Records come from a disk or a peer: nothing of them reaches an assert.
// Cost:       O(log n) a record; ClearElr and RemoveTopic O(partitions concerned).
// Source:     Kafka's MetadataDelta. Difference: an unknown feature level is refused here and not by the controller.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "metadata/image/image.h"

namespace moldau::metadata {

// What differs between the base image and the new one; the details are in the two images. A topic that was deleted and
// created again in between is in both lists, under its two ids.
struct ImageChanges {
  std::map<Uuid, std::set<PartitionIndex>> topics;  // created or changed, with the partitions created or changed
  std::map<Uuid, std::string> deleted_topics;       // of the base image
  std::set<NodeId> brokers;
  std::set<NodeId> controllers;
  std::set<ConfigResource> configs;
  bool features = false;
  bool quotas = false;
  bool producer_ids = false;
  bool acls = false;
  bool scram = false;
  bool tokens = false;

  [[nodiscard]] bool empty() const noexcept;
};

class Delta {
 public:
  explicit Delta(std::shared_ptr<const Image> base);

  // `offset` is the record's, or the snapshot's last contained one; registrations remember it.
  // Transaction markers are the loader's business and change nothing here.
  [[nodiscard]] Result<void> replay(const records::AnyMetadataRecord& record, Offset offset);

  // The image that the records so far make; for decisions that must see their own effects.
  [[nodiscard]] const Image& next() const noexcept { return next_; }
  [[nodiscard]] const std::shared_ptr<const Image>& base() const noexcept { return base_; }
  [[nodiscard]] const ImageChanges& changes() const noexcept { return changes_; }
  // Moves the new image out; the delta is spent.
  [[nodiscard]] std::shared_ptr<const Image> apply(Provenance provenance);

 private:
  Result<void> on(const records::RegisterBrokerRecord& record, Offset offset);
  Result<void> on(const records::UnregisterBrokerRecord& record);
  Result<void> on(const records::FenceBrokerRecord& record);
  Result<void> on(const records::UnfenceBrokerRecord& record);
  Result<void> on(const records::BrokerRegistrationChangeRecord& record);
  Result<void> on(const records::RegisterControllerRecord& record);
  Result<void> on(const records::TopicRecord& record);
  Result<void> on(const records::PartitionRecord& record);
  Result<void> on(const records::PartitionChangeRecord& record);
  Result<void> on(const records::RemoveTopicRecord& record);
  Result<void> on(const records::ClearElrRecord& record);
  Result<void> on(const records::ConfigRecord& record);
  Result<void> on(const records::FeatureLevelRecord& record);
  Result<void> on(const records::ClientQuotaRecord& record);
  Result<void> on(const records::ProducerIdsRecord& record);
  Result<void> on(const records::AccessControlEntryRecord& record);
  Result<void> on(const records::RemoveAccessControlEntryRecord& record);
  Result<void> on(const records::UserScramCredentialRecord& record);
  Result<void> on(const records::RemoveUserScramCredentialRecord& record);
  Result<void> on(const records::DelegationTokenRecord& record);
  Result<void> on(const records::RemoveDelegationTokenRecord& record);

  [[nodiscard]] Result<const BrokerRegistration*> registered(std::int32_t broker, std::int64_t epoch) const;
  void put_broker(BrokerRegistration registration);
  void put_partition(const Topic& topic, PartitionIndex index, PartitionRegistration partition);
  void clear_elr(const Uuid& topic_id);
  void drop_config(const ConfigResource& resource);

  std::shared_ptr<const Image> base_;
  Image next_;
  Edit edit_;
  ImageChanges changes_;
};

// The changes that lead from one image to the other, by comparing them: for an image that came from a snapshot. O(n).
[[nodiscard]] ImageChanges difference(const Image& from, const Image& to);

}  // namespace moldau::metadata
