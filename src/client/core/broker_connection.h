// One connection of a client to one broker: connect, agree on versions, send a request, await its answer.
//
// Shard:      lives on one shard; not thread-safe.
// Invariants: B1 answers are matched by correlation id, in order; one that does not match ends the connection.
//             B2 after an error every waiting and later call gets kClosed or kTimedOut; there is no reconnect here.
// Bounds:     requests_in_flight_max; an answer is at most frame_bytes_max, and its buffer grows with the bytes
// received. Suspends:   open() and call() until the answer or the deadline. Source:     KIP-35, KIP-511 (version
// negotiation).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/api/api_info.h"
#include "protocol/messages/api_versions_request.h"
#include "protocol/messages/api_versions_response.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "runtime/net.h"
#include "runtime/shard.h"
#include "runtime/task.h"
#include "runtime/timer.h"

namespace moldau::client {

// An answer and the frame that its views point into.
template <class Message>
struct Answer {
  std::unique_ptr<ByteVector> frame;
  Message message;
  std::int16_t version = 0;
};

// What a call that failed tells a person, without the kind and the numbers: "connection refused".
[[nodiscard]] std::string explain(const Error& error);

class BrokerConnection final : private runtime::SocketHandler {
 public:
  struct Config {
    std::string client_id = "moldau";
    std::chrono::milliseconds request_timeout = std::chrono::seconds(30);  // request.timeout.ms
    std::size_t frame_bytes_max = std::size_t{256} << 20;
    std::size_t requests_in_flight_max = 16;
  };

  BrokerConnection(runtime::Shard& shard, runtime::Network& network, Config config);
  ~BrokerConnection() override;  // no call may be waiting

  // Connects and learns the broker's versions. kIo with os_error(): refused or unreachable; kNotFound: the name;
  // kTimedOut, detail() is the milliseconds; kCorrupt: not a Kafka broker.
  [[nodiscard]] runtime::Task<Result<>> open(runtime::Endpoint broker);

  // The version that both sides have for the API: the highest common one. kUnsupported.
  [[nodiscard]] Result<std::int16_t> version_of(protocol::ApiKey key) const;
  // The other side is a controller's listener, which has none of what clients ask for. After open().
  [[nodiscard]] bool is_controller() const;

  // Sends the request in the highest common version and decodes the answer.
  template <class RequestMessage>
  [[nodiscard]] runtime::Task<Result<Answer<typename RequestMessage::Response>>> call(RequestMessage request) {
    MOLDAU_CO_TRY(version, version_of(RequestMessage::kApiKey));
    co_return co_await call_as(std::move(request), version);
  }
  // The same in a version of the caller's choice.
  template <class RequestMessage>
  [[nodiscard]] runtime::Task<Result<Answer<typename RequestMessage::Response>>> call_as(RequestMessage request,
                                                                                         std::int16_t version) {
    wire::Writer writer;
    const std::int32_t correlation = begin_request(writer, RequestMessage::kApiKey, version);
    request.encode(writer, version);
    MOLDAU_CO_TRY(frame, co_await exchange(writer, RequestMessage::kApiKey, version, correlation));
    wire::Reader reader(Bytes(*frame.bytes).subspan(frame.header_bytes));
    MOLDAU_CO_TRY(message, RequestMessage::Response::decode(reader, version));
    co_return Answer<typename RequestMessage::Response>{std::move(frame.bytes), std::move(message), version};
  }

  // Ends the connection; waiting calls get kClosed.
  void close();

 private:
  struct AnswerFrame {
    std::unique_ptr<ByteVector> bytes;  // without the size field
    std::size_t header_bytes = 0;
  };
  struct Waiting {
    std::int32_t correlation = 0;
    std::int16_t header_version = 0;
    runtime::MonoTime deadline{};
    runtime::Event<Result<AnswerFrame>>* event = nullptr;
  };

  void on_readable() override;
  void on_writable() override;

  std::int32_t begin_request(wire::Writer& writer, protocol::ApiKey key, std::int16_t version);
  [[nodiscard]] runtime::Task<Result<AnswerFrame>> exchange(wire::Writer& writer, protocol::ApiKey key,
                                                            std::int16_t version, std::int32_t correlation);
  [[nodiscard]] runtime::Task<Result<Answer<protocol::ApiVersionsResponse>>> ask_versions(
      protocol::ApiVersionsRequest request);
  [[nodiscard]] runtime::Task<Result<>> negotiate();
  void send();
  bool take_frames();
  void fail_all(Error error);
  [[nodiscard]] Error closed() const;
  void arm_deadline();

  runtime::Shard& shard_;
  runtime::Network& network_;
  Config config_;
  std::unique_ptr<runtime::Socket> socket_;
  runtime::Event<Result<>>* connecting_ = nullptr;
  std::vector<protocol::ApiInfo> common_;  // with the common version ranges, by key
  std::deque<Waiting> waiting_;
  ByteVector outgoing_;
  ByteVector received_;
  std::int32_t next_correlation_ = 1;
  std::optional<Error> failed_;
  runtime::Timer deadline_timer_;
};

}  // namespace moldau::client
