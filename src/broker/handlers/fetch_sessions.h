// The node's fetch sessions as the connections of one shard use them.
//
// A session lives in the cache of the shard on which it was made, and its id says which that is. A request that names a
// session of another shard is opened and ended there by post; a session that it makes is made here.
//
// Shard: the connections' shard. Values travel both ways.
// Order: requests of one connection reach another shard's cache in the order in which they were handled.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/callback.h"
#include "broker/handlers/shard_context.h"
#include "broker/session/fetch_session.h"

namespace moldau::broker {

class FetchSessions {
 public:
  FetchSessions(ShardContext& context, const std::vector<ShardContext*>& peers) : context_(context), peers_(peers) {}

  // The session's view of the request if that can be had on this shard; nullopt: open_elsewhere(), with the same
  // request.
  [[nodiscard]] std::optional<FetchContext> try_open(FetchSessionCache::Request& request);
  // `opened` runs on this shard in a later turn. It travels to the other shard and back: it captures values only.
  void open_elsewhere(FetchSessionCache::Request request, Function<void(FetchContext)> opened);
  // Ends the request: one outcome per partition. `finished` gets the context back: before this returns if the session
  // is of this shard, else as above.
  using Finished = Function<void(FetchContext, FetchContext::Answer)>;
  void finish(FetchContext session, std::vector<FetchOutcome> outcomes, Finished finished);

 private:
  // The shard of the session if it is another one.
  [[nodiscard]] ShardContext* elsewhere(std::int32_t session_id) const;

  ShardContext& context_;
  const std::vector<ShardContext*>& peers_;
};

}  // namespace moldau::broker
