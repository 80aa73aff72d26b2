// The embedded HTTP server: /metrics, /livez, /readyz. GET and HEAD only, on loopback unless configured otherwise.
//
// Shard:  one, the one that it was made on. Handlers may answer later, on the same shard.
// Bounds: kConnectionsMax connections, kRequestHeadBytesMax each, one request at a time on a connection. A connection
// is
//         closed when the whole of a request has not come within kHeadMax of its first byte, or of the connection, and
//         when it is idle between requests, waits for its endpoint, or has not taken the whole of its answer for
//         kIdleMax. One more connection takes the place of the one that has been idle longest: whoever holds all
//         places must not keep a supervisor from /livez.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/callback.h"
#include "base/log.h"
#include "base/result.h"
#include "http/request_parser.h"
#include "runtime/net.h"
#include "runtime/shard.h"

namespace moldau::http {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using Reply = Function<void(HttpResponse)>;  // call once, on the server's shard; a reply dropped uncalled closes
using Endpoint = Function<void(const HttpRequest&, Reply)>;

class Server final : private runtime::AcceptHandler {
 public:
  static constexpr std::size_t kConnectionsMax = 64;
  static constexpr std::chrono::seconds kHeadMax{5};
  static constexpr std::chrono::seconds kIdleMax{30};

  Server(runtime::Shard& shard, runtime::Network& network, Logger& logger);
  ~Server() override;

  // Before start().
  void add(std::string path, Endpoint endpoint);
  [[nodiscard]] Result<> start(const runtime::Endpoint& at);
  // The bound address.
  [[nodiscard]] const runtime::Endpoint& local() const { return listener_->local(); }

 private:
  class Connection;
  friend class Connection;

  void on_accept(std::unique_ptr<runtime::Socket> socket) override;
  void make_room();
  void handle(Connection& connection, const HttpRequest& request);
  void sweep();
  void close(std::uint64_t id);

  runtime::Shard& shard_;
  runtime::Network& network_;
  Logger& logger_;
  std::unordered_map<std::string, Endpoint> endpoints_;
  std::unique_ptr<runtime::Listener> listener_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 1;
  std::optional<runtime::MonoTime> warned_at_;  // that all places were taken
  runtime::Timer sweep_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late replies look whether the server is still there
};

}  // namespace moldau::http
