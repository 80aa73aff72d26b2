#include "broker/handlers/fetch_operation.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/handlers/fetch_limits.h"
#include "broker/handlers/leader_endpoints.h"

namespace moldau::broker {

using protocol::ErrorCode;
using protocol::FetchResponse;

namespace {
constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithEndpoints = 16;

// What a topic id is answered that is not in the image. One whose name was known when it was asked for is a topic that
// was deleted; its name may be another topic's by now.
ErrorCode missing_id(const metadata::Image& image, const FetchKey& key) {
  if (key.topic_name().empty()) {
    return ErrorCode::kUnknownTopicId;
  }
  const metadata::Topic* namesake = image.topic(key.topic_name());
  return namesake != nullptr && namesake->partition(PartitionIndex(key.partition)) != nullptr
             ? ErrorCode::kInconsistentTopicId
             : ErrorCode::kUnknownTopicOrPartition;
}

}  // namespace

FetchOperation::FetchOperation(ShardContext& context, const std::vector<ShardContext*>& peers, FetchSessions& sessions,
                               Request request, FetchContext session, const FetchTerms& terms, Callback answered)
    : context_(context),
      peers_(peers),
      sessions_(sessions),
      request_(std::move(request)),
      session_(std::move(session)),
      terms_(terms),
      answered_(std::move(answered)),
      reads_(session_.partitions().size()),
      deadline_(context.shard.timers(), [this] { answer(); }) {
  request_.release_frame();  // the session has copied what it keeps; a long poll holds no request memory
}

FetchOperation::~FetchOperation() {
  release_parts();
}

void FetchOperation::start() {
  const metadata::Image& image = *context_.router.image();
  const bool by_id = request_.version() >= kFirstVersionWithIds;
  std::vector<std::size_t> indexes;
  std::vector<TopicIdPartition> ids;
  const FetchTopic* asked = nullptr;
  const metadata::Topic* topic = nullptr;
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    const FetchKey& key = session_.partitions()[i].key;
    if (std::exchange(asked, key.topic.get()) != key.topic.get()) {
      topic = by_id ? image.topic(key.topic_id()) : image.topic(key.topic_name());
    }
    reads_[i].index = i;
    const metadata::PartitionRegistration* partition =
        topic == nullptr ? nullptr : topic->partition(PartitionIndex(key.partition));
    first_known_ = partition == nullptr ? first_known_ : std::min(first_known_, i);
    if (topic == nullptr) {
      reads_[i].error = by_id ? missing_id(image, key) : ErrorCode::kUnknownTopicOrPartition;
    } else if (partition == nullptr) {
      reads_[i].error = ErrorCode::kUnknownTopicOrPartition;
    } else if (const auto refused = refuse_replica(*partition, i)) {
      reads_[i].error = *refused;
    } else {
      indexes.push_back(i);
      ids.push_back({topic->id, PartitionIndex(key.partition)});
    }
    count(reads_[i], true);
  }
  if (ids.empty()) {
    return park_or_answer();
  }
  find_owners(context_.router, ids, [weak = weak_from_this(), indexes, ids](const Owners& owners) {
    if (const auto self = weak.lock()) {
      self->scatter(indexes, ids, owners);
    }
  });
}

// A fetch as a replica that the partition is not assigned to.
std::optional<ErrorCode> FetchOperation::refuse_replica(const metadata::PartitionRegistration& partition,
                                                        std::size_t index) const {
  if (terms_.replica < NodeId{0} ||
      (terms_.replica != context_.self && metadata::contains(partition.replicas, terms_.replica))) {
    return std::nullopt;
  }
  return session_.partitions()[index].current_leader_epoch >= 0 ? ErrorCode::kUnknownLeaderEpoch
                                                                : ErrorCode::kNotLeaderOrFollower;
}

FetchItem FetchOperation::item_for(std::size_t index, const TopicIdPartition& id) const {
  const FetchPartition& partition = session_.partitions()[index];
  return {.index = index,
          .id = id,
          .read = {.from = Offset(partition.fetch_offset),
                   .isolation = terms_.isolation,
                   .bytes_max = static_cast<std::uint32_t>(std::min<std::size_t>(
                       terms_.bytes_max, static_cast<std::size_t>(std::max(0, partition.partition_bytes_max)))),
                   .at_least_one_batch = true,  // FetchLimits drops it again where the answer has something already
                   .leader_only = terms_.leader_only,
                   .current_leader_epoch = LeaderEpoch(std::max(-1, partition.current_leader_epoch)),
                   .last_fetched_epoch = LeaderEpoch(std::max(-1, partition.last_fetched_epoch))}};
}

void FetchOperation::scatter(const std::vector<std::size_t>& indexes, const std::vector<TopicIdPartition>& ids,
                             const Owners& owners) {
  if (ended_) {
    return;
  }
  std::vector<std::vector<FetchItem>> by_shard(peers_.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (owners[i]) {
      by_shard[*owners[i]].push_back(item_for(indexes[i], ids[i]));
    } else {
      count(reads_[indexes[i]], false);
      reads_[indexes[i]].error = context_.router.why_nowhere(ids[i]);
      count(reads_[indexes[i]], true);
    }
  }
  reads_outstanding_ = static_cast<std::size_t>(
      std::count_if(by_shard.begin(), by_shard.end(), [](const auto& items) { return !items.empty(); }));
  if (reads_outstanding_ == 0) {
    return park_or_answer();
  }
  for (std::uint32_t shard = 0; shard < by_shard.size(); ++shard) {
    if (!by_shard[shard].empty()) {
      start_part(shard, std::move(by_shard[shard]));
    }
  }
}

void FetchOperation::start_part(std::uint32_t shard, std::vector<FetchItem> items) {
  const std::weak_ptr<FetchOperation> weak = weak_from_this();
  if (shard == context_.shard.index()) {
    FetchPart& part = context_.operations.add(
        std::make_unique<FetchPart>(context_.router, std::move(items), [weak](std::vector<FetchRead> reads) {
          if (const auto self = weak.lock()) {
            self->on_reads(std::move(reads));
          }
        }));
    parts_.push_back({shard, &part});
    part.read_all();
    return;
  }
  ShardContext* peer = peers_[shard];
  ShardContext* here = &context_;
  peer->shard.post([peer, here, shard, weak, items = std::move(items)]() mutable {
    FetchPart& part = peer->operations.add(
        std::make_unique<FetchPart>(peer->router, std::move(items), [here, weak](std::vector<FetchRead> reads) {
          here->shard.post([weak, reads = std::move(reads)]() mutable {
            if (const auto self = weak.lock()) {
              self->on_reads(std::move(reads));
            }
          });
        }));
    // Told before its first reads arrive: posts of one shard keep their order.
    here->shard.post([peer, shard, weak, part = &part] {
      if (const auto self = weak.lock(); self && !self->ended_) {
        self->parts_.push_back({shard, part});
      } else {
        peer->shard.post([peer, part] { peer->operations.finish(*part); });
      }
    });
    part.read_all();
  });
}

void FetchOperation::on_reads(std::vector<FetchRead> reads) {
  if (ended_) {
    return;
  }
  for (FetchRead& read : reads) {
    FetchRead& last = reads_[read.index];
    count(last, false);
    last = std::move(read);
    if (fails_on_its_limit(last)) {
      last = {.index = last.index, .error = ErrorCode::kUnknownServerError, .asked = true, .result = {}};
    }
    count(last, true);
  }
  if (reads_outstanding_ > 0 && --reads_outstanding_ > 0) {
    return;
  }
  park_or_answer();
}

// Kafka's read of a segment fails on a negative limit. The request's own limit is negative for the first partition
// alone: behind it Kafka counts on from zero.
bool FetchOperation::fails_on_its_limit(const FetchRead& read) const {
  const FetchPartition& asked = session_.partitions()[read.index];
  const bool negative = asked.partition_bytes_max < 0 || (terms_.bytes_max_is_negative && read.index == first_known_);
  return negative && read.error == ErrorCode::kNone && !read.result.diverging &&
         Offset(asked.fetch_offset) < bound_of(read.result, terms_.isolation);
}

bool FetchOperation::is_satisfied() const {
  return reads_.empty() || terms_.max_wait_ms <= 0 || endings_ > 0 || readable_bytes_ >= terms_.min_bytes;
}

void FetchOperation::count(const FetchRead& read, bool in) {
  // A read ends with its segment: who is behind the bound's segment goes on at once rather than wait for bytes that
  // this read can never give.
  const bool ends = read.error != ErrorCode::kNone || read.result.diverging || read.result.slice.bound_is_later;
  MOLDAU_ASSERT(in || (readable_bytes_ >= read.result.slice.size && endings_ >= static_cast<std::size_t>(ends)));
  readable_bytes_ = in ? readable_bytes_ + read.result.slice.size : readable_bytes_ - read.result.slice.size;
  endings_ = in ? endings_ + static_cast<std::size_t>(ends) : endings_ - static_cast<std::size_t>(ends);
}

void FetchOperation::park_or_answer() {
  if (is_satisfied()) {
    return answer();
  }
  if (!std::exchange(parked_, true)) {
    deadline_.arm(request_.received() + std::chrono::milliseconds(terms_.max_wait_ms));
  }
  for (const Part& part : parts_) {
    if (part.shard == context_.shard.index()) {
      part.part->park();
    } else {
      peers_[part.shard]->shard.post([part = part.part] { part->park(); });
    }
  }
}

void FetchOperation::abandon() {
  ended_ = true;
  deadline_.cancel();
  release_parts();
}

void FetchOperation::release_parts() {
  for (const Part& part : std::exchange(parts_, {})) {
    ShardContext* peer = peers_[part.shard];
    if (part.shard == context_.shard.index()) {
      peer->operations.finish(*part.part);
    } else {
      peer->shard.post([peer, part = part.part] { peer->operations.finish(*part); });
    }
  }
}

void FetchOperation::answer() {
  MOLDAU_ASSERT(!ended_);
  const auto keep = shared_from_this();
  ended_ = true;
  deadline_.cancel();
  release_parts();
  std::vector<FetchOutcome> outcomes = decide();
  if (is_held_off()) {
    return send_nothing();
  }
  sessions_.finish(std::move(session_), std::move(outcomes),
                   [weak = weak_from_this()](FetchContext session, const FetchContext::Answer& session_answer) {
                     if (const auto self = weak.lock()) {
                       self->session_ = std::move(session);
                       self->send(session_answer);
                     }
                   });
}

bool FetchOperation::is_held_off() {
  if (!request_.limited() || terms_.replica >= NodeId{0}) {
    return false;
  }
  constexpr double kAnswerBytes = 20;  // about, beside the records
  constexpr double kPartitionBytes = 40;
  double bytes = kAnswerBytes;
  for (const std::size_t of_partition : bytes_) {
    bytes += of_partition > 0 ? static_cast<double>(of_partition) + kPartitionBytes : 0;
  }
  return request_.charge_fetch(bytes);
}

void FetchOperation::send_nothing() {
  FetchResponse response;
  response.session_id = session_.session_id();
  request_.reply(response);
  answered_();
}

void FetchOperation::send(const FetchContext::Answer& session_answer) {
  FetchResponse response;
  std::vector<FileRange> ranges;
  fill(session_answer, response, ranges);
  request_.reply_with(response, ranges);
  answered_();
}

std::vector<FetchOutcome> FetchOperation::decide() {
  FetchLimits limits(terms_.bytes_max);
  std::vector<FetchOutcome> outcomes(reads_.size());
  bytes_.assign(reads_.size(), 0);
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    const FetchRead& read = reads_[i];
    const storage::Slice& slice = read.result.slice;
    if (slice.size > 0) {
      const auto bytes_max = static_cast<std::size_t>(std::max(0, session_.partitions()[i].partition_bytes_max));
      reads_[i].dropped = limits.drops(slice.first_batch_size, bytes_max);
      bytes_[i] = limits.take(slice.size, slice.first_batch_size, bytes_max);
    }
    const bool failed = read.error != ErrorCode::kNone;
    outcomes[i] = {.high_watermark = failed ? -1 : read.result.high_watermark.value(),
                   .log_start = failed ? -1 : read.result.log_start.value(),
                   .has_records = bytes_[i] > 0,
                   .has_error = failed,
                   .has_diverging_epoch = read.result.diverging.has_value()};
  }
  return outcomes;
}

// Kafka names what it read first, then ids without a topic, then partitions that the metadata does not know; to a
// replica the latter two in the order of the request.
std::vector<std::size_t> FetchOperation::answer_order() const {
  const auto rank = [this](std::size_t i) {
    const FetchRead& read = reads_[i];
    int late = 0;
    if (!read.asked && read.error == ErrorCode::kUnknownTopicId) {
      late = terms_.replica < NodeId{0} ? 1 : 2;
    } else if (!read.asked && read.error == ErrorCode::kUnknownTopicOrPartition) {
      late = 2;
    }
    return std::pair(late, i);
  };
  std::vector<std::size_t> order(reads_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!std::ranges::is_sorted(order, {}, rank)) {
    std::ranges::sort(order, {}, rank);
  }
  return order;
}

void FetchOperation::fill(const FetchContext::Answer& session_answer, FetchResponse& response,
                          std::vector<FileRange>& ranges) {
  response.session_id = session_answer.session_id;
  const std::shared_ptr<const metadata::Image> image = context_.router.image();  // the endpoints are views into it
  LeaderEndpoints leaders;
  const bool by_id = request_.version() >= kFirstVersionWithIds;
  const FetchTopic* last = nullptr;  // whose entry is the response's last
  const metadata::Topic* read = nullptr;
  for (const std::size_t i : answer_order()) {
    if (!session_answer.included[i]) {
      continue;
    }
    const FetchKey& key = session_.partitions()[i].key;
    // Neighbours of one topic share its entry, as Kafka groups them.
    if (last == nullptr ||
        (last != key.topic.get() && (last->id != key.topic_id() || (!by_id && last->name != key.topic_name())))) {
      auto& topic = response.responses.emplace_back();
      topic.topic_id = key.topic_id();
      if (!by_id) {
        topic.topic = key.topic_name();
      }
      read = by_id ? image->topic(key.topic_id()) : image->topic(key.topic_name());
    }
    last = key.topic.get();
    auto& data = response.responses.back().partitions.emplace_back();
    data.partition_index = key.partition;
    fill_partition(data, reads_[i], bytes_[i], ranges);
    if (read != nullptr && bytes_[i] > 0) {
      context_.router.traffic().on_fetched(read->id, bytes_[i]);
    }
    if (request_.version() >= kFirstVersionWithEndpoints &&
        (reads_[i].error == ErrorCode::kNotLeaderOrFollower || reads_[i].error == ErrorCode::kFencedLeaderEpoch)) {
      const metadata::Topic* known = image->topic(key.topic_id());
      leaders.name(data.current_leader, reads_[i].leader, reads_[i].leader_epoch,
                   known == nullptr ? nullptr : known->partition(PartitionIndex(key.partition)));
    }
  }
  leaders.add_to(response, context_, request_.connection());
}

void FetchOperation::fill_partition(protocol::fetch_response::PartitionData& data, const FetchRead& read,
                                    std::size_t bytes, std::vector<FileRange>& ranges) const {
  data.error_code = to_wire(read.error);
  data.aborted_transactions.reset();
  data.records.emplace();
  if (read.error != ErrorCode::kNone) {
    data.high_watermark = -1;
    if (!read.asked &&
        (read.error == ErrorCode::kUnknownTopicOrPartition || read.error == ErrorCode::kUnknownTopicId)) {
      data.aborted_transactions.emplace();  // Kafka's default, where it did not get as far as reading
    }
    return;
  }
  data.high_watermark = read.result.high_watermark.value();
  data.last_stable_offset = read.result.last_stable.value();
  data.log_start_offset = read.result.log_start.value();
  if (read.result.diverging) {
    data.diverging_epoch.epoch = read.result.diverging->epoch.value();
    data.diverging_epoch.end_offset = read.result.diverging->end.value();
    return;  // nothing was read: no list of aborted transactions either
  }
  if (terms_.isolation == replication::FetchIsolation::kLastStable && !read.dropped) {
    auto& aborted = data.aborted_transactions.emplace();
    for (const storage::AbortedTransaction& transaction : read.result.aborted) {
      aborted.push_back(
          {.producer_id = transaction.producer_id.value(), .first_offset = transaction.first_offset.value()});
    }
  }
  if (bytes > 0) {
    data.records = wire::Records::spliced(static_cast<std::uint32_t>(ranges.size()), static_cast<std::uint32_t>(bytes));
    ranges.push_back({.file = read.result.slice.file, .position = read.result.slice.position, .size_bytes = bytes});
  }
}

}  // namespace moldau::broker
