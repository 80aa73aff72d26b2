#include "sim/workload/rpc_channel.h"

#include <span>

#include "protocol/api/api_info.h"
#include "protocol/api/request_header.h"
#include "protocol/api/response_header.h"

namespace moldau::sim {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;
constexpr std::int32_t kFrameBytesMax = 64 << 20;

}  // namespace

RpcChannel::RpcChannel(runtime::Shard& shard, runtime::Network& network, std::chrono::milliseconds timeout,
                       Events events)
    : shard_(shard),
      network_(network),
      timeout_(timeout),
      events_(std::move(events)),
      deadline_(shard.timers(), [this] { down("no answer in time"); }) {}

RpcChannel::~RpcChannel() = default;

void RpcChannel::open(const runtime::Endpoint& broker) {
  auto socket = network_.connect(broker);
  if (!socket) {
    return down("cannot connect");
  }
  socket_ = *std::move(socket);
  socket_->set_handler(*this);
  socket_->watch_writable();
  socket_->watch_readable();
  deadline_.arm(shard_.clock().now() + timeout_);
}

void RpcChannel::begin(wire::Writer& writer, protocol::ApiKey key, std::int16_t version) {
  writer.int32(0);  // the size, patched in finish
  protocol::RequestHeader header;
  header.request_api_key = static_cast<std::int16_t>(key);
  header.request_api_version = version;
  header.correlation_id = next_correlation_++;
  header.client_id = "sim";
  header.encode(writer, protocol::api_info(key).request_header_version(version));
}

void RpcChannel::finish(wire::Writer& writer, protocol::ApiKey key, std::int16_t version,
                        Function<void(Bytes)> answer) {
  MOLDAU_ASSERT(writer.ok());
  if (down_) {
    return;
  }
  writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - sizeof(std::int32_t)));
  outgoing_.insert(outgoing_.end(), writer.bytes().begin(), writer.bytes().end());
  waiting_.push_back({.correlation = next_correlation_ - 1,
                      .header_version = protocol::api_info(key).response_header_version(version),
                      .deadline = shard_.clock().now() + timeout_,
                      .answer = std::move(answer)});
  arm();
  send();
}

void RpcChannel::nonsense(const char* what, const Error& error) {
  events_.on_nonsense(std::string(what) + ": " + error.message());
  down("an answer that is none");
}

void RpcChannel::on_writable() {
  if (down_) {
    return;
  }
  if (!std::exchange(up_, true)) {
    arm();
    events_.on_up();
  }
  send();
}

void RpcChannel::send() {
  while (up_ && !down_ && !outgoing_.empty()) {
    const runtime::OutRegion region{.memory = outgoing_, .file = nullptr, .position = 0, .size = outgoing_.size()};
    const runtime::IoResult result = socket_->try_write(std::span(&region, 1));
    if (result.status == runtime::IoStatus::kWouldBlock) {
      return socket_->watch_writable();
    }
    if (result.status == runtime::IoStatus::kClosed) {
      return down("closed while sending");
    }
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
}

void RpcChannel::on_readable() {
  while (!down_) {
    const std::size_t have = received_.size();
    received_.resize(have + kReadBytes);
    const runtime::IoResult result = socket_->try_read(MutableBytes(received_).subspan(have));
    received_.resize(have + result.bytes);
    if (result.status == runtime::IoStatus::kClosed) {
      return down("closed by the broker");
    }
    if (result.status == runtime::IoStatus::kWouldBlock) {
      return socket_->watch_readable();
    }
    take_frames();
  }
}

void RpcChannel::take_frames() {
  std::size_t at = 0;
  while (!down_ && received_.size() - at >= sizeof(std::int32_t)) {
    const auto announced = load_be<std::int32_t>(received_.data() + at);
    if (announced < 4 || announced > kFrameBytesMax || waiting_.empty()) {
      return nonsense("frame", Error(ErrorKind::kCorrupt, "a size out of bounds or an answer to nothing"));
    }
    const std::size_t whole = sizeof(std::int32_t) + static_cast<std::size_t>(announced);
    if (received_.size() - at < whole) {
      break;
    }
    const ByteVector frame(received_.begin() + static_cast<std::ptrdiff_t>(at + sizeof(std::int32_t)),
                           received_.begin() + static_cast<std::ptrdiff_t>(at + whole));
    at += whole;
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    arm();
    wire::Reader reader{Bytes(frame)};
    const auto header = protocol::ResponseHeader::decode(reader, waiting.header_version);
    if (!header || header->correlation_id != waiting.correlation) {
      return nonsense("response header", header ? Error(ErrorKind::kCorrupt, "correlation id") : header.error());
    }
    waiting.answer(Bytes(frame).subspan(frame.size() - reader.remaining()));
  }
  received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(at));
}

void RpcChannel::arm() {
  if (waiting_.empty()) {
    deadline_.cancel();
  } else {
    deadline_.arm(waiting_.front().deadline);
  }
}

void RpcChannel::down(const char* why) {
  if (std::exchange(down_, true)) {
    return;
  }
  deadline_.cancel();
  waiting_.clear();
  shard_.post([this, why] {
    socket_.reset();
    events_.on_down(why);
  });
}

}  // namespace moldau::sim
