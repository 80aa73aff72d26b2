#include "broker/node/acceptor.h"

#include <utility>

namespace moldau::broker {

Result<> Acceptor::bind(runtime::Network& network, int backlog) {
  MOLDAU_TRY(socket, network.listen(listener_.bind, backlog, *this));
  socket_ = std::move(socket);
  return {};
}

void Acceptor::open(std::vector<ConnectionTable*> tables) {
  tables_ = std::move(tables);
  for (std::unique_ptr<runtime::Socket>& socket : std::exchange(waiting_, {})) {
    deal_out(std::move(socket));
  }
}

void Acceptor::close() {
  socket_.reset();
  waiting_.clear();
  tables_.clear();
}

runtime::Endpoint Acceptor::advertised() const {
  runtime::Endpoint endpoint = listener_.advertised.value_or(listener_.bind);
  if (endpoint.port == 0) {
    endpoint.port = socket_->local().port;
  }
  if (endpoint.host.empty() || endpoint.host == "0.0.0.0" || endpoint.host == "::") {
    endpoint.host = "localhost";  // "every address" is none that a client could connect to
  }
  return endpoint;
}

void Acceptor::on_accept(std::unique_ptr<runtime::Socket> socket) {
  if (!tables_.empty()) {
    deal_out(std::move(socket));
  } else if (waiting_.size() < kWaitingMax) {
    waiting_.push_back(std::move(socket));
  }
}

void Acceptor::deal_out(std::unique_ptr<runtime::Socket> socket) {
  const std::size_t shard = next_++ % tables_.size();
  if (shard == 0) {
    tables_[0]->add(std::move(socket), listener_.name);
    return;
  }
  ConnectionInfo info;
  info.listener_name = listener_.name;
  info.local = socket->local();
  info.peer = socket->peer();
  tables_[0]->hand_over(static_cast<std::uint32_t>(shard), socket->detach(), std::move(info), {});
}

}  // namespace moldau::broker
