// What the metadata says about one partition: its replicas, their directories, who is in sync, who leads.
//
// A plain value. Invariants that hold after every record Kafka writes (check_invariants, testing.md I7):
//   1 isr, elr and last_known_elr hold no broker twice; isr and elr are disjoint subsets of replicas.
//   2 directories has one entry per replica.
//   3 leader is kNoNode or a replica in isr.
// Source: Kafka's PartitionRegistration, KIP-455 (reassignment), KIP-858 (directories), KIP-966 (ELR).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "metadata/image/metadata_version.h"

namespace moldau::metadata {
namespace records {
struct PartitionChangeRecord;
struct PartitionRecord;
}  // namespace records

// Whether the leader was elected from outside the in-sync replicas and has not recovered yet (KIP-704).
enum class LeaderRecoveryState : std::int8_t { kRecovered = 0, kRecovering = 1 };

using Replicas = std::vector<NodeId>;

[[nodiscard]] bool contains(const Replicas& replicas, NodeId broker) noexcept;
[[nodiscard]] Replicas without(const Replicas& replicas, NodeId broker);
[[nodiscard]] Replicas to_replicas(const std::vector<std::int32_t>& raw);
[[nodiscard]] std::vector<std::int32_t> to_raw(const Replicas& replicas);

struct PartitionRegistration {
  Replicas replicas;              // the first is the preferred leader
  std::vector<Uuid> directories;  // of each replica, in the order of `replicas`
  Replicas isr;
  Replicas removing;
  Replicas adding;
  Replicas elr;
  Replicas last_known_elr;  // under ELR: the last leader, while there is none
  NodeId leader = kNoNode;
  LeaderRecoveryState recovery = LeaderRecoveryState::kRecovered;
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;

  // kCorrupt: a list that names a broker twice, directories that do not fit, an unknown recovery state.
  [[nodiscard]] static Result<PartitionRegistration> from_record(const records::PartitionRecord& record);
  // The partition after the change: the partition epoch moves on, the leader epoch too if it names a leader.
  [[nodiscard]] Result<PartitionRegistration> merged(const records::PartitionChangeRecord& change) const;
  // As `metadata_version` writes it; what an older version cannot hold is left out.
  [[nodiscard]] records::PartitionRecord to_record(const Uuid& topic_id, PartitionIndex index,
                                                   MetadataVersion version) const;

  [[nodiscard]] bool has_leader() const noexcept { return leader != kNoNode; }
  [[nodiscard]] NodeId preferred_replica() const noexcept { return replicas.empty() ? kNoNode : replicas.front(); }
  [[nodiscard]] bool is_reassigning() const noexcept { return !removing.empty() || !adding.empty(); }
  // Nothing if `replica` is none of this partition.
  [[nodiscard]] std::optional<Uuid> directory(NodeId replica) const noexcept;

  void check_invariants() const;
  friend bool operator==(const PartitionRegistration&, const PartitionRegistration&) = default;
};

}  // namespace moldau::metadata
