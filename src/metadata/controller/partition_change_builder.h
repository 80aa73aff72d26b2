// Decides what one partition becomes after an event: in-sync replicas, eligible leader replicas, leader; and the
// smallest PartitionChange record that says so.
//
// Pure. One builder, one build().
// Order of election (inventory 59): the leader it has if still valid; the first valid replica in assignment order,
// where valid means in the ISR or, the ISR being empty, in the ELR; the last known leader (ISR and ELR empty; counts as
// unclean); with unclean election allowed, the first replica that is up. An unclean election sets the ISR to the winner
// and marks the partition as recovering.
// Source: Kafka's PartitionChangeBuilder; KIP-966 (balanced recovery through the last known leader), KIP-841, KIP-704.
// Differences: a broker that is unfenced while its registration is in controlled shutdown leads nothing (no broker does
// so: it registers anew first); who is no replica any more is not eligible either (Kafka leaves it in the ELR).
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "metadata/image/image.h"
#include "metadata/records/partition_change_record.h"

namespace moldau::metadata {

// Who may lead: brokers that are active in the image, as if the event had already happened to three of them.
struct LeaderAcceptor {
  const Image& image;
  NodeId removed = kNoNode;           // is being fenced or shut down
  NodeId added = kNoNode;             // is being unfenced
  NodeId unclean_shutdown = kNoNode;  // came back without what it had

  [[nodiscard]] bool accepts(NodeId broker, const PartitionRegistration& partition) const noexcept;
};

// What holds for every partition of a topic while records are made for it.
struct TopicRules {
  MetadataVersion version;
  bool elr_enabled = false;
  std::int32_t min_insync_replicas = 1;  // effective: at most the replication factor
  bool unclean_election = false;
};

enum class Election : std::uint8_t { kPreferred, kOnline, kUnclean };

class PartitionChangeBuilder {
 public:
  // All three are referred to until build().
  PartitionChangeBuilder(const PartitionRegistration& partition, const TopicRules& rules,
                         const LeaderAcceptor& acceptor);

  PartitionChangeBuilder& election(Election election) noexcept;
  PartitionChangeBuilder& target_isr(Replicas isr);
  PartitionChangeBuilder& target_replicas(Replicas replicas);
  PartitionChangeBuilder& target_removing(Replicas removing);
  PartitionChangeBuilder& target_adding(Replicas adding);
  PartitionChangeBuilder& target_recovery(LeaderRecoveryState state) noexcept;
  PartitionChangeBuilder& directory(NodeId replica, const Uuid& directory);
  PartitionChangeBuilder& unclean_shutdown_of(NodeId replica) noexcept;

  // Nothing if nothing changes.
  [[nodiscard]] std::optional<records::PartitionChangeRecord> build(const Uuid& topic_id, PartitionIndex index);

 private:
  struct Elected {
    NodeId leader = kNoNode;
    bool unclean = false;
  };
  void complete_reassignment();
  void populate_elr();
  [[nodiscard]] bool is_valid_leader(NodeId replica) const noexcept;
  [[nodiscard]] bool can_elect_last_known_leader() const noexcept;
  [[nodiscard]] Elected elect_leader() const noexcept;
  void elect(records::PartitionChangeRecord& record);
  void bump_leader_epoch_if_needed(records::PartitionChangeRecord& record) const;
  void write_elr(records::PartitionChangeRecord& record);
  void write_isr(records::PartitionChangeRecord& record) const;
  void write_last_known_leader(records::PartitionChangeRecord& record) const;
  void write_assignment(records::PartitionChangeRecord& record) const;

  const PartitionRegistration& partition_;
  const TopicRules& rules_;
  const LeaderAcceptor& acceptor_;
  Election election_;
  Replicas isr_;
  Replicas replicas_;
  Replicas removing_;
  Replicas adding_;
  Replicas elr_;
  LeaderRecoveryState recovery_;
  std::map<NodeId, Uuid> directories_;
  NodeId unclean_shutdown_ = kNoNode;
};

}  // namespace moldau::metadata
