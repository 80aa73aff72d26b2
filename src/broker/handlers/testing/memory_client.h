// A client of a made-up broker: its socket is a pair of buffers in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "protocol/api/api_info.h"
#include "protocol/api/response_header.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "runtime/net.h"
#include "runtime/testing/manual_shard.h"

namespace moldau::broker::testing {

// Both ends of one connection; the broker's end is a runtime::Socket.
struct MemoryWire {
  ByteVector to_broker;
  std::size_t read_by_broker = 0;
  ByteVector to_client;
  std::size_t read_by_client = 0;
  runtime::SocketHandler* handler = nullptr;  // null: the broker has closed
  bool broker_watches = false;
  bool client_closed = false;
};

class MemorySocket final : public runtime::Socket {
 public:
  MemorySocket(moldau::testing::ManualShard& shard, std::shared_ptr<MemoryWire> wire);
  ~MemorySocket() override;
  void set_handler(runtime::SocketHandler& handler) override;
  void watch_readable() override;
  void watch_writable() override;
  [[nodiscard]] runtime::IoResult try_read(MutableBytes into) override;
  [[nodiscard]] runtime::IoResult try_write(std::span<const runtime::OutRegion> regions) override;
  [[nodiscard]] runtime::PeerState peer_state() const noexcept override {
    return wire_->client_closed ? runtime::PeerState::kEnded : runtime::PeerState::kHere;
  }
  [[nodiscard]] const runtime::Endpoint& local() const noexcept override { return local_; }
  [[nodiscard]] const runtime::Endpoint& peer() const noexcept override { return peer_; }
  [[nodiscard]] std::unique_ptr<runtime::DetachedSocket> detach() override;

 private:
  moldau::testing::ManualShard& shard_;
  std::shared_ptr<MemoryWire> wire_;
  runtime::Endpoint local_{"127.0.0.1", 9092};
  runtime::Endpoint peer_{"127.0.0.1", 50'000};
};

class MemoryClient {
 public:
  MemoryClient(moldau::testing::ManualShard& shard, std::shared_ptr<MemoryWire> wire)
      : shard_(&shard), wire_(std::move(wire)) {}

  template <class Message>
  void send(protocol::ApiKey key, std::int16_t version, const Message& message, std::string_view client_id = "test") {
    const protocol::ApiInfo& api = protocol::api_info(key);
    wire::Writer writer;
    writer.int32(0);
    protocol::RequestHeader header;
    header.request_api_key = static_cast<std::int16_t>(key);
    header.request_api_version = version;
    header.correlation_id = next_correlation_++;
    header.client_id = client_id;
    header.encode(writer, api.request_header_version(version));
    message.encode(writer, version);
    writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - 4));
    send_bytes(std::move(writer).take());
  }
  void send_bytes(const ByteVector& bytes);
  void close();

  // The next answer, if it has come; its views live as long as the client. Its correlation id must be the next one.
  template <class Message>
  std::optional<Message> receive(protocol::ApiKey key, std::int16_t version) {
    const ByteVector* frame = next_frame();
    if (frame == nullptr) {
      return std::nullopt;
    }
    wire::Reader reader{Bytes(*frame)};
    const auto header =
        protocol::ResponseHeader::decode(reader, protocol::api_info(key).response_header_version(version));
    EXPECT_TRUE(header);
    if (!header) {
      return std::nullopt;
    }
    EXPECT_EQ(header->correlation_id, next_answer_++);
    auto message = Message::decode(reader, version);
    EXPECT_TRUE(message);
    return message ? std::optional<Message>(*std::move(message)) : std::nullopt;
  }
  // The broker has closed the connection.
  [[nodiscard]] bool closed() const { return wire_->handler == nullptr; }
  [[nodiscard]] bool has_answer() const { return wire_->to_client.size() > wire_->read_by_client; }

 private:
  const ByteVector* next_frame();
  void tell_broker();

  moldau::testing::ManualShard* shard_;
  std::shared_ptr<MemoryWire> wire_;
  std::list<ByteVector> frames_;
  std::int32_t next_correlation_ = 1;
  std::int32_t next_answer_ = 1;
};

}  // namespace moldau::broker::testing
