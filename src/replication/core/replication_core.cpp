#include "replication/core/replication_core.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace moldau::replication {
namespace {

bool contains(std::span<const NodeId> nodes, NodeId node) noexcept {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

bool distinct(std::span<const NodeId> nodes) noexcept {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (contains(nodes.subspan(i + 1), nodes[i])) {
      return false;
    }
  }
  return true;
}

bool well_formed(const PartitionRegistration& registration) noexcept {
  const auto assigned = [&registration](NodeId node) { return contains(registration.replicas, node); };
  return !registration.replicas.empty() && distinct(registration.replicas) && distinct(registration.isr) &&
         distinct(registration.elr) && std::ranges::all_of(registration.isr, assigned) &&
         std::ranges::all_of(registration.elr, assigned) &&
         std::ranges::none_of(registration.elr, [&](NodeId node) { return contains(registration.isr, node); });
}

}  // namespace

ReplicationCore::ReplicationCore(NodeId self, RestoredReplica restored, std::int32_t min_isr, MonoMs lag_max)
    : self_(self),
      lag_max_(lag_max),
      min_isr_(min_isr),
      log_start_(restored.log_start),
      log_end_(restored.log_end),
      high_watermark_(std::clamp(restored.high_watermark, restored.log_start, restored.log_end)) {
  MOLDAU_ASSERT(min_isr >= 1, min_isr);
  MOLDAU_ASSERT(restored.log_start <= restored.log_end, restored.log_start.value(), restored.log_end.value());
}

std::optional<RegistrationRefusal> ReplicationCore::on_registration(const PartitionRegistration& registration,
                                                                    const BrokerView& brokers, MonoMs now,
                                                                    Effects& out) {
  if (registration.partition_epoch < partition_epoch_ || registration.leader_epoch < leader_epoch_) {
    return RegistrationRefusal::kStale;
  }
  if (!well_formed(registration)) {
    return RegistrationRefusal::kMalformed;
  }
  const bool new_epoch = registration.leader_epoch > leader_epoch_;
  const bool newer = new_epoch || registration.partition_epoch > partition_epoch_;
  replicas_ = registration.replicas;
  if (newer) {
    pending_.reset();  // answered by this registration, or refused for its old epochs
  }
  if (registration.leader == self_ && contains(replicas_, self_)) {
    become_leader(registration, new_epoch, now, out);
  } else {
    leader_ = registration.leader;
    become_follower(out);
  }
  leader_epoch_ = registration.leader_epoch;
  partition_epoch_ = registration.partition_epoch;
  if (is_leader()) {
    advance_high_watermark(brokers, now, out);  // the ISR may be this node alone
  }
  check_invariants();
  return std::nullopt;
}

void ReplicationCore::become_leader(const PartitionRegistration& registration, bool new_epoch, MonoMs now,
                                    Effects& out) {
  const bool was_leader = is_leader();
  role_ = Role::kLeader;
  leader_ = self_;
  isr_ = registration.isr;
  keep_followers_of(replicas_);
  if (new_epoch || !epoch_start_) {
    // Followers that saw later epochs than this log can only find where to cut if the epoch's start is known.
    epoch_start_ = log_end_;
    out.assign_epoch_start = OffsetAndEpoch{log_end_, registration.leader_epoch};
    for (FollowerState& follower : followers_) {
      follower.on_leader_epoch(now, log_end_, was_leader, in_isr(follower.id()));
    }
  }
  if (new_epoch || !was_leader) {
    out.leadership = LeadershipChange::kGained;
  }
}

void ReplicationCore::become_follower(Effects& out) {
  if (is_leader()) {
    out.leadership = LeadershipChange::kLost;
  }
  role_ = Role::kFollower;
  isr_.clear();
  followers_.clear();
  pending_.reset();
  epoch_start_.reset();
}

void ReplicationCore::keep_followers_of(std::span<const NodeId> replicas) {
  std::erase_if(followers_, [replicas](const FollowerState& follower) { return !contains(replicas, follower.id()); });
  for (const NodeId node : replicas) {
    if (node != self_ && follower(node) == nullptr) {
      followers_.emplace_back(node);
    }
  }
}

void ReplicationCore::on_brokers(const BrokerView& brokers, MonoMs now, Effects& out) {
  if (is_leader()) {
    advance_high_watermark(brokers, now, out);
    check_invariants();
  }
}

void ReplicationCore::on_min_isr(std::int32_t min_isr, const BrokerView& brokers, MonoMs now, Effects& out) {
  MOLDAU_ASSERT(min_isr >= 1, min_isr);
  min_isr_ = min_isr;
  on_brokers(brokers, now, out);
}

void ReplicationCore::on_offline(Effects& out) {
  if (is_leader()) {
    out.leadership = LeadershipChange::kLost;
  }
  role_ = Role::kNone;
  leader_ = kNoNode;
  replicas_.clear();
  isr_.clear();
  followers_.clear();
  pending_.reset();
  epoch_start_.reset();
  check_invariants();
}

void ReplicationCore::on_append(Offset log_end, const BrokerView& brokers, MonoMs now, Effects& out) {
  MOLDAU_ASSERT(log_end >= log_end_, log_end.value(), log_end_.value());
  log_end_ = log_end;
  if (is_leader()) {
    advance_high_watermark(brokers, now, out);
  }
  check_invariants();
}

void ReplicationCore::on_log_start(Offset log_start, Effects& out) {
  MOLDAU_ASSERT(log_start >= log_start_ && log_start <= log_end_, log_start.value(), log_start_.value(),
                log_end_.value());
  log_start_ = log_start;
  if (high_watermark_ < log_start) {
    set_high_watermark(log_start, out);
  }
  check_invariants();
}

void ReplicationCore::on_truncate(Offset log_start, Offset log_end, Effects& out) {
  MOLDAU_ASSERT(!is_leader(), leader_epoch_.value());
  MOLDAU_ASSERT(log_start <= log_end, log_start.value(), log_end.value());
  log_start_ = log_start;
  log_end_ = log_end;
  const Offset bounded = std::clamp(high_watermark_, log_start, log_end);
  if (bounded != high_watermark_) {
    set_high_watermark(bounded, out);
  }
  check_invariants();
}

void ReplicationCore::on_leader_high_watermark(Offset high_watermark, Effects& out) {
  if (role_ != Role::kFollower) {
    return;  // an answer that arrived after the role changed
  }
  const Offset bounded = std::min(high_watermark, log_end_);
  if (bounded > high_watermark_) {
    set_high_watermark(bounded, out);
  }
  check_invariants();
}

std::optional<FetchRefusal> ReplicationCore::on_follower_fetch(const FollowerFetch& fetch, const BrokerView& brokers,
                                                               MonoMs now, Effects& out) {
  if (!is_leader()) {
    return FetchRefusal::kNotLeader;
  }
  if (fetch.leader_epoch != kNoLeaderEpoch && fetch.leader_epoch != leader_epoch_) {
    return fetch.leader_epoch < leader_epoch_ ? FetchRefusal::kFencedLeaderEpoch : FetchRefusal::kUnknownLeaderEpoch;
  }
  FollowerState* state = follower(fetch.replica);
  if (state == nullptr) {
    return FetchRefusal::kUnknownReplica;
  }
  const auto status = brokers.status(fetch.replica);
  if (fetch.broker_epoch != kNoBrokerEpoch && status && status->epoch > fetch.broker_epoch) {
    return FetchRefusal::kStaleBrokerEpoch;
  }
  const Offset before = state->log_end();
  state->on_fetch(fetch, log_end_, now);
  maybe_grow_isr(*state, brokers, out);
  if (state->log_end() != before) {
    advance_high_watermark(brokers, now, out);
  }
  check_invariants();
  return std::nullopt;
}

// A follower may be declared in sync if its current incarnation is alive and not about to stop.
bool ReplicationCore::may_join_isr(const FollowerState& follower, const BrokerView& brokers) {
  const auto status = brokers.status(follower.id());
  if (!status || status->fenced || status->shutting_down || !follower.broker_epoch()) {
    return false;
  }
  return *follower.broker_epoch() == kNoBrokerEpoch || *follower.broker_epoch() == status->epoch;
}

void ReplicationCore::maybe_grow_isr(const FollowerState& candidate, const BrokerView& brokers, Effects& out) {
  // Committed data may lie between the high watermark and the epoch's start: who lacks it must not be elected.
  const bool in_sync = candidate.log_end() >= high_watermark_ && epoch_start_ && candidate.log_end() >= *epoch_start_;
  if (pending_ || in_isr(candidate.id()) || !in_sync || !may_join_isr(candidate, brokers)) {
    return;
  }
  std::vector<NodeId> grown = isr_;
  grown.push_back(candidate.id());
  propose(std::move(grown), candidate.id(), brokers, out);
}

void ReplicationCore::on_tick(const BrokerView& brokers, MonoMs now, Effects& out) {
  if (!is_leader()) {
    return;
  }
  if (!pending_) {
    std::vector<NodeId> kept;
    for (const NodeId node : isr_) {
      const FollowerState* state = node == self_ ? nullptr : follower(node);
      if (node == self_ || (state != nullptr && state->caught_up(log_end_, now, lag_max_))) {
        kept.push_back(node);
      }
    }
    if (kept.size() < isr_.size()) {
      propose(std::move(kept), std::nullopt, brokers, out);
    }
  }
  // One that is not in the ISR held the high watermark back only while it was caught up.
  advance_high_watermark(brokers, now, out);
  check_invariants();
}

void ReplicationCore::propose(std::vector<NodeId> isr, std::optional<NodeId> joining, const BrokerView& brokers,
                              Effects& out) {
  MOLDAU_ASSERT(!pending_, partition_epoch_);
  AlterPartition request;
  request.id = next_request_id_++;
  request.leader_epoch = leader_epoch_;
  request.partition_epoch = partition_epoch_;
  for (const NodeId node : isr) {
    BrokerEpoch epoch = kNoBrokerEpoch;
    if (node == self_) {
      const auto own = brokers.status(self_);
      epoch = own ? own->epoch : kNoBrokerEpoch;
    } else if (const FollowerState* state = follower(node)) {
      epoch = state->broker_epoch().value_or(kNoBrokerEpoch);
    }
    request.new_isr.push_back({node, epoch});
  }
  pending_ = PendingIsr{request, joining};
  out.alter_partition = std::move(request);
}

void ReplicationCore::on_alter_partition_answer(const AlterPartitionAnswer& answer, const BrokerView& brokers,
                                                MonoMs now, Effects& out) {
  if (!is_leader() || !pending_ || pending_->request.id != answer.id) {
    return;  // an election or newer metadata came first
  }
  switch (answer.outcome) {
    case AlterPartitionOutcome::kApplied:
      if (answer.leader_epoch != leader_epoch_ || answer.partition_epoch < partition_epoch_ ||
          !std::ranges::all_of(
              answer.isr, [this](NodeId node) { return contains(replicas_, node); }) ||
          !distinct(answer.isr)) {
        return;  // stays open: the metadata log decides
      }
      isr_ = answer.isr;
      partition_epoch_ = answer.partition_epoch;
      pending_.reset();
      advance_high_watermark(brokers, now, out);
      break;
    case AlterPartitionOutcome::kNotApplied:
      pending_.reset();
      advance_high_watermark(brokers, now, out);
      break;
    case AlterPartitionOutcome::kStale: break;
    case AlterPartitionOutcome::kRetry: out.alter_partition = pending_->request; break;
  }
  check_invariants();
}

void ReplicationCore::advance_high_watermark(const BrokerView& brokers, MonoMs now, Effects& out) {
  if (under_min_isr()) {
    return;
  }
  Offset reached = log_end_;
  for (const FollowerState& state : followers_) {
    if (state.log_end() < reached &&
        // One about to join holds it back too: otherwise it would chase the high watermark and never be let in.
        (in_maximal_isr(state.id()) || (state.caught_up(log_end_, now, lag_max_) && may_join_isr(state, brokers)))) {
      reached = state.log_end();
    }
  }
  if (reached > high_watermark_) {
    set_high_watermark(reached, out);
  }
}

void ReplicationCore::set_high_watermark(Offset value, Effects& out) {
  high_watermark_ = value;
  out.high_watermark = value;
}

bool ReplicationCore::in_isr(NodeId node) const noexcept {
  return contains(isr_, node);
}

bool ReplicationCore::in_maximal_isr(NodeId node) const noexcept {
  return in_isr(node) || (pending_ && pending_->joining == node);
}

std::vector<NodeId> ReplicationCore::maximal_isr() const {
  std::vector<NodeId> maximal = isr_;
  if (pending_ && pending_->joining && !in_isr(*pending_->joining)) {
    maximal.push_back(*pending_->joining);
  }
  return maximal;
}

FollowerState* ReplicationCore::follower(NodeId node) noexcept {
  const auto found = std::ranges::find(followers_, node, &FollowerState::id);
  return found == followers_.end() ? nullptr : &*found;
}

std::int32_t ReplicationCore::effective_min_isr() const noexcept {
  return std::min(min_isr_, std::max<std::int32_t>(1, static_cast<std::int32_t>(replicas_.size())));
}

bool ReplicationCore::under_min_isr() const noexcept {
  return is_leader() && static_cast<std::int32_t>(isr_.size()) < effective_min_isr();
}

AckStatus ReplicationCore::ack_status(Offset end) const noexcept {
  MOLDAU_ASSERT(is_leader(), leader_epoch_.value());
  if (high_watermark_ < end) {
    return AckStatus::kWaiting;
  }
  const bool growing = pending_ && pending_->joining && !in_isr(*pending_->joining);
  const auto maximal = static_cast<std::int32_t>(isr_.size()) + (growing ? 1 : 0);
  return maximal >= effective_min_isr() ? AckStatus::kReached : AckStatus::kTooFewAfterAppend;
}

Offset ReplicationCore::low_watermark(const BrokerView& brokers) const {
  MOLDAU_ASSERT(is_leader(), leader_epoch_.value());
  Offset low = log_start_;
  for (const FollowerState& state : followers_) {
    const auto status = brokers.status(state.id());
    if (status && !status->fenced) {
      low = std::min(low, state.log_start());
    }
  }
  return low;
}

void ReplicationCore::check_invariants() const {
  MOLDAU_ASSERT(log_start_ <= high_watermark_, log_start_.value(), high_watermark_.value());
  MOLDAU_ASSERT(high_watermark_ <= log_end_, high_watermark_.value(), log_end_.value());
  MOLDAU_ASSERT(distinct(isr_), partition_epoch_);
  for (const NodeId node : isr_) {
    MOLDAU_ASSERT(contains(replicas_, node), node.value(), partition_epoch_);
  }
  if (is_leader()) {
    MOLDAU_ASSERT(contains(replicas_, self_), self_.value());
    MOLDAU_ASSERT(leader_ == self_, leader_.value(), self_.value());
    MOLDAU_ASSERT(epoch_start_.has_value() && *epoch_start_ <= log_end_, log_end_.value());
    MOLDAU_ASSERT(followers_.size() + 1 == replicas_.size(), static_cast<std::int64_t>(followers_.size()));
    MOLDAU_ASSERT(!pending_ || (pending_->request.partition_epoch <= partition_epoch_ &&
                                pending_->request.leader_epoch == leader_epoch_),
                  partition_epoch_, leader_epoch_.value());
  } else {
    MOLDAU_ASSERT(isr_.empty() && followers_.empty() && !pending_ && !epoch_start_, self_.value());
  }
}

}  // namespace moldau::replication
