#include "broker/request/dispatcher.h"

#include <utility>

#include "base/assert.h"
#include "protocol/wire/reader.h"

namespace moldau::broker {

Dispatcher::Dispatcher(runtime::Shard& shard, Logger& logger, ListenerKind kind, Placement* placement,
                       RequestAccounts* accounts)
    : shard_(shard), logger_(logger), kind_(kind), placement_(placement), accounts_(accounts) {}

void Dispatcher::add(protocol::ApiKey key, std::unique_ptr<Handler> handler) {
  const protocol::ApiInfo& api = protocol::api_info(key);
  const std::uint8_t needed = kind_ == ListenerKind::kBroker ? protocol::kOnBroker : protocol::kOnController;
  MOLDAU_ASSERT((api.listeners & needed) != 0, static_cast<std::int64_t>(key));
  Entry* entry = find(static_cast<std::int16_t>(key));
  MOLDAU_ASSERT(entry != nullptr && !entry->handler, static_cast<std::int64_t>(key));
  entry->api = &api;
  entry->handler = std::move(handler);
  entry->counters.by_version.resize(static_cast<std::size_t>(api.max_version) + 1);
}

Dispatcher::Entry* Dispatcher::find(std::int16_t key) noexcept {
  return key < 0 || static_cast<std::size_t>(key) >= kKeys ? nullptr : &entries_[static_cast<std::size_t>(key)];
}

std::vector<const protocol::ApiInfo*> Dispatcher::served() const {
  std::vector<const protocol::ApiInfo*> apis;
  for (const Entry& entry : entries_) {
    if (entry.handler) {
      apis.push_back(entry.api);
    }
  }
  return apis;
}

std::uint32_t Dispatcher::home_of(const ConnectionInfo& /*info*/, Bytes frame) {
  if (placement_ == nullptr || frame.size() < 2) {
    return shard_.index();
  }
  const auto key = load_be<std::int16_t>(frame.data());
  if (key != static_cast<std::int16_t>(protocol::ApiKey::kProduce) &&
      key != static_cast<std::int16_t>(protocol::ApiKey::kFetch)) {
    return shard_.index();
  }
  wire::Reader reader(frame);
  const auto header = protocol::decode_request_header(reader);
  const Entry* entry = find(key);
  if (!header || entry->api == nullptr || !entry->api->supports(header->request_api_version)) {
    return shard_.index();  // on_frame closes it
  }
  return placement_->home_of(*entry->api, header->request_api_version, frame.subspan(reader.position()));
}

void Dispatcher::on_frame(ConnectionInfo& info, Frame frame, ResponseTicket ticket) {
  wire::Reader reader(frame.bytes);
  auto header = protocol::decode_request_header(reader);
  if (!header) {
    log(logger_, LogLevel::kDebug, "net", "closing {}:{}: request header: {}", info.peer.host, info.peer.port,
        header.error().message());
    ticket.answer(Response::close());
    return;
  }
  Entry* entry = find(header->request_api_key);
  const bool any_version = header->request_api_key == static_cast<std::int16_t>(protocol::ApiKey::kApiVersions);
  if (entry == nullptr || !entry->handler || !(any_version || entry->api->supports(header->request_api_version))) {
    log(logger_, LogLevel::kDebug, "net", "closing {}:{}: API key {} version {} is not served here", info.peer.host,
        info.peer.port, header->request_api_key, header->request_api_version);
    if (entry != nullptr) {
      ++entry->counters.refused;
    }
    ticket.answer(Response::close());
    return;
  }
  ++entry->counters.requests;
  const bool known = entry->api->supports(header->request_api_version);
  ++entry->counters.by_version[known ? static_cast<std::size_t>(header->request_api_version) : 0];
  if (const std::string_view client_id = header->client_id.value_or(""); info.client_id != client_id) {
    info.client_id = client_id;
  }
  Request request(*entry->api, *std::move(header), reader.position(), std::move(frame), std::move(ticket),
                  shard_.clock().now(), accounts_);
  if (request.limited()) [[unlikely]] {
    return handle_limited(info, *entry->handler, std::move(request));
  }
  info.one_at_a_time = false;
  entry->handler->handle(std::move(request));
}

void Dispatcher::handle_limited(ConnectionInfo& info, Handler& handler, Request request) {
  info.one_at_a_time = accounts_->is_held_to_one(info.client_id);
  accounts_->begin_handling();
  handler.handle(std::move(request));
  accounts_->end_handling(info.client_id);
}

void Dispatcher::on_connection_closed(ConnectionId connection) {
  for (Entry& entry : entries_) {
    if (entry.handler) {
      entry.handler->on_connection_closed(connection);
    }
  }
}

const RequestCounters& Dispatcher::counters_of(protocol::ApiKey key) const {
  return entries_[static_cast<std::size_t>(key)].counters;
}

}  // namespace moldau::broker
