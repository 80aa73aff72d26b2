// Frames to handlers: decodes the header, judges key and version, hands the request to the API's handler.
//
// Shard:  one per shard and listener kind.
// Answers: an unknown key, a key that this listener does not serve, a version outside of the API's range or a header
// that
//         does not parse closes the connection without an answer, as in Kafka; ApiVersions answers every version
//         itself.
// Source: Kafka's SocketServer.Processor, RequestContext.parseRequest (inventory §6, 2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/log.h"
#include "broker/net/connection.h"
#include "broker/request/request.h"
#include "protocol/api/api_key.h"
#include "runtime/shard.h"

namespace moldau::broker {

// One API. A handler is an object with what it needs, made once per shard.
class Handler {
 public:
  virtual ~Handler() = default;
  // Answers now or later; must close() what does not decode.
  virtual void handle(Request request) = 0;
  virtual void on_connection_closed(ConnectionId /*connection*/) {}
};

// Where a connection should live: decided by its first Produce or Fetch.
class Placement {
 public:
  virtual ~Placement() = default;
  // The shard that owns most partitions of the request, or this shard's index.
  [[nodiscard]] virtual std::uint32_t home_of(const protocol::ApiInfo& api, std::int16_t version, Bytes body) = 0;
};

struct RequestCounters {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;              // closed for key, version or header
  std::vector<std::uint64_t> by_version;  // of the requests; an unknown version of ApiVersions counts as 0, as answered
};

class Dispatcher final : public FrameHandler {
 public:
  // `accounts` may be null: nobody asks what requests cost.
  Dispatcher(runtime::Shard& shard, Logger& logger, ListenerKind kind, Placement* placement,
             RequestAccounts* accounts = nullptr);

  // Once per API, before the first connection. The API must be one that this listener kind has.
  void add(protocol::ApiKey key, std::unique_ptr<Handler> handler);
  // The APIs served here, by ascending key: what ApiVersions advertises.
  [[nodiscard]] std::vector<const protocol::ApiInfo*> served() const;

  [[nodiscard]] std::uint32_t home_of(const ConnectionInfo& info, Bytes frame) override;
  void on_frame(ConnectionInfo& info, Frame frame, ResponseTicket ticket) override;
  void on_connection_closed(ConnectionId connection) override;

  [[nodiscard]] const RequestCounters& counters_of(protocol::ApiKey key) const;

 private:
  static constexpr std::size_t kKeys = 128;  // API keys are small; 0..92 in 4.3
  struct Entry {
    const protocol::ApiInfo* api = nullptr;
    std::unique_ptr<Handler> handler;
    RequestCounters counters;
  };
  Entry* find(std::int16_t key) noexcept;
  void handle_limited(ConnectionInfo& info, Handler& handler, Request request);

  runtime::Shard& shard_;
  Logger& logger_;
  ListenerKind kind_;
  Placement* placement_;  // null on the controller listener
  RequestAccounts* accounts_;
  std::array<Entry, kKeys> entries_;
};

}  // namespace moldau::broker
