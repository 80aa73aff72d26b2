#include "broker/request/slow_requests.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace moldau::broker {
namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// The client chose it: no line of the log is of its making, nor longer than others.
std::string printable(std::string_view client_id) {
  constexpr std::size_t kShown = 100;
  std::string text(client_id.substr(0, kShown));
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return client_id.size() > kShown ? text + "..." : text;
}

}  // namespace

void SlowRequests::on_answer(const Taken& taken, const ConnectionInfo* peer, runtime::MonoTime now) {
  const std::chrono::nanoseconds all = taken.waited + taken.worked;
  if (all - taken.may_wait <= config_.after) {
    return;
  }
  ++total_;
  if (!may_write(now)) {
    ++left_out_;
    return;
  }
  std::string from = "a client that has gone";
  if (peer != nullptr) {
    from = fmt::format("{}:{} on {}", peer->peer.host, peer->peer.port, peer->listener_name);
    if (peer->software_name != ConnectionInfo().software_name) {
      from += fmt::format(" ({} {})", peer->software_name, peer->software_version);
    }
  }
  std::string spent = fmt::format("{:.1f} ms of work", milliseconds(taken.worked));
  if (!taken.waited_for.empty()) {
    spent = fmt::format("{:.1f} ms of waiting for {} and {}", milliseconds(taken.waited), taken.waited_for, spent);
  }
  log(logger_, LogLevel::kWarn, "net",
      "{} v{} took {:.1f} ms: {}; from {}, client '{}', correlation {}; {} bytes in, {} out{}{}", taken.api,
      taken.version, milliseconds(all), spent, from, printable(taken.client_id), taken.correlation_id, taken.bytes_in,
      taken.bytes_out,
      taken.throttle.count() > 0 ? fmt::format("; held off for {} ms", taken.throttle.count()) : std::string(),
      left_out_ > 0 ? fmt::format("; {} more were not told", std::exchange(left_out_, 0)) : std::string());
}

bool SlowRequests::may_write(runtime::MonoTime now) {
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    lines_ = 0;
  }
  return ++lines_ <= kLinesPerSecondMax;
}

}  // namespace moldau::broker
