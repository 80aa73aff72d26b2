#include "client/core/broker_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "protocol/api/request_header.h"
#include "protocol/api/response_header.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/api_versions_request.h"
#include "protocol/messages/api_versions_response.h"
#include "runtime/connect_failure.h"

namespace moldau::client {
namespace {

constexpr std::size_t kSizeFieldBytes = 4;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr const char* kNoCommonVersion = "the broker has no version of this API that we have";

// Completes a waiting Task in a later turn: it may destroy the connection, whose code called this.
template <class T>
void deliver(runtime::Shard& shard, runtime::Event<Result<T>>* event, Result<T> result) {
  shard.post([event, result = std::move(result)]() mutable { event->set(std::move(result)); });
}

}  // namespace

std::string explain(const Error& error) {
  if (error.kind() == ErrorKind::kTimedOut && error.detail() > 0) {
    return fmt::format("timed out after {:g} s", static_cast<double>(error.detail()) / 1000);
  }
  if (error.kind() == ErrorKind::kUnsupported && std::string_view(error.context()) == kNoCommonVersion) {
    const auto* api = protocol::find_api(static_cast<std::int16_t>(error.detail()));
    return fmt::format("the broker has no version of {} that this program has", api != nullptr ? api->name : "an API");
  }
  switch (error.os_error()) {
    case 0: break;
    case ECONNREFUSED: return "connection refused";
    case ENETUNREACH:
    case EHOSTUNREACH: return "no route to that address";
    case ETIMEDOUT: return "timed out: the host does not answer";
    default: return std::strerror(error.os_error());  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  }
  return error.context();
}

BrokerConnection::BrokerConnection(runtime::Shard& shard, runtime::Network& network, Config config)
    : shard_(shard), network_(network), config_(std::move(config)), deadline_timer_(shard.timers(), [this] {
        fail_all(Error(ErrorKind::kTimedOut, "no answer from the broker", 0, config_.request_timeout.count()));
      }) {}

BrokerConnection::~BrokerConnection() {
  MOLDAU_ASSERT(waiting_.empty() && connecting_ == nullptr);
}

runtime::Task<Result<>> BrokerConnection::open(runtime::Endpoint broker) {
  MOLDAU_CO_TRY(socket, network_.connect(broker));
  socket_ = std::move(socket);
  socket_->set_handler(*this);
  runtime::Event<Result<>> connected;
  connecting_ = &connected;
  arm_deadline();
  socket_->watch_writable();
  MOLDAU_CO_CHECK(co_await connected.wait());
  socket_->watch_readable();
  co_return co_await negotiate();
}

// A broker that does not have our version answers in version 0, with error 35: then version 0 is what both have.
runtime::Task<Result<Answer<protocol::ApiVersionsResponse>>> BrokerConnection::ask_versions(
    protocol::ApiVersionsRequest request) {
  const std::int16_t version = protocol::ApiVersionsRequest::kMaxVersion;
  wire::Writer writer;
  const std::int32_t correlation = begin_request(writer, protocol::ApiKey::kApiVersions, version);
  request.encode(writer, version);
  MOLDAU_CO_TRY(frame, co_await exchange(writer, protocol::ApiKey::kApiVersions, version, correlation));
  const Bytes body = Bytes(*frame.bytes).subspan(frame.header_bytes);
  if (body.size() >= 2 &&
      protocol::error_from_wire(load_be<std::int16_t>(body.data())) == protocol::ErrorCode::kUnsupportedVersion) {
    co_return co_await call_as(std::move(request), std::int16_t{0});
  }
  wire::Reader reader(body);
  MOLDAU_CO_TRY(message, protocol::ApiVersionsResponse::decode(reader, version));
  co_return Answer<protocol::ApiVersionsResponse>{std::move(frame.bytes), std::move(message), version};
}

runtime::Task<Result<>> BrokerConnection::negotiate() {
  protocol::ApiVersionsRequest request;
  request.client_software_name = "moldau";
  request.client_software_version = "0.1.0";
  MOLDAU_CO_TRY(answer, co_await ask_versions(request));
  if (answer.message.error_code != 0) {
    co_return fail(ErrorKind::kUnsupported, "the broker refused ApiVersions", 0, answer.message.error_code);
  }
  for (const auto& theirs : answer.message.api_keys) {
    if (const protocol::ApiInfo* ours = protocol::find_api(theirs.api_key)) {
      protocol::ApiInfo common = *ours;
      common.min_version = std::max(ours->min_version, theirs.min_version);
      common.max_version = std::min(ours->max_version, theirs.max_version);
      if (common.min_version <= common.max_version) {
        common_.push_back(common);
      }
    }
  }
  co_return Result<>{};
}

Result<std::int16_t> BrokerConnection::version_of(protocol::ApiKey key) const {
  for (const protocol::ApiInfo& api : common_) {
    if (api.key == key) {
      return api.max_version;
    }
  }
  return fail(ErrorKind::kUnsupported, kNoCommonVersion, 0, static_cast<std::int64_t>(key));
}

bool BrokerConnection::is_controller() const {
  return !version_of(protocol::ApiKey::kMetadata) &&
         std::ranges::all_of(common_, [](const auto& api) { return (api.listeners & protocol::kOnController) != 0; });
}

std::int32_t BrokerConnection::begin_request(wire::Writer& writer, protocol::ApiKey key, std::int16_t version) {
  const std::int32_t correlation = next_correlation_++;
  writer.int32(0);  // the size, patched when it is sent
  protocol::RequestHeader header;
  header.request_api_key = static_cast<std::int16_t>(key);
  header.request_api_version = version;
  header.correlation_id = correlation;
  header.client_id = config_.client_id;
  header.encode(writer, protocol::api_info(key).request_header_version(version));
  return correlation;
}

runtime::Task<Result<BrokerConnection::AnswerFrame>> BrokerConnection::exchange(wire::Writer& writer,
                                                                                protocol::ApiKey key,
                                                                                std::int16_t version,
                                                                                std::int32_t correlation) {
  if (failed_) {
    co_return std::unexpected(*failed_);
  }
  if (!writer.ok()) {
    co_return fail(ErrorKind::kTooLarge, "the request cannot be encoded");
  }
  if (waiting_.size() >= config_.requests_in_flight_max) {
    co_return fail(ErrorKind::kTooLarge, "too many requests in flight on one connection");
  }
  writer.patch_int32(0, static_cast<std::int32_t>(writer.total_bytes() - kSizeFieldBytes));
  outgoing_.insert(outgoing_.end(), writer.bytes().begin(), writer.bytes().end());
  runtime::Event<Result<AnswerFrame>> answered;
  waiting_.push_back({.correlation = correlation,
                      .header_version = protocol::api_info(key).response_header_version(version),
                      .deadline = shard_.clock().now() + config_.request_timeout,
                      .event = &answered});
  arm_deadline();
  send();
  co_return co_await answered.wait();
}

void BrokerConnection::on_writable() {
  if (connecting_ != nullptr) {
    if (const Error error = closed(); error.kind() != ErrorKind::kClosed) {
      return fail_all(error);
    }
    deliver(shard_, std::exchange(connecting_, nullptr), Result<>{});
    return;
  }
  send();
}

void BrokerConnection::send() {
  while (!outgoing_.empty() && !failed_) {
    const runtime::OutRegion region{.memory = outgoing_, .file = nullptr, .position = 0, .size = outgoing_.size()};
    const runtime::IoResult result = socket_->try_write(std::span(&region, 1));
    if (result.status == runtime::IoStatus::kWouldBlock) {
      socket_->watch_writable();
      return;
    }
    if (result.status == runtime::IoStatus::kClosed) {
      return fail_all(Error(ErrorKind::kClosed, "the broker closed the connection"));
    }
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
}

void BrokerConnection::on_readable() {
  while (!failed_) {
    const std::size_t have = received_.size();
    received_.resize(have + kReadBytes);
    const runtime::IoResult result = socket_->try_read(MutableBytes(received_).subspan(have));
    received_.resize(have + result.bytes);
    if (result.status == runtime::IoStatus::kClosed) {
      return fail_all(Error(ErrorKind::kClosed, "the broker closed the connection"));
    }
    if (result.status == runtime::IoStatus::kWouldBlock) {
      socket_->watch_readable();
      return;
    }
    if (!take_frames()) {
      return;
    }
  }
}

// Completes the calls whose answers are whole. False after a fault, which has ended the connection.
bool BrokerConnection::take_frames() {
  while (received_.size() >= kSizeFieldBytes) {
    const auto announced = load_be<std::int32_t>(received_.data());
    if (announced < 4 || static_cast<std::size_t>(announced) > config_.frame_bytes_max) {
      fail_all(Error(ErrorKind::kCorrupt, "an answer's size is out of bounds: not a Kafka broker?", 0, announced));
      return false;
    }
    const std::size_t whole = kSizeFieldBytes + static_cast<std::size_t>(announced);
    if (received_.size() < whole) {
      return true;
    }
    AnswerFrame frame;
    frame.bytes = std::make_unique<ByteVector>(received_.begin() + kSizeFieldBytes,
                                               received_.begin() + static_cast<std::ptrdiff_t>(whole));
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(whole));
    if (waiting_.empty()) {
      fail_all(Error(ErrorKind::kCorrupt, "an answer that nothing asked for"));
      return false;
    }
    const Waiting waiting = waiting_.front();
    wire::Reader reader(*frame.bytes);
    const auto header = protocol::ResponseHeader::decode(reader, waiting.header_version);
    if (!header || header->correlation_id != waiting.correlation) {
      fail_all(Error(ErrorKind::kCorrupt, "an answer with another correlation id"));
      return false;
    }
    frame.header_bytes = reader.position();
    waiting_.pop_front();
    arm_deadline();
    deliver(shard_, waiting.event, Result<AnswerFrame>(std::move(frame)));
  }
  return true;
}

// Why the connection is closed, if it is.
Error BrokerConnection::closed() const {
  const auto* connect = dynamic_cast<const runtime::ConnectFailure*>(socket_.get());
  const auto failure = connect != nullptr ? connect->connect_failure() : std::nullopt;
  return failure.value_or(Error(ErrorKind::kClosed, "the broker closed the connection"));
}

void BrokerConnection::arm_deadline() {
  if (connecting_ != nullptr) {
    deadline_timer_.arm(shard_.clock().now() + config_.request_timeout);
  } else if (waiting_.empty()) {
    deadline_timer_.cancel();
  } else {
    deadline_timer_.arm(waiting_.front().deadline);
  }
}

void BrokerConnection::close() {
  fail_all(Error(ErrorKind::kClosed, "the connection was closed"));
}

void BrokerConnection::fail_all(Error error) {
  if (failed_) {
    return;
  }
  failed_ = error;
  deadline_timer_.cancel();
  socket_.reset();
  if (connecting_ != nullptr) {
    deliver(shard_, std::exchange(connecting_, nullptr), Result<>(std::unexpected(error)));
  }
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    deliver(shard_, waiting.event, Result<AnswerFrame>(std::unexpected(error)));
  }
}

}  // namespace moldau::client
