#include "http/server.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace moldau::http {
namespace {

constexpr std::chrono::seconds kSweepInterval{1};
constexpr std::chrono::minutes kWarnInterval{1};

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

std::string render(const HttpResponse& response, bool head_only, bool keep_alive) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {}\r\nX-Content-Type-Options: "
      "nosniff\r\n\r\n",
      response.status, reason(response.status), response.content_type, response.body.size(),
      keep_alive ? "keep-alive" : "close");
  if (!head_only) {
    text += response.body;
  }
  return text;
}

}  // namespace

class Server::Connection final : public runtime::SocketHandler {
 public:
  Connection(Server& server, std::uint64_t id, std::unique_ptr<runtime::Socket> socket)
      : server_(server), id_(id), socket_(std::move(socket)), active_(server.shard_.clock().now()) {
    socket_->set_handler(*this);
    socket_->watch_readable();
  }

  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
  // The first to go when there is no room: one that waits for its peer, and of those the one that has waited longest.
  [[nodiscard]] auto place() const noexcept { return std::pair(busy_, active_); }
  [[nodiscard]] bool is_overdue(runtime::MonoTime now) const noexcept {
    const bool reads_head = !busy_ && (!received_.empty() || !was_asked_);
    return now - active_ > (reads_head ? kHeadMax : kIdleMax);
  }

  // No event reaches the server from here on; the object itself goes in a later turn.
  void end() noexcept { ended_ = true; }

  void on_readable() override {
    if (ended_) {
      return;
    }
    std::array<std::byte, 4096> space;
    for (;;) {
      const runtime::IoResult result = socket_->try_read(space);
      if (result.status == runtime::IoStatus::kClosed) {
        peer_ended_ = true;  // it may still take the answer
        break;
      }
      if (result.status == runtime::IoStatus::kWouldBlock) {
        break;
      }
      if (received_.empty()) {
        active_ = server_.shard_.clock().now();  // of the request's first byte
      }
      received_.insert(received_.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(result.bytes));
      if (received_.size() > kRequestHeadBytesMax) {
        break;
      }
    }
    go_on();
  }

  void on_writable() override {
    send();
    go_on();
  }

  void answer(const HttpResponse& response) {
    active_ = server_.shard_.clock().now();
    out_ += render(response, head_only_, keep_alive_);
    send();
    go_on();
  }

 private:
  // Starts the next request if the last one is answered and its answer has left. An endpoint that answers at once comes
  // back here; the loop of the first call then goes on, so that many small requests do not nest.
  void go_on() {
    if (std::exchange(in_loop_, true)) {
      return;
    }
    while (!busy_ && !ended_) {
      ParsedRequest parsed = parse_request(received_);
      if (parsed.status == ParseStatus::kNeedBytes) {
        if (peer_ended_) {
          server_.close(id_);
        } else {
          socket_->watch_readable();
        }
        break;
      }
      busy_ = was_asked_ = true;
      begin(parsed);
    }
    in_loop_ = false;
  }

  void begin(const ParsedRequest& parsed) {
    if (parsed.status == ParseStatus::kBad) {
      keep_alive_ = head_only_ = false;
      return answer({.status = 400, .body = "bad request\n"});
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(parsed.consumed_bytes));
    keep_alive_ = parsed.request.keep_alive;
    head_only_ = parsed.request.method == "HEAD";
    server_.handle(*this, parsed.request);
  }

  void send() {
    if (ended_ || !busy_ || out_.empty()) {
      return;
    }
    while (!out_.empty()) {
      const runtime::OutRegion region{.memory = as_bytes(out_), .file = nullptr, .position = 0, .size = out_.size()};
      const runtime::IoResult result = socket_->try_write(std::span(&region, 1));
      if (result.status == runtime::IoStatus::kWouldBlock) {
        socket_->watch_writable();
        return;
      }
      if (result.status == runtime::IoStatus::kClosed) {
        return server_.close(id_);
      }
      out_.erase(0, result.bytes);
    }
    active_ = server_.shard_.clock().now();
    if (!keep_alive_) {
      return server_.close(id_);
    }
    busy_ = false;
  }

  Server& server_;
  std::uint64_t id_;
  std::unique_ptr<runtime::Socket> socket_;
  ByteVector received_;
  std::string out_;
  runtime::MonoTime active_;
  bool busy_ = false;  // a request is with its endpoint, or its answer has not left
  bool was_asked_ = false;
  bool peer_ended_ = false;  // nothing more comes
  bool in_loop_ = false;
  bool ended_ = false;
  bool keep_alive_ = false;
  bool head_only_ = false;
};

Server::Server(runtime::Shard& shard, runtime::Network& network, Logger& logger)
    : shard_(shard), network_(network), logger_(logger), sweep_timer_(shard.timers(), [this] { sweep(); }) {}

Server::~Server() {
  *alive_ = false;
}

void Server::add(std::string path, Endpoint endpoint) {
  endpoints_.emplace(std::move(path), std::move(endpoint));
}

Result<> Server::start(const runtime::Endpoint& at) {
  constexpr int kBacklog = 16;
  MOLDAU_TRY(listener, network_.listen(at, {.backlog = kBacklog}, *this));
  listener_ = std::move(listener);
  sweep_timer_.arm(shard_.clock().now() + kSweepInterval);
  return {};
}

void Server::on_accept(std::unique_ptr<runtime::Socket> socket) {
  if (connections_.size() >= kConnectionsMax) {
    make_room();
  }
  const std::uint64_t id = next_id_++;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, std::move(socket)));
}

void Server::make_room() {
  const auto longest =
      std::ranges::min_element(connections_, {}, [](const auto& entry) { return entry.second->place(); });
  const runtime::MonoTime now = shard_.clock().now();
  if (!warned_at_ || now - *warned_at_ >= kWarnInterval) {
    warned_at_ = now;
    log(logger_, LogLevel::kWarn, "http",
        "all {} connections are taken: each new one closes the one that has been idle longest", kConnectionsMax);
  }
  close(longest->first);
}

void Server::handle(Connection& connection, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return connection.answer({.status = 405, .body = "only GET and HEAD\n"});
  }
  const auto found = endpoints_.find(request.path);
  if (found == endpoints_.end()) {
    return connection.answer({.status = 404, .body = "no such page\n"});
  }
  found->second(request, [this, alive = alive_, id = connection.id()](const HttpResponse& response) {
    if (!*alive) {
      return;
    }
    if (const auto open = connections_.find(id); open != connections_.end()) {
      open->second->answer(response);
    }
  });
}

void Server::sweep() {
  const runtime::MonoTime now = shard_.clock().now();
  std::erase_if(connections_, [now](const auto& entry) { return entry.second->is_overdue(now); });
  sweep_timer_.arm(now + kSweepInterval);
}

// A connection never outlives this call, and may be the caller's: it is destroyed in a later turn.
void Server::close(std::uint64_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) {
    return;
  }
  found->second->end();
  shard_.post([connection = std::shared_ptr<Connection>(std::move(found->second))] {});
  connections_.erase(found);
}

}  // namespace moldau::http
