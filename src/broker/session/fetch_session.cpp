#include "broker/session/fetch_session.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace moldau::broker {

using protocol::ErrorCode;

namespace {

// What one partition costs, as allocated: its places in the order and in the index, and a name that it shares with
// none.
std::size_t bytes_of(const FetchKey& key) {
  constexpr std::size_t kPartitionBytes = 272;
  return kPartitionBytes + key.topic_name().size();
}

bool may_be_kept(std::span<const FetchPartition> partitions) {
  return std::ranges::all_of(
      partitions, [](const FetchPartition& asked) { return asked.key.topic_name().size() <= kKeptNameBytesMax; });
}

}  // namespace

SessionIds SessionIds::of_shard(std::uint32_t shard, std::uint32_t shards) noexcept {
  const auto part = static_cast<std::uint32_t>(INT32_MAX) / shards;
  const std::uint32_t first = part * shard;
  return {.first = static_cast<std::int32_t>(first == 0 ? 1 : first),
          .last = static_cast<std::int32_t>(first + part - 1)};
}

std::optional<std::uint32_t> SessionIds::shard_of(std::int32_t id, std::uint32_t shards) noexcept {
  if (id <= 0) {
    return std::nullopt;
  }
  const std::uint32_t shard = static_cast<std::uint32_t>(id) / (static_cast<std::uint32_t>(INT32_MAX) / shards);
  return shard < shards ? std::optional(shard) : std::nullopt;
}

void FetchSession::upsert(const FetchPartition& partition) {
  if (const auto found = index_.find(partition.key); found != index_.end()) {
    // The name that is counted stays, and with it what its neighbours share.
    FetchKey kept = std::move(found->second->request.key);
    found->second->request = partition;
    found->second->request.key = std::move(kept);
    return;
  }
  bytes_ += bytes_of(partition.key);
  order_.push_back({.request = partition});
  index_.emplace(partition.key, std::prev(order_.end()));
}

void FetchSession::forget(const FetchKey& key) {
  if (const auto found = index_.find(key); found != index_.end()) {
    bytes_ -= bytes_of(found->first);
    order_.erase(found->second);
    index_.erase(found);
  }
}

bool FetchSession::note_answer(const FetchKey& key, const FetchOutcome& outcome) {
  const auto found = index_.find(key);
  if (found == index_.end()) {
    return false;  // forgotten by a later request while this one waited
  }
  Cached& cached = *found->second;
  const bool has_news = outcome.has_records || outcome.has_error || outcome.has_diverging_epoch ||
                        outcome.has_preferred_replica || cached.high_watermark != outcome.high_watermark ||
                        cached.log_start != outcome.log_start;
  cached.high_watermark = outcome.has_error ? -1 : outcome.high_watermark;
  cached.log_start = outcome.log_start;
  if (outcome.has_records) {
    order_.splice(order_.end(), order_, found->second);
  }
  return has_news;
}

FetchContext::Answer FetchContext::finish(FetchSessionCache& cache, std::span<const FetchOutcome> outcomes,
                                          std::int64_t now_ms) {
  MOLDAU_ASSERT(outcomes.size() == partitions_.size() && error_ == ErrorCode::kNone);
  Answer answer;
  answer.included.assign(partitions_.size(), true);
  switch (kind_) {
    case Kind::kError:
    case Kind::kSessionless: break;
    case Kind::kFull: answer.session_id = cache.create(*this, outcomes, now_ms); break;
    case Kind::kIncremental:
      answer.session_id = session_id_;
      if (const auto found = cache.sessions_.find(session_id_); found != cache.sessions_.end()) {
        for (std::size_t i = 0; i < partitions_.size(); ++i) {
          answer.included[i] = found->second->note_answer(partitions_[i].key, outcomes[i]);
        }
      }
      break;
  }
  return answer;
}

FetchSessionCache::FetchSessionCache(const Config& config, Function<std::uint64_t()> random)
    : config_(config), random_(std::move(random)) {
  MOLDAU_ASSERT(config_.ids.first > 0 && config_.ids.last >= config_.ids.first);
}

FetchContext FetchSessionCache::open(Request request, std::int64_t now_ms) {
  FetchContext context;
  context.from_follower_ = request.from_follower;
  context.uses_topic_ids_ = request.uses_topic_ids;
  const auto found = sessions_.find(request.session_id);

  if (request.session_epoch == kInitialSessionEpoch || request.session_epoch == kFinalSessionEpoch) {
    if (found != sessions_.end()) {
      remove(*found->second);
    }
    context.kind_ =
        request.session_epoch == kFinalSessionEpoch ? FetchContext::Kind::kSessionless : FetchContext::Kind::kFull;
    context.partitions_ = std::move(request.partitions);
    return context;
  }
  if (found == sessions_.end()) {
    context.error_ = ErrorCode::kFetchSessionIdNotFound;
    return context;
  }
  FetchSession* session = found->second.get();
  if (session->epoch_ != request.session_epoch) {
    context.error_ = ErrorCode::kInvalidFetchSessionEpoch;
    return context;
  }
  if (session->uses_topic_ids_ != request.uses_topic_ids) {
    context.error_ = ErrorCode::kFetchSessionTopicIdError;
    return context;
  }
  const bool keepable = may_be_kept(request.partitions);
  if (keepable) {
    for (const FetchPartition& partition : request.partitions) {
      session->upsert(partition);
    }
    for (const FetchKey& key : request.forgotten) {
      session->forget(key);
    }
  }
  if (!keepable || bytes_total_ - session->counted_bytes_ + session->bytes() > config_.bytes_max) {
    ++evictions_total_;
    remove(*session);
    context.error_ = ErrorCode::kFetchSessionIdNotFound;
    return context;
  }
  if (session->order_.empty()) {
    remove(*session);
    context.kind_ = FetchContext::Kind::kSessionless;
    context.partitions_ = std::move(request.partitions);
    return context;
  }
  touch(*session, now_ms);
  session->epoch_ = session->epoch_ == INT32_MAX ? 1 : session->epoch_ + 1;
  context.kind_ = FetchContext::Kind::kIncremental;
  context.partitions_.reserve(session->order_.size());
  for (const FetchSession::Cached& cached : session->order_) {
    context.partitions_.push_back(cached.request);
  }
  context.session_id_ = session->id();
  return context;
}

std::int32_t FetchSessionCache::create(FetchContext& context, std::span<const FetchOutcome> outcomes,
                                       std::int64_t now_ms) {
  const EvictionKey newcomer{context.from_follower_, context.partitions_.size(), 0};
  std::size_t bytes = 0;
  for (const FetchPartition& partition : context.partitions_) {
    bytes += bytes_of(partition.key);
  }
  if (!may_be_kept(context.partitions_) || bytes > config_.bytes_max) {
    return kNoSession;
  }
  while (!has_room(bytes)) {
    if (!try_evict(context.from_follower_, newcomer, now_ms)) {
      return kNoSession;
    }
  }
  auto session = std::make_unique<FetchSession>(new_id(), context.from_follower_, context.uses_topic_ids_, now_ms);
  for (std::size_t i = 0; i < context.partitions_.size(); ++i) {
    session->upsert(context.partitions_[i]);
    FetchSession::Cached& cached = *session->index_.at(context.partitions_[i].key);
    cached.high_watermark = outcomes[i].high_watermark;
    cached.log_start = outcomes[i].log_start;
  }
  const std::int32_t id = session->id();
  by_use_.insert({now_ms, id});
  const auto inserted = sessions_.emplace(id, std::move(session));
  touch(*inserted.first->second, now_ms);
  MOLDAU_ASSERT(sessions_.size() <= config_.slots_max);
  MOLDAU_ASSERT(bytes_total_ <= config_.bytes_max);
  return id;
}

bool FetchSessionCache::has_room(std::size_t bytes) const noexcept {
  return sessions_.size() < config_.slots_max && bytes_total_ + bytes <= config_.bytes_max;
}

bool FetchSessionCache::try_evict(bool privileged, const EvictionKey& newcomer, std::int64_t now_ms) {
  if (by_use_.empty()) {
    return false;
  }
  const auto [used_ms, oldest] = *by_use_.begin();
  if (now_ms - used_ms > config_.eviction_ms) {
    ++evictions_total_;
    remove(*sessions_.at(oldest));
    return true;
  }
  const auto& candidates = privileged ? evictable_by_privileged_ : evictable_by_all_;
  if (candidates.empty() || newcomer < *candidates.begin()) {
    return false;
  }
  ++evictions_total_;
  remove(*sessions_.at(candidates.begin()->id));
  return true;
}

void FetchSessionCache::touch(FetchSession& session, std::int64_t now_ms) {
  by_use_.erase({session.used_ms_, session.id_});
  session.used_ms_ = now_ms;
  by_use_.insert({session.used_ms_, session.id_});

  evictable_by_privileged_.erase(eviction_key(session));
  evictable_by_all_.erase(eviction_key(session));
  partitions_total_ -= session.counted_size_;
  session.counted_size_ = session.size();
  partitions_total_ += session.counted_size_;
  bytes_total_ = bytes_total_ - session.counted_bytes_ + session.bytes_;
  session.counted_bytes_ = session.bytes_;
  const bool settled = now_ms - session.created_ms_ > config_.eviction_ms;
  if (!session.privileged_ || settled) {
    evictable_by_privileged_.insert(eviction_key(session));
  }
  if (settled) {
    evictable_by_all_.insert(eviction_key(session));
  }
}

void FetchSessionCache::close(std::int32_t session_id) {
  if (const auto found = sessions_.find(session_id); found != sessions_.end()) {
    remove(*found->second);
  }
}

void FetchSessionCache::remove(const FetchSession& session) {
  by_use_.erase({session.used_ms_, session.id_});
  evictable_by_privileged_.erase(eviction_key(session));
  evictable_by_all_.erase(eviction_key(session));
  partitions_total_ -= session.counted_size_;
  bytes_total_ -= session.counted_bytes_;
  sessions_.erase(session.id_);
}

std::int32_t FetchSessionCache::new_id() {
  const auto range = static_cast<std::uint64_t>(config_.ids.last) - static_cast<std::uint64_t>(config_.ids.first) + 1;
  for (;;) {
    const auto id = static_cast<std::int32_t>(static_cast<std::uint64_t>(config_.ids.first) + random_() % range);
    if (!sessions_.contains(id)) {
      return id;
    }
  }
}

}  // namespace moldau::broker
