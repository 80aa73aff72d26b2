#include "metadata/controller/partition_change_builder.h"

#include <algorithm>

#include "base/probe.h"

namespace moldau::metadata {
namespace {

constexpr std::int32_t kNoLeaderChange = -2;

bool contains_all(const Replicas& all, const Replicas& some) {
  return std::ranges::all_of(some, [&](NodeId id) { return contains(all, id); });
}

bool is_no_op(const records::PartitionChangeRecord& record) {
  return !record.isr && record.leader == kNoLeaderChange && !record.replicas && !record.removing_replicas &&
         !record.adding_replicas && record.leader_recovery_state == -1 && !record.directories &&
         !record.eligible_leader_replicas && !record.last_known_elr;
}

}  // namespace

bool LeaderAcceptor::accepts(NodeId broker, const PartitionRegistration& partition) const noexcept {
  if (broker == removed || broker == unclean_shutdown) {
    return false;
  }
  const BrokerRegistration* registration = image.broker(broker);
  if (registration == nullptr || registration->in_controlled_shutdown() ||
      (registration->fenced() && broker != added)) {
    return false;
  }
  const std::optional<Uuid> directory = partition.directory(broker);
  return directory && registration->has_online_directory(*directory);
}

PartitionChangeBuilder::PartitionChangeBuilder(const PartitionRegistration& partition, const TopicRules& rules,
                                               const LeaderAcceptor& acceptor)
    : partition_(partition),
      rules_(rules),
      acceptor_(acceptor),
      election_(rules.unclean_election ? Election::kUnclean : Election::kOnline),
      isr_(partition.isr),
      replicas_(partition.replicas),
      removing_(partition.removing),
      adding_(partition.adding),
      elr_(partition.elr),
      recovery_(partition.recovery) {
  for (std::size_t i = 0; i < partition.replicas.size(); ++i) {
    directories_.emplace(partition.replicas[i], partition.directories[i]);
  }
}

PartitionChangeBuilder& PartitionChangeBuilder::election(Election election) noexcept {
  election_ = election;
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::target_isr(Replicas isr) {
  isr_ = std::move(isr);
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::target_replicas(Replicas replicas) {
  replicas_ = std::move(replicas);
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::target_removing(Replicas removing) {
  removing_ = std::move(removing);
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::target_adding(Replicas adding) {
  adding_ = std::move(adding);
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::target_recovery(LeaderRecoveryState state) noexcept {
  recovery_ = state;
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::directory(NodeId replica, const Uuid& directory) {
  directories_.insert_or_assign(replica, directory);
  return *this;
}
PartitionChangeBuilder& PartitionChangeBuilder::unclean_shutdown_of(NodeId replica) noexcept {
  unclean_shutdown_ = replica;
  return *this;
}

std::optional<records::PartitionChangeRecord> PartitionChangeBuilder::build(const Uuid& topic_id,
                                                                            PartitionIndex index) {
  records::PartitionChangeRecord record;
  record.topic_id = topic_id;
  record.partition_id = index.value();
  complete_reassignment();
  populate_elr();
  elect(record);
  if (record.leader == kNoLeaderChange && !contains_all(replicas_, partition_.replicas)) {
    record.leader = partition_.leader.value();  // a replica left: its appends must be fenced by a new leader epoch
  }
  write_elr(record);
  write_isr(record);
  bump_leader_epoch_if_needed(record);
  write_last_known_leader(record);
  write_assignment(record);
  if (recovery_ != partition_.recovery) {
    record.leader_recovery_state = static_cast<std::int8_t>(recovery_);
  }
  return is_no_op(record) ? std::nullopt : std::optional(std::move(record));
}

// A reassignment ends once every replica that it adds is in sync.
void PartitionChangeBuilder::complete_reassignment() {
  if (removing_.empty() && adding_.empty()) {
    return;
  }
  const auto staying = [&](const Replicas& all) {
    Replicas rest;
    std::ranges::copy_if(all, std::back_inserter(rest), [&](NodeId id) { return !contains(removing_, id); });
    return rest;
  };
  Replicas isr = staying(isr_);
  Replicas replicas = staying(replicas_);
  if (!removing_.empty() && (isr.empty() || replicas.empty())) {
    return;
  }
  if (!contains_all(isr, adding_)) {
    return;
  }
  // Fewer replicas than before: not with a smaller ISR than needed.
  if (adding_.size() < removing_.size() && !contains_all(isr, replicas)) {
    return;
  }
  isr_ = std::move(isr);
  replicas_ = std::move(replicas);
  removing_.clear();
  adding_.clear();
}

// Who leaves the ISR stays eligible as long as the ISR is below the minimum: it has all that was committed until then.
void PartitionChangeBuilder::populate_elr() {
  if (!rules_.elr_enabled) {
    return;
  }
  if (static_cast<std::int64_t>(isr_.size()) >= rules_.min_insync_replicas) {
    elr_.clear();
    return;
  }
  Replicas candidates = elr_;
  candidates.insert(candidates.end(), partition_.isr.begin(), partition_.isr.end());
  std::ranges::sort(candidates);
  const auto repeated = std::ranges::unique(candidates);
  candidates.erase(repeated.begin(), repeated.end());
  std::erase_if(candidates,
                [&](NodeId id) { return contains(isr_, id) || id == unclean_shutdown_ || !contains(replicas_, id); });
  elr_ = std::move(candidates);
}

bool PartitionChangeBuilder::is_valid_leader(NodeId replica) const noexcept {
  return (contains(isr_, replica) || (isr_.empty() && contains(elr_, replica))) &&
         acceptor_.accepts(replica, partition_);
}

bool PartitionChangeBuilder::can_elect_last_known_leader() const noexcept {
  return rules_.elr_enabled && isr_.empty() && elr_.empty() && partition_.last_known_elr.size() == 1 &&
         acceptor_.accepts(partition_.last_known_elr.front(), partition_);
}

PartitionChangeBuilder::Elected PartitionChangeBuilder::elect_leader() const noexcept {
  if (election_ == Election::kPreferred && !replicas_.empty() && is_valid_leader(replicas_.front())) {
    return {replicas_.front(), false};
  }
  if (is_valid_leader(partition_.leader)) {
    return {partition_.leader, false};
  }
  for (const NodeId replica : replicas_) {
    if (is_valid_leader(replica)) {
      return {replica, false};
    }
  }
  if (can_elect_last_known_leader()) {
    MOLDAU_PROBE("controller.elected_last_known_leader");
    return {partition_.last_known_elr.front(), true};
  }
  if (election_ == Election::kUnclean) {
    for (const NodeId replica : replicas_) {
      if (acceptor_.accepts(replica, partition_)) {
        MOLDAU_PROBE("controller.unclean_election");
        return {replica, true};
      }
    }
  }
  return {};
}

void PartitionChangeBuilder::elect(records::PartitionChangeRecord& record) {
  const Elected elected = elect_leader();
  if (elected.leader == partition_.leader) {
    return;
  }
  if (contains(elr_, elected.leader)) {
    isr_ = {elected.leader};
    elr_ = without(elr_, elected.leader);
  }
  record.leader = elected.leader.value();
  if (elected.unclean) {
    record.isr = {elected.leader.value()};
    if (partition_.recovery != LeaderRecoveryState::kRecovering) {
      record.leader_recovery_state = static_cast<std::int8_t>(LeaderRecoveryState::kRecovering);
    }
  }
}

void PartitionChangeBuilder::write_elr(records::PartitionChangeRecord& record) {
  const bool clean_election = !record.isr;
  if (!clean_election || !rules_.elr_enabled) {
    elr_.clear();
  }
  if (elr_ != partition_.elr) {
    record.eligible_leader_replicas = to_raw(elr_);
  }
}

void PartitionChangeBuilder::write_isr(records::PartitionChangeRecord& record) const {
  if (!record.isr && (!isr_.empty() || rules_.elr_enabled) && isr_ != partition_.isr) {
    record.isr = to_raw(isr_);
  }
}

void PartitionChangeBuilder::bump_leader_epoch_if_needed(records::PartitionChangeRecord& record) const {
  if (!raises_leader_epoch_on_isr_shrink(rules_.version) || record.leader != kNoLeaderChange || !record.isr) {
    return;
  }
  if (!contains_all(to_replicas(*record.isr), partition_.isr)) {
    record.leader = partition_.leader.value();
  }
}

void PartitionChangeBuilder::write_last_known_leader(records::PartitionChangeRecord& record) const {
  if (!rules_.elr_enabled) {
    return;
  }
  if (record.leader == kNoNode.value() && partition_.last_known_elr.empty()) {
    record.last_known_elr = {partition_.leader.value()};
  } else if (record.leader >= 0 && !partition_.last_known_elr.empty()) {
    record.last_known_elr.emplace();
  }
}

void PartitionChangeBuilder::write_assignment(records::PartitionChangeRecord& record) const {
  if (!replicas_.empty()) {
    if (has_directory_assignment(rules_.version)) {
      std::vector<Uuid> directories;
      directories.reserve(replicas_.size());
      for (const NodeId replica : replicas_) {
        const auto known = directories_.find(replica);
        const BrokerRegistration* broker = acceptor_.image.broker(replica);
        directories.push_back(known != directories_.end() ? known->second
                              : broker != nullptr         ? broker->default_directory()
                                                          : kUnassignedDirectory);
      }
      if (directories != partition_.directories) {
        record.directories = std::move(directories);
      }
    }
    if (replicas_ != partition_.replicas) {
      record.replicas = to_raw(replicas_);
    }
  }
  if (removing_ != partition_.removing) {
    record.removing_replicas = to_raw(removing_);
  }
  if (adding_ != partition_.adding) {
    record.adding_replicas = to_raw(adding_);
  }
}

}  // namespace moldau::metadata
