// One connection of a simulated client: requests out, answers by correlation id, one callback when it breaks.
//
// The production client awaits its answers; this one lives on callbacks alone, so that it can be destroyed at any
// moment, as a crash does.
//
// Shard:      one shard. Destroyed only outside of its own callbacks; on_down comes in a turn of its own.
// Invariants: R1 answers come in the order of their requests, or the channel is down; R2 on_down comes once, and after
//             it no answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/callback.h"
#include "base/result.h"
#include "protocol/api/api_key.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "runtime/net.h"
#include "runtime/shard.h"
#include "runtime/timer.h"

namespace moldau::sim {

class RpcChannel final : private runtime::SocketHandler {
 public:
  struct Events {
    Callback on_up;
    Function<void(const char*)> on_down;
    Function<void(const std::string&)> on_nonsense;  // an answer that cannot be one
  };

  RpcChannel(runtime::Shard& shard, runtime::Network& network, std::chrono::milliseconds timeout, Events events);
  ~RpcChannel() override;

  void open(const runtime::Endpoint& broker);
  template <class Request>
  void call(const Request& request, std::int16_t version, Function<void(const typename Request::Response&)> answer) {
    wire::Writer writer;
    begin(writer, Request::kApiKey, version);
    request.encode(writer, version);
    finish(writer, Request::kApiKey, version, [this, version, answer = std::move(answer)](Bytes body) mutable {
      wire::Reader reader(body);
      const auto message = Request::Response::decode(reader, version);
      if (!message) {
        return nonsense(Request::Response::kName, message.error());
      }
      answer(*message);
    });
  }
  // Gives the connection up; on_down follows.
  void close(const char* why) { down(why); }
  [[nodiscard]] bool up() const noexcept { return up_ && !down_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    std::int32_t correlation;
    std::int16_t header_version;
    runtime::MonoTime deadline;
    Function<void(Bytes)> answer;
  };

  void on_readable() override;
  void on_writable() override;
  void begin(wire::Writer& writer, protocol::ApiKey key, std::int16_t version);
  void finish(wire::Writer& writer, protocol::ApiKey key, std::int16_t version, Function<void(Bytes)> answer);
  void nonsense(const char* what, const Error& error);
  void take_frames();
  void send();
  void arm();
  void down(const char* why);

  runtime::Shard& shard_;
  runtime::Network& network_;
  std::chrono::milliseconds timeout_;
  Events events_;
  std::unique_ptr<runtime::Socket> socket_;
  std::deque<Waiting> waiting_;
  ByteVector outgoing_;
  ByteVector received_;
  std::int32_t next_correlation_ = 1;
  bool up_ = false;
  bool down_ = false;
  runtime::Timer deadline_;
};

}  // namespace moldau::sim
