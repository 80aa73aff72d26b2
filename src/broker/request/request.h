// One request on its connection's shard: header decoded, body not yet, answer owed.
//
// Shard:    the connection's. It may be moved into callbacks; destroyed unanswered, it closes the connection.
// Lifetime: header and body are views into the frame, which the request keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/net/connection.h"
#include "broker/net/response.h"
#include "protocol/api/api_info.h"
#include "protocol/api/response_header.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "runtime/clock.h"

namespace moldau::broker {

enum class ListenerKind : std::uint8_t { kBroker, kController };

class Request {
 public:
  Request(const protocol::ApiInfo& api, protocol::RequestHeader header, std::size_t header_bytes, Frame frame,
          ResponseTicket ticket, runtime::MonoTime received);

  [[nodiscard]] const protocol::ApiInfo& api() const noexcept { return *api_; }
  [[nodiscard]] std::int16_t version() const noexcept { return header_.request_api_version; }
  [[nodiscard]] std::int32_t correlation_id() const noexcept { return header_.correlation_id; }
  // "" for a null client id, as Kafka treats it.
  [[nodiscard]] std::string_view client_id() const noexcept { return header_.client_id.value_or(""); }
  [[nodiscard]] runtime::MonoTime received() const noexcept { return received_; }
  [[nodiscard]] MutableBytes body() const noexcept { return body_; }
  // Null if the connection has gone meanwhile.
  [[nodiscard]] ConnectionInfo* connection() const noexcept { return ticket_.info(); }
  [[nodiscard]] ConnectionId connection_id() const noexcept { return ticket_.connection(); }

  // Gives the frame's memory back, for a request that may wait long and has been read. Body and client id are empty
  // from then on.
  void release_frame() noexcept {
    body_ = {};
    header_.client_id.reset();
    chunk_.reset();
  }

  // Decodes the body. An error means that the connection is to be closed: close().
  template <class Message>
  [[nodiscard]] Result<Message> decode() const {
    wire::Reader reader(body_);
    return Message::decode(reader, version());
  }

  // Sends `message` in this request's version. A message that cannot be encoded closes the connection.
  template <class Message>
  void reply(const Message& message) {
    reply_with(message, {});
  }
  // `ranges` are what the message's spliced records stand for, by splice index.
  template <class Message>
  void reply_with(const Message& message, std::span<FileRange> ranges) {
    wire::Writer writer;
    begin_answer(writer, version());
    message.encode(writer, version());
    finish_answer(writer, ranges);
  }
  // The same in another version's body: what ApiVersions answers to a version it does not have.
  template <class Message>
  void reply_as(const Message& message, std::int16_t version) {
    wire::Writer writer;
    begin_answer(writer, version);
    message.encode(writer, version);
    finish_answer(writer, {});
  }
  void reply_nothing() { ticket_.answer(Response::none()); }
  void close() { ticket_.answer(Response::close()); }

 private:
  void begin_answer(wire::Writer& writer, std::int16_t version) const;
  void finish_answer(wire::Writer& writer, std::span<FileRange> ranges);

  const protocol::ApiInfo* api_;
  protocol::RequestHeader header_;
  MutableBytes body_;
  ChunkRef chunk_;
  ResponseTicket ticket_;
  runtime::MonoTime received_;
};

}  // namespace moldau::broker
