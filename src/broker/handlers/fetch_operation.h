// One fetch from its request to its answer, on the connection's shard.
//
// Quota:      an answer that goes over its client's quota is sent without data, and does not count; the session stays
// as it
//             was.
// Invariants: O1 it answers once; from then on its parts are told to go and later deliveries are ignored.
//             O2 reads_ always holds the newest read of every partition, and their sums are right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/handlers/fetch_sessions.h"
#include "broker/handlers/shard_context.h"
#include "broker/partitions/fetch_part.h"
#include "broker/partitions/scatter.h"
#include "broker/request/request.h"
#include "protocol/messages/fetch_response.h"
#include "runtime/timer.h"

namespace moldau::broker {

struct FetchTerms {
  std::int32_t max_wait_ms = 0;
  std::size_t min_bytes = 0;
  std::size_t bytes_max = 0;
  replication::FetchIsolation isolation = replication::FetchIsolation::kHighWatermark;
  bool leader_only = true;
  bool bytes_max_is_negative = false;
  NodeId replica = kNoNode;  // who fetches: -1 a consumer, -2 a debugging one
};

class FetchOperation final : public std::enable_shared_from_this<FetchOperation> {
 public:
  // `answered` runs when the answer has been given.
  FetchOperation(ShardContext& context, const std::vector<ShardContext*>& peers, FetchSessions& sessions,
                 Request request, FetchContext session, const FetchTerms& terms, Callback answered);
  ~FetchOperation();

  void start();
  // The connection is gone: nothing is owed any more.
  void abandon();

 private:
  struct Part {
    std::uint32_t shard = 0;
    FetchPart* part = nullptr;  // lives on `shard`, in its OperationSet
  };

  void scatter(const std::vector<std::size_t>& indexes, const std::vector<TopicIdPartition>& ids, const Owners& owners);
  void start_part(std::uint32_t shard, std::vector<FetchItem> items);
  void on_reads(std::vector<FetchRead> reads);
  [[nodiscard]] bool is_satisfied() const;
  // Puts a read into the sums, or takes it out.
  void count(const FetchRead& read, bool in);
  void park_or_answer();
  // Ends the session's part, which may take a later turn, then sends.
  void answer();
  void send(const FetchContext::Answer& session_answer);
  [[nodiscard]] bool is_held_off();
  void send_nothing();
  void release_parts();
  // How much of each read goes into the answer, and what that means for the session.
  [[nodiscard]] std::vector<FetchOutcome> decide();
  // The partitions' places in the answer.
  [[nodiscard]] std::vector<std::size_t> answer_order() const;
  void fill(const FetchContext::Answer& session_answer, protocol::FetchResponse& response,
            std::vector<FileRange>& ranges);
  void fill_partition(protocol::fetch_response::PartitionData& data, const FetchRead& read, std::size_t bytes,
                      std::vector<FileRange>& ranges) const;
  [[nodiscard]] std::optional<protocol::ErrorCode> refuse_replica(const metadata::PartitionRegistration& partition,
                                                                  std::size_t index) const;
  [[nodiscard]] bool fails_on_its_limit(const FetchRead& read) const;
  [[nodiscard]] FetchItem item_for(std::size_t index, const TopicIdPartition& id) const;

  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
  FetchSessions& sessions_;
  Request request_;
  FetchContext session_;
  FetchTerms terms_;
  Callback answered_;
  std::vector<FetchRead> reads_;        // by partition of the session
  std::size_t first_known_ = SIZE_MAX;  // of the partitions that the metadata knows
  std::size_t readable_bytes_ = 0;      // of all reads
  std::size_t endings_ = 0;             // reads that end the wait whatever their bytes
  std::vector<std::size_t> bytes_;      // of each read in the answer, once decided
  std::vector<Part> parts_;
  std::size_t reads_outstanding_ = 0;  // parts that have not delivered their first read
  bool parked_ = false;
  bool ended_ = false;
  runtime::Timer deadline_;
};

}  // namespace moldau::broker
