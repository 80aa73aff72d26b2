#include "broker/handlers/fetch_sessions.h"

#include <utility>

#include "base/assert.h"

namespace moldau::broker {

ShardContext* FetchSessions::elsewhere(std::int32_t session_id) const {
  const auto shard = SessionIds::shard_of(session_id, static_cast<std::uint32_t>(peers_.size()));
  return shard && *shard != context_.shard.index() ? peers_[*shard] : nullptr;
}

std::optional<FetchContext> FetchSessions::try_open(FetchSessionCache::Request& request) {
  if (ShardContext* peer = elsewhere(request.session_id)) {
    if (request.session_epoch != kInitialSessionEpoch && request.session_epoch != kFinalSessionEpoch) {
      return std::nullopt;
    }
    // A full request needs nothing of the session it names but its end.
    peer->shard.post([peer, id = request.session_id] { peer->sessions.close(id); });
    request.session_id = kNoSession;
  }
  return context_.sessions.open(std::move(request), context_.shard.clock().wall_ms());
}

void FetchSessions::open_elsewhere(FetchSessionCache::Request request, Function<void(FetchContext)> opened) {
  ShardContext* here = &context_;
  ShardContext* peer = elsewhere(request.session_id);
  MOLDAU_ASSERT(peer != nullptr, request.session_id);
  peer->shard.post([peer, here, request = std::move(request), opened = std::move(opened)]() mutable {
    FetchContext session = peer->sessions.open(std::move(request), peer->shard.clock().wall_ms());
    here->shard.post(
        [session = std::move(session), opened = std::move(opened)]() mutable { opened(std::move(session)); });
  });
}

void FetchSessions::finish(FetchContext session, std::vector<FetchOutcome> outcomes, Finished finished) {
  ShardContext* peer = elsewhere(session.session_id());
  if (peer == nullptr) {
    FetchContext::Answer answer = session.finish(context_.sessions, outcomes, context_.shard.clock().wall_ms());
    return finished(std::move(session), std::move(answer));
  }
  ShardContext* here = &context_;
  peer->shard.post([peer, here, session = std::move(session), outcomes = std::move(outcomes),
                    finished = std::move(finished)]() mutable {
    FetchContext::Answer answer = session.finish(peer->sessions, outcomes, peer->shard.clock().wall_ms());
    here->shard.post([session = std::move(session), answer = std::move(answer),
                      finished = std::move(finished)]() mutable { finished(std::move(session), std::move(answer)); });
  });
}

}  // namespace moldau::broker
