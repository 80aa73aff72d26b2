#include "raft/core/testing/cluster.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "raft/core/testing/describe.h"

namespace moldau::raft::testing {

Cluster::Cluster(std::uint64_t seed, std::uint32_t voter_count, std::uint32_t observer_count)
    : random_(seed), voter_count_(voter_count) {
  for (std::uint32_t i = 0; i < voter_count + observer_count; ++i) {
    Node node;
    node.key = {NodeId(static_cast<std::int32_t>(i + 1)), Uuid{7, i + 1}};
    node.snapshots.push_back({});  // as formatting leaves it
    nodes_.push_back(std::move(node));
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    start(i);
  }
}

VoterSet Cluster::voters() const {
  std::vector<Voter> voters;
  for (std::size_t i = 0; i < voter_count_; ++i) {
    voters.push_back({nodes_[i].key, {{"CONTROLLER", "host", static_cast<std::uint16_t>(i)}}});
  }
  return VoterSet(std::move(voters));
}

Quorum::Restored Cluster::restore(const Node& node) const {
  VoterHistory history;
  history.add(kNoOffset, {kKraftVersionDynamic, voters()});
  std::vector<EpochStart> epochs;
  for (std::size_t i = 0; i < node.log.size(); ++i) {
    const Offset offset(static_cast<std::int64_t>(i));
    if (i >= node.log_start && (epochs.empty() || epochs.back().epoch < node.log[i].epoch)) {
      epochs.push_back({node.log[i].epoch, offset});
    }
    if (node.log[i].change) {
      history.add(offset, *node.log[i].change);
    }
  }
  auto log = LogSummary::restore(Offset(static_cast<std::int64_t>(node.log_start)),
                                 Offset(static_cast<std::int64_t>(node.log.size())), std::move(epochs),
                                 node.snapshots.front(), node.snapshots.back());
  MOLDAU_ASSERT(log.has_value());
  return {node.disk_record, std::move(*log), std::move(history)};
}

void Cluster::start(std::size_t index) {
  Node& node = nodes_[index];
  MOLDAU_ASSERT(!node.quorum);
  const Voter self{node.key, {{"CONTROLLER", "host", static_cast<std::uint16_t>(index)}}};
  node.quorum = std::make_unique<Quorum>(self, QuorumConfig{}, restore(node));
  node.high_watermark = node.quorum->high_watermark();
  Effects effects;
  node.quorum->start(now_, *this, effects);
  run(index, std::move(effects));
}

void Cluster::crash(std::size_t index) {
  Node& node = nodes_[index];
  if (node.persisting && chance(1, 2)) {
    node.disk_record = node.persisting->record;  // the rename may have reached the disk, and may not
  }
  // Of what was not synced any prefix may have survived; a snapshot beyond it restarts the log behind itself.
  const auto snapshot_end = static_cast<std::size_t>(node.snapshots.back().offset.value());
  const std::size_t survives = node.durable + random_() % (node.log.size() - node.durable + 1);
  if (survives < snapshot_end) {
    node.log_start = snapshot_end;
    node.snapshots = {node.snapshots.back()};
  }
  node.log.resize(std::max(survives, snapshot_end));
  node.durable = node.log.size();
  node.quorum.reset();
  node.queue.clear();
  node.persisting.reset();
  node.syncing.reset();
  node.persisted = 0;
  node.truncations = 0;
  node.fetched.clear();
  std::erase_if(asked_, [&](const auto& asked) { return asked.second.to == node.key.id; });
}

void Cluster::step(std::size_t index, const Event& event) {
  Effects effects;
  nodes_[index].quorum->step(event, now_, *this, effects);
  run(index, std::move(effects));
}

void Cluster::run(std::size_t index, Effects effects) {
  for (Effect& effect : effects) {
    nodes_[index].queue.push_back(std::move(effect));
  }
  drain(index);
  check(index);
}

void Cluster::drain(std::size_t index) {
  Node& node = nodes_[index];
  while (node.quorum && !node.queue.empty()) {
    if (const auto* persist = std::get_if<Persist>(&node.queue.front().what)) {
      if (!node.persisting) {
        node.trace.push_back(describe(*persist));
      }
      if (node.persisting && persist->ticket != node.persisting->ticket) {
        return;  // one write at a time
      }
      node.persisting = *persist;
      node.queue.pop_front();
      continue;
    }
    if (node.queue.front().after > node.persisted) {
      return;
    }
    const Effect effect = std::move(node.queue.front());
    node.queue.pop_front();
    carry_out(index, effect);
  }
}

void Cluster::finish_persist(std::size_t index) {
  Node& node = nodes_[index];
  if (node.persisting) {
    node.disk_record = node.persisting->record;
    node.persisted = node.persisting->ticket;
    node.persisting.reset();
    drain(index);
  }
}

void Cluster::carry_out(std::size_t index, const Effect& effect) {
  Node& node = nodes_[index];
  node.trace.push_back(describe(effect));
  if (const auto* send = std::get_if<Send>(&effect.what)) {
    if (const auto* vote = std::get_if<VoteRequest>(&send->request); vote != nullptr && !vote->pre_vote) {
      note_vote(node.key.id, vote->candidate.id, vote->epoch);
    }
    if (const auto* fetch = std::get_if<FetchRequest>(&send->request)) {
      MOLDAU_ASSERT(static_cast<std::size_t>(fetch->fetch_offset.value()) <= node.durable || !node.quorum,
                    fetch->fetch_offset.value());
    }
    network_.push_back({node.key.id, send->to, send->id, send->request, {}});
  } else if (const auto* reply = std::get_if<Reply>(&effect.what)) {
    const auto asked = asked_.find(reply->token);
    MOLDAU_ASSERT(asked != asked_.end(), static_cast<std::int64_t>(reply->token));
    Message message{node.key.id, asked->second.from, asked->second.id, reply->response, {}};
    if (const auto* vote = std::get_if<VoteResponse>(&reply->response); vote != nullptr && vote->granted) {
      const auto& request = std::get<VoteRequest>(std::get<Request>(asked->second.body));
      if (!request.pre_vote) {
        note_vote(node.key.id, request.candidate.id, vote->epoch);
      }
    }
    if (const auto* fetch = std::get_if<FetchResponse>(&reply->response);
        fetch != nullptr && fetch->records_upto > fetch->records_from) {
      const auto from = static_cast<std::size_t>(fetch->records_from.value());
      const auto upto = std::min(static_cast<std::size_t>(fetch->records_upto.value()), from + 3);
      message.entries.assign(node.log.begin() + static_cast<std::ptrdiff_t>(from),
                             node.log.begin() + static_cast<std::ptrdiff_t>(upto));
    }
    asked_.erase(asked);
    network_.push_back(std::move(message));
  } else if (const auto* first = std::get_if<AppendEpochStart>(&effect.what)) {
    MOLDAU_ASSERT(static_cast<std::size_t>(first->base.value()) == node.log.size());
    append(node, {first->epoch, next_value_++, {}});
    if (first->voter_change) {
      append(node, {first->epoch, next_value_++, VoterChange{first->voter_change->kraft_version, {}}});
      append(node, {first->epoch, next_value_++, VoterChange{{}, first->voter_change->voters}});
    }
  } else if (const auto* proposed = std::get_if<AppendProposed>(&effect.what)) {
    MOLDAU_ASSERT(static_cast<std::size_t>(proposed->base.value()) == node.log.size());
    for (std::int64_t i = 0; i < proposed->record_count; ++i) {
      append(node, {proposed->epoch, next_value_++, {}});
    }
  } else if (const auto* fetched = std::get_if<AppendFetched>(&effect.what)) {
    for (std::size_t i = 0; i < fetched->batch_count; ++i) {
      append(node, node.fetched.at(fetched->id)[i]);
    }
    node.fetched.clear();
  } else if (const auto* truncate = std::get_if<Truncate>(&effect.what)) {
    MOLDAU_ASSERT(truncate->end >= node.high_watermark, truncate->end.value());
    node.log.resize(static_cast<std::size_t>(truncate->end.value()));
    node.durable = std::min(node.durable, node.log.size());
    ++node.truncations;
  } else if (const auto* fetch = std::get_if<FetchSnapshot>(&effect.what)) {
    install(index, *fetch);
  } else if (const auto* moved = std::get_if<HighWatermarkMoved>(&effect.what)) {
    commit(index, moved->offset);
  }
}

void Cluster::append(Node& node, Entry entry) {
  const auto [at, fresh] = contents_.try_emplace({node.log.size(), entry.epoch}, entry.value);
  MOLDAU_ASSERT(at->second == entry.value, static_cast<std::int64_t>(node.log.size()), entry.epoch.value());
  node.log.push_back(std::move(entry));
}

void Cluster::commit(std::size_t index, Offset upto) {
  Node& node = nodes_[index];
  MOLDAU_ASSERT(upto > node.high_watermark, upto.value());
  node.high_watermark = upto;
  const auto end = static_cast<std::size_t>(upto.value());
  MOLDAU_ASSERT(end <= node.log.size(), upto.value());
  for (std::size_t i = 0; i < end; ++i) {
    if (i < committed_.size()) {
      MOLDAU_ASSERT(committed_[i].value == node.log[i].value, static_cast<std::int64_t>(i));
    } else {
      committed_.push_back(node.log[i]);
    }
  }
  std::size_t holders = 0;
  for (std::size_t i = 0; i < voter_count_; ++i) {
    const Node& voter = nodes_[i];
    holders += voter.durable >= end && voter.log[end - 1].value == node.log[end - 1].value ? 1U : 0U;
  }
  MOLDAU_ASSERT(holders >= voter_count_ / 2 + 1, static_cast<std::int64_t>(holders), upto.value());
}

void Cluster::install(std::size_t index, const FetchSnapshot& fetch) {
  Node& node = nodes_[index];
  const Node& leader = nodes_[index_of(fetch.leader)];
  if (!leader.quorum || std::ranges::find(leader.snapshots, fetch.id) == leader.snapshots.end()) {
    return;  // given up by timeout
  }
  const auto end = static_cast<std::size_t>(fetch.id.offset.value());
  node.log.assign(leader.log.begin(), leader.log.begin() + static_cast<std::ptrdiff_t>(end));
  node.durable = node.log_start = end;
  node.snapshots = {fetch.id};
  ++node.truncations;
  const VoterHistory history = restore(node).voters;
  Effects effects;
  node.quorum->step(SnapshotInstalled{fetch.id, {history.kraft_version(), history.voters()}}, now_, *this, effects);
  for (Effect& effect : effects) {
    node.queue.push_back(std::move(effect));
  }
}

void Cluster::note_vote(NodeId voter, NodeId candidate, LeaderEpoch epoch) {
  const auto [at, fresh] = votes_.try_emplace({voter, epoch}, candidate);
  MOLDAU_ASSERT(at->second == candidate, voter.value(), epoch.value(), at->second.value(), candidate.value());
  const auto& record = nodes_[index_of(voter)].disk_record;
  MOLDAU_ASSERT(record && record->epoch >= epoch, voter.value(), epoch.value());
}

void Cluster::check(std::size_t index) {
  const Node& node = nodes_[index];
  if (node.quorum && node.quorum->role() == Role::kLeader) {
    const auto [at, fresh] = leaders_.try_emplace(node.quorum->epoch(), node.key.id);
    MOLDAU_ASSERT(at->second == node.key.id, node.quorum->epoch().value(), at->second.value(), node.key.id.value());
    if (fresh) {
      MOLDAU_ASSERT(static_cast<std::size_t>(node.quorum->log().end().value()) > committed_.size());
      for (std::size_t i = 0; i < committed_.size() && i < node.log.size(); ++i) {
        MOLDAU_ASSERT(committed_[i].value == node.log[i].value, static_cast<std::int64_t>(i));
      }
    }
  }
}

void Cluster::deliver(std::size_t which, bool keep) {
  const Message message = network_[which];
  if (!keep) {
    network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  const std::size_t to = index_of(message.to);
  Node& node = nodes_[to];
  if (!node.quorum) {
    return;
  }
  if (const auto* request = std::get_if<Request>(&message.body)) {
    const ReplyToken token = next_token_++;
    asked_[token] = message;
    step(to, RequestReceived{token, *request});
    return;
  }
  Response response = std::get<Response>(message.body);
  if (auto* fetch = std::get_if<FetchResponse>(&response)) {
    Offset offset = fetch->records_from;
    for (const Entry& entry : message.entries) {
      BatchSummary batch{offset, offset, entry.epoch, {}};
      if (entry.change) {
        batch.voter_changes.emplace_back(offset, *entry.change);
      }
      fetch->batches.push_back(std::move(batch));
      ++offset;
    }
    node.fetched[message.id] = message.entries;
  }
  step(to, ResponseReceived{message.from, message.id, std::move(response)});
}

void Cluster::drop_between(std::size_t a, std::size_t b) {
  std::erase_if(network_, [&](const Message& message) {
    const std::size_t from = index_of(message.from);
    const std::size_t to = index_of(message.to);
    return (from == a && to == b) || (from == b && to == a);
  });
}

bool Cluster::propose(std::size_t index) {
  Node& node = nodes_[index];
  if (!node.quorum) {
    return false;
  }
  Effects effects;
  const auto base =
      node.quorum->propose(node.quorum->epoch(), 1 + static_cast<std::int64_t>(random_() % 3), now_, effects);
  run(index, std::move(effects));
  return base.has_value();
}

void Cluster::sync(std::size_t index) {
  Node& node = nodes_[index];
  if (!node.syncing) {
    node.syncing = LogSynced{Offset(static_cast<std::int64_t>(node.log.size())), node.truncations};
    return;
  }
  const LogSynced synced = *std::exchange(node.syncing, std::nullopt);
  if (synced.truncations == node.truncations) {
    node.durable = std::max(node.durable, static_cast<std::size_t>(synced.end.value()));
  }
  step(index, synced);
}

void Cluster::snapshot(std::size_t index) {
  Node& node = nodes_[index];
  const Offset offset = node.high_watermark;
  if (offset <= Offset{0} || !node.queue.empty()) {
    return;
  }
  const OffsetAndEpoch id{offset, node.log[static_cast<std::size_t>(offset.value()) - 1].epoch};
  if (!node.quorum->can_snapshot(id)) {
    return;
  }
  node.snapshots.push_back(id);
  step(index, SnapshotWritten{id});
  if (chance(1, 2) && node.durable >= static_cast<std::size_t>(offset.value())) {
    node.log_start = static_cast<std::size_t>(offset.value());
    node.snapshots = {id};
    step(index, LogPrefixDeleted{id});
  }
}

std::string Cluster::describe_nodes() const {
  std::string out;
  for (const Node& node : nodes_) {
    if (!node.quorum) {
      out += fmt::format("node {}: down\n", node.key.id.value());
      continue;
    }
    const Quorum& quorum = *node.quorum;
    const LogSummary& log = quorum.log();
    out += fmt::format(
        "node {}: {} epoch={} leader={} log=[{},{}] durable={} last-epoch={} hw={} snapshot={} due={} now={} "
        "queued={}\n",
        node.key.id.value(), to_string(quorum.role()), quorum.epoch().value(), quorum.record().leader.value(),
        log.start().value(), log.end().value(), log.durable_end().value(), log.last_epoch().value(),
        quorum.high_watermark().value(), log.latest_snapshot()->offset.value(), quorum.deadline().count(), now_.count(),
        node.queue.size());
  }
  return out;
}

void Cluster::act(const Faults& faults) {
  const std::size_t index = random_() % nodes_.size();
  Node& node = nodes_[index];
  if (!node.quorum) {
    if (chance(1, 4)) {
      start(index);
    }
    return;
  }
  if (chance(faults.crash_permille, 1'000)) {
    crash(index);
    return;
  }
  if (chance(faults.snapshot_permille, 1'000)) {
    snapshot(index);
  }
  switch (random_() % 8) {
    case 0: finish_persist(index); break;
    case 1: sync(index); break;
    case 2: (void)propose(index); break;
    case 3:
      now_ += Millis(static_cast<std::int64_t>(random_() % 60));
      if (node.quorum->deadline() <= now_) {
        step(index, TimerFired{});
      }
      break;
    default:
      if (!network_.empty()) {
        const std::size_t which = random_() % network_.size();
        if (chance(faults.drop_percent, 100)) {
          network_[which] = std::move(network_.back());
          network_.pop_back();
        } else {
          deliver(which, chance(faults.duplicate_percent, 100));
        }
      }
      break;
  }
}

bool Cluster::heals_within(Millis virtual_time) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].quorum) {
      start(i);
    }
  }
  const Instant end = now_ + virtual_time;
  const std::size_t before = committed_.size();
  while (now_ < end) {
    bool all_caught_up = committed_.size() > before;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      finish_persist(i);
      sync(i);
      (void)(committed_.size() == before && propose(i));
      if (nodes_[i].quorum->deadline() <= now_) {
        step(i, TimerFired{});
      }
      all_caught_up = all_caught_up && nodes_[i].high_watermark.value() == static_cast<std::int64_t>(committed_.size());
    }
    if (all_caught_up) {
      return true;
    }
    for (std::size_t left = network_.size(); left > 0 && !network_.empty(); --left) {
      deliver(0, false);
    }
    now_ += Millis(5);
  }
  return false;
}

}  // namespace moldau::raft::testing
