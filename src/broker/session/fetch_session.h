// Incremental fetch sessions (KIP-227): the broker remembers what a client fetches, requests carry changes only,
// answers carry only the partitions that have news.
//
// Shard:      one cache per shard; ids of different shards come from disjoint ranges, so that an id names the shard of
//             its session (SessionIds). A FetchContext is a value: it may travel to the connection's shard and back.
// Invariants: S1 a session's partitions keep request order, but one that returned records moves to the end, so that a
//                large partition cannot starve those behind it.
//             S2 the number of sessions never exceeds slots_max, what they keep never bytes_max.
//             S3 no session keeps a name that no topic can have (kKeptNameBytesMax).
// Bound:      Config. A full request that finds no room is answered without a session; an incremental one that would
//             outgrow it is told that its session was evicted (70) and goes on with a full one, as in Kafka, whose
//             cache bounds the number of sessions only.
// Source:     Kafka's FetchSession, FetchContext, FetchSessionCacheShard; inventory §6, 31 and 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "broker/session/fetch_partition.h"
#include "protocol/errors/error_code.h"

namespace moldau::broker {

inline constexpr std::size_t kKeptNameBytesMax = 249;  // Kafka's Topic.MAX_NAME_LENGTH

inline constexpr std::int32_t kNoSession = 0;
inline constexpr std::int32_t kInitialSessionEpoch = 0;  // a full request that may open a session
inline constexpr std::int32_t kFinalSessionEpoch = -1;   // a full request that closes the session it names

// What the sessions of a node may keep: about 450,000 partitions.
inline constexpr std::size_t kFetchSessionsBytesMax = std::size_t{128} << 20;

// The ids that one shard draws from: an equal part of the positive ones.
struct SessionIds {
  std::int32_t first = 1;
  std::int32_t last = INT32_MAX;

  [[nodiscard]] static SessionIds of_shard(std::uint32_t shard, std::uint32_t shards) noexcept;
  // Which shard draws this id; nullopt: none does.
  [[nodiscard]] static std::optional<std::uint32_t> shard_of(std::int32_t id, std::uint32_t shards) noexcept;
};

class FetchSession {
 public:
  FetchSession(std::int32_t id, bool privileged, bool uses_topic_ids, std::int64_t now_ms) noexcept
      : id_(id), privileged_(privileged), uses_topic_ids_(uses_topic_ids), created_ms_(now_ms), used_ms_(now_ms) {}

  [[nodiscard]] std::int32_t id() const noexcept { return id_; }
  [[nodiscard]] std::int32_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] bool uses_topic_ids() const noexcept { return uses_topic_ids_; }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

 private:
  friend class FetchSessionCache;
  friend class FetchContext;

  struct Cached {
    FetchPartition request;
    std::int64_t high_watermark = -1;  // as last answered; -1 makes the next answer carry the partition
    std::int64_t log_start = -1;
  };
  using Order = std::list<Cached>;

  void upsert(const FetchPartition& partition);
  void forget(const FetchKey& key);
  // What the session keeps, names counted with each of their partitions.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Whether the answer must carry the partition; remembers what is answered.
  bool note_answer(const FetchKey& key, const FetchOutcome& outcome);

  std::int32_t id_;
  std::int32_t epoch_ = 1;
  bool privileged_;
  bool uses_topic_ids_;
  std::int64_t created_ms_;
  std::int64_t used_ms_;
  std::size_t counted_size_ = 0;   // its size when the cache last looked: part of its eviction key
  std::size_t counted_bytes_ = 0;  // its bytes then
  std::size_t bytes_ = 0;
  Order order_;
  std::map<FetchKey, Order::iterator> index_;
};

class FetchSessionCache;

// One fetch request's view of its session, from the request to its answer (which may be a long poll later).
class FetchContext {
 public:
  // kNone, or the session error that is the whole answer.
  [[nodiscard]] protocol::ErrorCode error() const noexcept { return error_; }
  // What to fetch, in order.
  [[nodiscard]] std::span<const FetchPartition> partitions() const noexcept { return partitions_; }
  [[nodiscard]] std::span<FetchPartition> partitions() noexcept { return partitions_; }

  struct Answer {
    std::int32_t session_id = kNoSession;
    std::vector<bool> included;  // by index of partitions()
  };
  // The session that an incremental request belongs to; kNoSession for all others.
  [[nodiscard]] std::int32_t session_id() const noexcept { return session_id_; }
  // Ends the request: one outcome per partition, in the order of partitions(). Call once, on the shard of `cache`,
  // which is the session's for an incremental request. If the session has gone meanwhile, the answer carries
  // everything.
  [[nodiscard]] Answer finish(FetchSessionCache& cache, std::span<const FetchOutcome> outcomes, std::int64_t now_ms);

 private:
  friend class FetchSessionCache;
  enum class Kind : std::uint8_t { kError, kSessionless, kFull, kIncremental };

  Kind kind_ = Kind::kError;
  protocol::ErrorCode error_ = protocol::ErrorCode::kNone;
  bool from_follower_ = false;
  bool uses_topic_ids_ = false;
  std::vector<FetchPartition> partitions_;
  std::int32_t session_id_ = kNoSession;
};

class FetchSessionCache {
 public:
  struct Config {
    std::size_t slots_max = 1000;                    // max.incremental.fetch.session.cache.slots, this shard's part
    std::size_t bytes_max = kFetchSessionsBytesMax;  // this shard's part
    std::int64_t eviction_ms = 120'000;              // a session unused for so long makes room for any other
    SessionIds ids;
  };
  // `random` gives 64 uniform bits.
  FetchSessionCache(const Config& config, Function<std::uint64_t()> random);

  struct Request {
    std::int32_t session_id = kNoSession;
    std::int32_t session_epoch = kFinalSessionEpoch;
    bool from_follower = false;
    bool uses_topic_ids = false;
    std::vector<FetchPartition> partitions;
    std::vector<FetchKey> forgotten;
  };
  // 70, 71 and 106 come back as the context's error.
  [[nodiscard]] FetchContext open(Request request, std::int64_t now_ms);
  // Forgets the session, if it is there.
  void close(std::int32_t session_id);

  [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t partitions_total() const noexcept { return partitions_total_; }
  [[nodiscard]] std::size_t bytes_total() const noexcept { return bytes_total_; }
  [[nodiscard]] std::uint64_t evictions_total() const noexcept { return evictions_total_; }

 private:
  friend class FetchContext;
  using UsedKey = std::pair<std::int64_t, std::int32_t>;  // last use, id
  struct EvictionKey {
    bool privileged = false;
    std::size_t size = 0;
    std::int32_t id = 0;
    friend auto operator<=>(const EvictionKey&, const EvictionKey&) = default;
  };

  [[nodiscard]] static EvictionKey eviction_key(const FetchSession& session) noexcept {
    return {session.privileged_, session.counted_size_, session.id_};
  }
  // kNoSession when no room is free and no session worth less.
  std::int32_t create(FetchContext& context, std::span<const FetchOutcome> outcomes, std::int64_t now_ms);
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  [[nodiscard]] bool try_evict(bool privileged, const EvictionKey& newcomer, std::int64_t now_ms);
  void touch(FetchSession& session, std::int64_t now_ms);
  void remove(const FetchSession& session);
  [[nodiscard]] std::int32_t new_id();

  Config config_;
  Function<std::uint64_t()> random_;
  std::unordered_map<std::int32_t, std::unique_ptr<FetchSession>> sessions_;
  std::set<UsedKey> by_use_;
  std::set<EvictionKey> evictable_by_all_;
  std::set<EvictionKey> evictable_by_privileged_;
  std::size_t partitions_total_ = 0;
  std::size_t bytes_total_ = 0;
  std::uint64_t evictions_total_ = 0;
};

}  // namespace moldau::broker
