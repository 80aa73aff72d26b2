#include "broker/request/request.h"

#include "base/assert.h"

namespace moldau::broker {
namespace {
constexpr std::size_t kSizeFieldBytes = 4;
}

Request::Request(const protocol::ApiInfo& api, protocol::RequestHeader header, std::size_t header_bytes, Frame frame,
                 ResponseTicket ticket, runtime::MonoTime received, RequestAccounts* accounts)
    : api_(&api),
      header_(std::move(header)),
      body_(frame.bytes.subspan(header_bytes)),
      chunk_(std::move(frame.chunk)),
      ticket_(std::move(ticket)),
      received_(received),
      accounts_(accounts),
      bytes_in_(static_cast<std::uint32_t>(header_bytes + body_.size())) {}

std::string_view Request::client() const noexcept {
  if (header_.client_id) {
    return *header_.client_id;
  }
  const ConnectionInfo* info = ticket_.info();
  return info == nullptr ? std::string_view() : info->client_id;
}

void Request::charge_produce() {
  if (limited()) {
    hold_off(accounts_->charge(QuotaKind::kProduce, client(), bytes_in_));
  }
}

bool Request::charge_fetch(double bytes) {
  if (!limited()) {
    return false;
  }
  charge_time();
  hold_off(accounts_->charge(QuotaKind::kFetch, client(), bytes));
  if (throttle_.count() == 0) {
    return false;
  }
  accounts_->add(QuotaKind::kFetch, client(), -bytes);
  return true;
}

std::optional<double> Request::fetch_burst() const {
  return limited() ? accounts_->burst(QuotaKind::kFetch, client()) : std::nullopt;
}

void Request::exempt_from_time() noexcept {
  time_charged_ = true;
  if (accounts_ != nullptr) {
    accounts_->exempt();
  }
}

void Request::charge_time() {
  if (!std::exchange(time_charged_, true)) {
    hold_off(accounts_->charge_time(client()));
  }
}

void Request::reply_nothing() {
  Response response = Response::none();
  response.mute = throttle_;
  account(0);
  ticket_.answer(std::move(response));
}

void Request::account(std::size_t bytes_out) {
  if (accounts_ == nullptr) {
    return;
  }
  if (throttle_.count() > 0) {
    accounts_->count_throttled();
  }
  const runtime::MonoTime turn = accounts_->now();
  const std::chrono::nanoseconds worked = accounts_->stopwatch().read() - turn;
  accounts_->times().on_answer(api_->key, {.waited = turn - received_, .worked = worked, .throttle = throttle_}, turn);
  if (!accounts_->slow().watches()) {
    return;
  }
  const bool waited = turn > received_;
  accounts_->slow().on_answer({.api = api_->name,
                               .version = version(),
                               .correlation_id = correlation_id(),
                               .client_id = client(),
                               .waited_for = waited ? waits_for_ : "",
                               .waited = turn - received_,
                               .worked = worked,
                               .may_wait = may_wait_,
                               .throttle = throttle_,
                               .bytes_in = bytes_in_,
                               .bytes_out = bytes_out},
                              ticket_.info(), turn);
}

void Request::begin_answer(wire::Writer& writer, std::int16_t version) const {
  writer.int32(0);  // the size, patched at the end
  protocol::ResponseHeader header;
  header.correlation_id = header_.correlation_id;
  header.encode(writer, api_->response_header_version(version));
}

void Request::finish_answer(wire::Writer& writer, std::span<FileRange> ranges) {
  const std::size_t total = writer.total_bytes();
  if (!writer.ok() || total - kSizeFieldBytes > INT32_MAX) {
    close();
    return;
  }
  writer.patch_int32(0, static_cast<std::int32_t>(total - kSizeFieldBytes));
  Response response;
  response.splices.reserve(writer.splices().size());
  for (const wire::Splice& splice : writer.splices()) {
    MOLDAU_ASSERT(splice.index < ranges.size() && ranges[splice.index].size_bytes == splice.size_bytes);
    response.splices.push_back({.at = splice.position, .range = std::move(ranges[splice.index])});
  }
  response.frame = writer.take();
  response.mute = throttle_;
  account(total);
  ticket_.answer(std::move(response));
}

}  // namespace moldau::broker
