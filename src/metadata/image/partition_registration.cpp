#include "metadata/image/partition_registration.h"

#include <algorithm>

#include "base/assert.h"
#include "metadata/records/partition_change_record.h"
#include "metadata/records/partition_record.h"

namespace moldau::metadata {
namespace {

constexpr std::int32_t kNoLeaderChange = -2;
constexpr std::int8_t kNoRecoveryChange = -1;

bool has_duplicate(Replicas replicas) {
  std::ranges::sort(replicas);
  return std::ranges::adjacent_find(replicas) != replicas.end();
}

Result<LeaderRecoveryState> to_recovery_state(std::int8_t raw) {
  if (raw != 0 && raw != 1) {
    return fail(ErrorKind::kCorrupt, "leader recovery state of a partition", 0, raw);
  }
  return static_cast<LeaderRecoveryState>(raw);
}

// A record older than KIP-858 carries none: every replica is MIGRATING.
Result<std::vector<Uuid>> fit_directories(std::vector<Uuid> directories, std::size_t replica_count) {
  if (directories.empty()) {
    directories.assign(replica_count, kZeroUuid);
  }
  if (directories.size() != replica_count) {
    return fail(ErrorKind::kCorrupt, "count of a partition's directories", 0,
                static_cast<std::int64_t>(directories.size()));
  }
  return directories;
}

Result<PartitionRegistration> checked(PartitionRegistration partition) {
  for (const Replicas* list : {&partition.replicas, &partition.isr, &partition.elr}) {
    if (has_duplicate(*list)) {
      return fail(ErrorKind::kCorrupt, "a broker twice in a partition's replicas");
    }
  }
  return partition;
}

}  // namespace

bool contains(const Replicas& replicas, NodeId broker) noexcept {
  return std::ranges::find(replicas, broker) != replicas.end();
}

Replicas without(const Replicas& replicas, NodeId broker) {
  Replicas rest;
  rest.reserve(replicas.size());
  std::ranges::remove_copy(replicas, std::back_inserter(rest), broker);
  return rest;
}

Replicas to_replicas(const std::vector<std::int32_t>& raw) {
  Replicas replicas;
  replicas.reserve(raw.size());
  for (const std::int32_t id : raw) {
    replicas.emplace_back(id);
  }
  return replicas;
}

std::vector<std::int32_t> to_raw(const Replicas& replicas) {
  std::vector<std::int32_t> raw;
  raw.reserve(replicas.size());
  for (const NodeId id : replicas) {
    raw.push_back(id.value());
  }
  return raw;
}

Result<PartitionRegistration> PartitionRegistration::from_record(const records::PartitionRecord& record) {
  MOLDAU_TRY(recovery, to_recovery_state(record.leader_recovery_state));
  MOLDAU_TRY(directories, fit_directories(record.directories, record.replicas.size()));
  PartitionRegistration partition;
  partition.replicas = to_replicas(record.replicas);
  partition.directories = std::move(directories);
  partition.isr = to_replicas(record.isr);
  partition.removing = to_replicas(record.removing_replicas);
  partition.adding = to_replicas(record.adding_replicas);
  if (record.eligible_leader_replicas) {
    partition.elr = to_replicas(*record.eligible_leader_replicas);
  }
  if (record.last_known_elr) {
    partition.last_known_elr = to_replicas(*record.last_known_elr);
  }
  partition.leader = NodeId(record.leader);
  partition.recovery = recovery;
  partition.leader_epoch = LeaderEpoch(record.leader_epoch);
  partition.partition_epoch = record.partition_epoch;
  return checked(std::move(partition));
}

Result<PartitionRegistration> PartitionRegistration::merged(const records::PartitionChangeRecord& change) const {
  PartitionRegistration next = *this;
  const auto take = [](Replicas& to, const std::optional<std::vector<std::int32_t>>& from) {
    if (from) {
      to = to_replicas(*from);
    }
  };
  take(next.replicas, change.replicas);
  take(next.isr, change.isr);
  take(next.removing, change.removing_replicas);
  take(next.adding, change.adding_replicas);
  take(next.elr, change.eligible_leader_replicas);
  take(next.last_known_elr, change.last_known_elr);
  MOLDAU_TRY(fitted, fit_directories(change.directories ? *change.directories : directories, next.replicas.size()));
  next.directories = std::move(fitted);
  if (change.leader != kNoLeaderChange) {
    next.leader = NodeId(change.leader);
    ++next.leader_epoch;
  }
  if (change.leader_recovery_state != kNoRecoveryChange) {
    MOLDAU_TRY(changed, to_recovery_state(change.leader_recovery_state));
    next.recovery = changed;
  }
  ++next.partition_epoch;
  return checked(std::move(next));
}

records::PartitionRecord PartitionRegistration::to_record(const Uuid& topic_id, PartitionIndex index,
                                                          MetadataVersion version) const {
  records::PartitionRecord record;
  record.partition_id = index.value();
  record.topic_id = topic_id;
  record.replicas = to_raw(replicas);
  record.isr = to_raw(isr);
  record.removing_replicas = to_raw(removing);
  record.adding_replicas = to_raw(adding);
  record.leader = leader.value();
  record.leader_recovery_state = static_cast<std::int8_t>(recovery);
  record.leader_epoch = leader_epoch.value();
  record.partition_epoch = partition_epoch;
  if (has_directory_assignment(version)) {
    record.directories = directories;
  }
  if (has_eligible_leader_replicas(version) && !elr.empty()) {
    record.eligible_leader_replicas = to_raw(elr);
  }
  if (has_eligible_leader_replicas(version) && !last_known_elr.empty()) {
    record.last_known_elr = to_raw(last_known_elr);
  }
  return record;
}

std::optional<Uuid> PartitionRegistration::directory(NodeId replica) const noexcept {
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (replicas[i] == replica) {
      return directories[i];
    }
  }
  return std::nullopt;
}

void PartitionRegistration::check_invariants() const {
  MOLDAU_ASSERT(directories.size() == replicas.size());
  MOLDAU_ASSERT(!has_duplicate(replicas) && !has_duplicate(isr) && !has_duplicate(elr));
  for (const NodeId id : isr) {
    MOLDAU_ASSERT(metadata::contains(replicas, id) && !metadata::contains(elr, id), id.value());
  }
  for (const NodeId id : elr) {
    MOLDAU_ASSERT(metadata::contains(replicas, id), id.value());
  }
  MOLDAU_ASSERT(!has_leader() || metadata::contains(isr, leader), leader.value());
}

}  // namespace moldau::metadata
