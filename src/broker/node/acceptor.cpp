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
  admit_waiting();
}

void Acceptor::close() {
  socket_.reset();
  waiting_.clear();
  tables_.clear();
}

runtime::Endpoint Acceptor::advertised() const {
  runtime::Endpoint endpoint = listener_.told();
  if (endpoint.port == 0) {
    endpoint.port = socket_->local().port;
  }
  return endpoint;
}

void Acceptor::on_accept(std::unique_ptr<runtime::Socket> socket) {
  if (waiting_.size() >= waiting_max_) {
    const runtime::Endpoint& peer = socket->peer();
    log(logger_, LogLevel::kDebug, "net", "refused {}:{}: {} connections wait already", peer.host, peer.port,
        waiting_max_);
    return;
  }
  waiting_.push_back(std::move(socket));
  admit_waiting();
}

void Acceptor::admit_waiting() {
  while (!tables_.empty() && !waiting_.empty() && !asked_for_slot_) {
    auto slot = quota_.try_open();
    if (!slot) {
      log(logger_, LogLevel::kWarn, "net",
          "listener {}: new connections wait, since {} are open: max.connections, or its part of the open files limit",
          listener_.name, quota_.connections_max());
      asked_for_slot_ = true;
      quota_.wait([this] {
        asked_for_slot_ = false;
        admit_waiting();
      });
      return;
    }
    std::unique_ptr<runtime::Socket> socket = std::move(waiting_.front());
    waiting_.pop_front();
    deal_out(std::move(socket), *std::move(slot));
  }
}

void Acceptor::deal_out(std::unique_ptr<runtime::Socket> socket, ConnectionSlot slot) {
  const std::size_t shard = next_++ % tables_.size();
  if (shard == 0) {
    tables_[0]->add(std::move(socket), listener_.name, std::move(slot));
    return;
  }
  ConnectionInfo info;
  info.listener_name = listener_.name;
  info.local = socket->local();
  info.peer = socket->peer();
  info.slot = std::move(slot);
  tables_[0]->hand_over(static_cast<std::uint32_t>(shard), socket->detach(), std::move(info), {}, false);
}

}  // namespace moldau::broker
