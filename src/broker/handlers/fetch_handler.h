// Fetch v4-v18: reads batches as stored, by session, waits for enough of them.
//
// Answers:    records leave as file ranges (sendfile), never rebuilt. A fetch with too little to read is parked on its
//             partitions and answered when they have min_bytes together, an error, a diverging epoch, or when
//             max_wait_ms is over; it ends with its connection.
// Bound:      one parked fetch per connection; max_bytes is capped by fetch.max.bytes.
// Source:     KafkaApis.handleFetchRequest, DelayedFetch; KIP-227, 320, 516, 951; inventory §6, 31-37.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/handlers/fetch_operation.h"
#include "broker/handlers/fetch_sessions.h"
#include "broker/handlers/shard_context.h"
#include "broker/request/dispatcher.h"

namespace moldau::broker {

class FetchHandler final : public Handler {
 public:
  FetchHandler(ShardContext& context, const std::vector<ShardContext*>& peers);
  ~FetchHandler() override;

  void handle(Request request) override;
  void on_connection_closed(ConnectionId connection) override;

  [[nodiscard]] std::size_t parked() const noexcept { return operations_.size(); }

 private:
  // A request whose session is being asked for on another shard.
  struct Opening {
    Request request;
    FetchTerms terms;
  };

  void on_opened(ConnectionId connection, FetchContext session);
  void start(Request request, FetchContext session, const FetchTerms& terms);
  void finish(ConnectionId connection);

  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
  FetchSessions sessions_;
  std::unordered_map<ConnectionId, Opening> opening_;
  std::unordered_map<ConnectionId, std::shared_ptr<FetchOperation>> operations_;
  std::shared_ptr<FetchHandler*> alive_;  // answers of other shards find out whether this is still there
};

}  // namespace moldau::broker
