// One request on its connection's shard: header decoded, body not yet, answer owed.
//
// Shard:    the connection's. It may be moved into callbacks; destroyed unanswered, it closes the connection.
// Lifetime: header and body are views into the frame, which the request keeps.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/net/connection.h"
#include "broker/net/response.h"
#include "broker/request/request_accounts.h"
#include "protocol/api/api_info.h"
#include "protocol/api/response_header.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "runtime/clock.h"

namespace moldau::broker {

enum class ListenerKind : std::uint8_t { kBroker, kController };

class Request {
 public:
  // `accounts` may be null: nobody asks what requests cost.
  Request(const protocol::ApiInfo& api, protocol::RequestHeader header, std::size_t header_bytes, Frame frame,
          ResponseTicket ticket, runtime::MonoTime received, RequestAccounts* accounts);

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

  // Quotas. What the answer tells its client of being held off, and how long it is, is the longest of these.
  [[nodiscard]] bool limited() const noexcept { return accounts_ != nullptr && accounts_->limited(); }
  // Bytes of a Produce: those of the frame.
  void charge_produce();
  // Bytes of a Fetch's answer, and its time. True: it is held off, and gets an empty answer that costs it none.
  [[nodiscard]] bool charge_fetch(double bytes);
  // The most that a Fetch may bring without being held off for sure.
  [[nodiscard]] std::optional<double> fetch_burst() const;
  void hold_off(QuotaTime time) noexcept { throttle_ = std::max(throttle_, time); }
  [[nodiscard]] QuotaTime throttle() const noexcept { return throttle_; }
  // Costs its client no time: acks=0, as in Kafka.
  void exempt_from_time() noexcept;

  // For the line about a slow request: what it waits for if it is not answered at once, and how long it asked to wait.
  void waits_for(const char* what, std::chrono::milliseconds may_wait = {}) noexcept {
    waits_for_ = what;
    may_wait_ = may_wait;
  }

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
    send(message, version(), ranges);
  }
  // The same in another version's body: what ApiVersions answers to a version it does not have.
  template <class Message>
  void reply_as(const Message& message, std::int16_t version) {
    send(message, version, {});
  }
  void reply_nothing();
  void close() { ticket_.answer(Response::close()); }

 private:
  template <class Message>
  void send(const Message& message, std::int16_t version, std::span<FileRange> ranges) {
    settle();
    if constexpr (requires { message.throttle_time_ms; }) {
      if (throttle_.count() > 0) [[unlikely]] {
        Message told = message;
        told.throttle_time_ms = static_cast<std::int32_t>(throttle_.count());
        return encode(told, version, ranges);
      }
    }
    encode(message, version, ranges);
  }
  template <class Message>
  void encode(const Message& message, std::int16_t version, std::span<FileRange> ranges) {
    wire::Writer writer;
    begin_answer(writer, version);
    message.encode(writer, version);
    finish_answer(writer, ranges);
  }
  // The client of the request, also when its frame was given back.
  [[nodiscard]] std::string_view client() const noexcept;
  // Charges the request's time, unless that was done.
  void settle() {
    if (limited()) [[unlikely]] {
      charge_time();
    }
  }
  void charge_time();
  void account(std::size_t bytes_out);
  void begin_answer(wire::Writer& writer, std::int16_t version) const;
  void finish_answer(wire::Writer& writer, std::span<FileRange> ranges);

  const protocol::ApiInfo* api_;
  protocol::RequestHeader header_;
  MutableBytes body_;
  ChunkRef chunk_;
  ResponseTicket ticket_;
  runtime::MonoTime received_;
  RequestAccounts* accounts_;
  std::uint32_t bytes_in_;
  bool time_charged_ = false;
  QuotaTime throttle_{0};
  const char* waits_for_ = "other shards";
  std::chrono::milliseconds may_wait_{0};
};

}  // namespace moldau::broker
