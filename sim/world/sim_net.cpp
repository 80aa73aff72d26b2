#include "sim/world/sim_net.h"

#include <charconv>
#include <cerrno>

#include <fmt/format.h>

#include "base/assert.h"
#include "sim/world/sim_connection.h"

namespace moldau::sim {

using runtime::Endpoint;
using runtime::MonoTime;

namespace {

constexpr std::uint16_t kFirstEphemeralPort = 32'768;

class SimListener final : public runtime::Listener {
 public:
  explicit SimListener(std::shared_ptr<SimListenerCore> core) noexcept : core_(std::move(core)) {}
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;
  ~SimListener() override { core_->handler_ = nullptr; }  // the switchboard forgets it at the next look
  [[nodiscard]] const Endpoint& local() const noexcept override { return core_->local_; }

 private:
  std::shared_ptr<SimListenerCore> core_;
};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string SimNet::host_of(std::uint32_t node) {
  return fmt::format("10.0.{}.{}", node >> 8 & 0xFF, node & 0xFF);
}

std::optional<std::uint32_t> SimNet::node_of(std::uint32_t self, const std::string& host) {
  if (host.empty() || host == "localhost" || host == "127.0.0.1" || host == "::1" || host == "0.0.0.0" ||
      host == "::") {
    return self;
  }
  if (host.starts_with("node-")) {
    return number<std::uint32_t>(std::string_view(host).substr(5));
  }
  if (host.starts_with("10.0.")) {
    const std::string_view rest = std::string_view(host).substr(5);
    const std::size_t dot = rest.find('.');
    const auto high = number<std::uint8_t>(rest.substr(0, dot));
    const auto low = dot == std::string_view::npos ? std::nullopt : number<std::uint8_t>(rest.substr(dot + 1));
    if (high && low) {
      return std::uint32_t{*high} << 8 | *low;
    }
  }
  return std::nullopt;
}

MonoTime SimNet::arrival() {
  const auto low = static_cast<std::uint64_t>(std::chrono::nanoseconds(faults_.delay_min).count());
  const auto high = static_cast<std::uint64_t>(std::chrono::nanoseconds(faults_.delay_max).count());
  return events_.now() + std::chrono::nanoseconds(random_.between(low, std::max(low, high)));
}

void SimNet::partition(std::uint32_t a, std::uint32_t b) {
  block(a, b);
  block(b, a);
}

void SimNet::reset_connections(std::uint32_t a, std::uint32_t b) {
  forget_closed();
  for (const auto& weak : std::vector(connections_)) {
    const auto connection = weak.lock();
    const std::uint32_t client = connection->end(SimConnection::Side::kClient).node;
    const std::uint32_t server = connection->end(SimConnection::Side::kServer).node;
    if ((client == a && server == b) || (client == b && server == a)) {
      connection->reset();
    }
  }
}

std::size_t SimNet::connection_count() {
  forget_closed();
  return connections_.size();
}

void SimNet::forget_closed() {
  std::erase_if(connections_, [](const std::weak_ptr<SimConnection>& weak) {
    const auto connection = weak.lock();
    return connection == nullptr || connection->dead();
  });
}

void SimNet::process_died(const Process& process, bool silent) {
  std::erase_if(listeners_, [&](const auto& entry) { return &entry.second->shard_->process() == &process; });
  forget_closed();
  for (const auto& weak : std::vector(connections_)) {
    const auto connection = weak.lock();
    for (const auto side : {SimConnection::Side::kClient, SimConnection::Side::kServer}) {
      if (connection->end(side).process != &process) {
        continue;
      }
      if (silent) {
        connection->fall_silent(side);
      } else {
        connection->close(side);
      }
    }
  }
}

std::uint16_t SimNet::free_port(std::uint32_t node) {
  std::uint16_t& next = next_port_.try_emplace(node, kFirstEphemeralPort).first->second;
  while (listeners_.contains({node, next})) {
    next = next == 65'535 ? kFirstEphemeralPort : static_cast<std::uint16_t>(next + 1);
  }
  const std::uint16_t port = next;
  next = next == 65'535 ? kFirstEphemeralPort : static_cast<std::uint16_t>(next + 1);
  return port;
}

Result<std::unique_ptr<runtime::Listener>> SimNetwork::listen(const Endpoint& at, const runtime::ListenOptions& options,
                                                              runtime::AcceptHandler& handler) {
  const std::uint32_t node = shard_.process().node;
  const auto bound = SimNet::node_of(node, at.host);
  if (!bound) {
    return fail(ErrorKind::kNotFound, "host name cannot be resolved");
  }
  if (*bound != node) {
    return fail(ErrorKind::kIo, "cannot listen", EADDRNOTAVAIL, at.port);
  }
  std::erase_if(net_.listeners_, [](const auto& entry) { return entry.second->handler_ == nullptr; });
  const std::uint16_t port = at.port != 0 ? at.port : net_.free_port(node);
  if (net_.listeners_.contains({node, port})) {
    return fail(ErrorKind::kIo, "cannot listen", EADDRINUSE, port);
  }
  auto core = std::make_shared<SimListenerCore>(shard_, handler, Endpoint{at.host, port},
                                                static_cast<std::size_t>(std::max(1, options.backlog)));
  net_.listeners_[{node, port}] = core;
  return std::make_unique<SimListener>(std::move(core));
}

Result<std::unique_ptr<runtime::Socket>> SimNetwork::connect(const Endpoint& to) {
  using Side = SimConnection::Side;
  std::erase_if(net_.listeners_, [](const auto& entry) { return entry.second->handler_ == nullptr; });
  const std::uint32_t node = shard_.process().node;
  const auto target = SimNet::node_of(node, to.host);
  auto connection = std::make_shared<SimConnection>(net_, net_.next_connection_++);
  net_.forget_closed();
  net_.connections_.push_back(connection);
  SimConnection::End& client = connection->end(Side::kClient);
  SimConnection::End& server = connection->end(Side::kServer);
  client.node = node;
  client.process = &shard_.process();
  client.shard = &shard_;
  server.node = target.value_or(UINT32_MAX);  // an unknown name: nobody listens there
  const bool loopback = target == node && !to.host.starts_with("10.") && !to.host.starts_with("node-");
  client.local = {loopback ? "127.0.0.1" : SimNet::host_of(node), net_.free_port(node)};
  client.peer = {loopback ? "127.0.0.1" : SimNet::host_of(server.node), to.port};
  server.local = client.peer;
  server.peer = client.local;
  for (const Side side : {Side::kClient, Side::kServer}) {
    connection->end(side).buffer_bytes = net_.random_.between(
        net_.faults_.buffer_bytes_min, std::max(net_.faults_.buffer_bytes_min, net_.faults_.buffer_bytes_max));
  }
  connection->start(net_.events_.now() + net_.faults_.give_up_after);
  return std::make_unique<SimSocket>(std::move(connection), Side::kClient);
}

std::unique_ptr<runtime::Socket> SimNetwork::attach(std::unique_ptr<runtime::DetachedSocket> socket) {
  auto* detached = dynamic_cast<SimDetachedSocket*>(socket.get());
  MOLDAU_ASSERT(detached != nullptr);
  return detached->attach(shard_);
}

}  // namespace moldau::sim
