#include "broker/handlers/testing/memory_client.h"

#include <algorithm>

#include "runtime/fs.h"

namespace moldau::broker::testing {

MemorySocket::MemorySocket(moldau::testing::ManualShard& shard, std::shared_ptr<MemoryWire> wire)
    : shard_(shard), wire_(std::move(wire)) {}

MemorySocket::~MemorySocket() {
  wire_->handler = nullptr;
}

void MemorySocket::set_handler(runtime::SocketHandler& handler) {
  wire_->handler = &handler;
}

void MemorySocket::watch_readable() {
  wire_->broker_watches = true;
  if (wire_->read_by_broker < wire_->to_broker.size() || wire_->client_closed) {
    shard_.post([wire = wire_] {
      if (wire->handler != nullptr && std::exchange(wire->broker_watches, false)) {
        wire->handler->on_readable();
      }
    });
  }
}

void MemorySocket::watch_writable() {
  shard_.post([wire = wire_] {
    if (wire->handler != nullptr) {
      wire->handler->on_writable();
    }
  });
}

runtime::IoResult MemorySocket::try_read(MutableBytes into) {
  const std::size_t left = wire_->to_broker.size() - wire_->read_by_broker;
  const std::size_t count = std::min(left, into.size());
  if (count == 0) {
    return {.status = wire_->client_closed ? runtime::IoStatus::kClosed : runtime::IoStatus::kWouldBlock, .bytes = 0};
  }
  std::copy_n(wire_->to_broker.begin() + static_cast<std::ptrdiff_t>(wire_->read_by_broker), count, into.begin());
  wire_->read_by_broker += count;
  return {.status = runtime::IoStatus::kOk, .bytes = count};
}

runtime::IoResult MemorySocket::try_write(std::span<const runtime::OutRegion> regions) {
  std::size_t written = 0;
  for (const runtime::OutRegion& region : regions) {
    if (region.file == nullptr) {
      wire_->to_client.insert(wire_->to_client.end(), region.memory.begin(), region.memory.end());
      written += region.memory.size();
      continue;
    }
    ByteVector bytes(region.size);
    const auto read = region.file->read_at(region.position, bytes);
    if (!read || *read != region.size) {
      return {.status = runtime::IoStatus::kClosed, .bytes = 0};
    }
    wire_->to_client.insert(wire_->to_client.end(), bytes.begin(), bytes.end());
    written += region.size;
  }
  return {.status = runtime::IoStatus::kOk, .bytes = written};
}

std::unique_ptr<runtime::DetachedSocket> MemorySocket::detach() {
  return nullptr;  // a made-up broker has no placement: its connections stay where they are
}

void MemoryClient::send_bytes(const ByteVector& bytes) {
  wire_->to_broker.insert(wire_->to_broker.end(), bytes.begin(), bytes.end());
  tell_broker();
}

void MemoryClient::close() {
  wire_->client_closed = true;
  tell_broker();
}

void MemoryClient::tell_broker() {
  shard_->post([wire = wire_] {
    if (wire->handler != nullptr && std::exchange(wire->broker_watches, false)) {
      wire->handler->on_readable();
    }
  });
}

const ByteVector* MemoryClient::next_frame() {
  constexpr std::size_t kSizeFieldBytes = 4;
  const std::size_t left = wire_->to_client.size() - wire_->read_by_client;
  if (left < kSizeFieldBytes) {
    return nullptr;
  }
  const std::byte* at = wire_->to_client.data() + wire_->read_by_client;
  const auto size = static_cast<std::size_t>(load_be<std::int32_t>(at));
  if (left < kSizeFieldBytes + size) {
    ADD_FAILURE() << "an answer of " << size << " bytes is cut after " << left - kSizeFieldBytes;
    return nullptr;
  }
  frames_.emplace_back(at + kSizeFieldBytes, at + kSizeFieldBytes + size);
  wire_->read_by_client += kSizeFieldBytes + size;
  return &frames_.back();
}

}  // namespace moldau::broker::testing
