#include "sim/world/trace.h"

#include <bit>

#include <fmt/format.h>

#include "base/crc32c.h"

namespace moldau::sim {
namespace {

std::string_view name_of(TraceKind kind) noexcept {
  switch (kind) {
    case TraceKind::kStart: return "start";
    case TraceKind::kCrash: return "crash";
    case TraceKind::kTurn: return "turn";
    case TraceKind::kJob: return "job";
    case TraceKind::kDisk: return "disk";
    case TraceKind::kConnect: return "connect";
    case TraceKind::kAccept: return "accept";
    case TraceKind::kRefuse: return "refuse";
    case TraceKind::kDeliver: return "deliver";
    case TraceKind::kReset: return "reset";
    case TraceKind::kLog: return "log";
    case TraceKind::kNote: return "note";
  }
  return "?";
}

}  // namespace

void Trace::mix(std::uint64_t value) noexcept {
  hash_ = std::rotl(hash_ ^ (value * 0x9E37'79B9'7F4A'7C15), 27) * 0xBF58'476D'1CE4'E5B9;
}

void Trace::add(runtime::MonoTime when, std::uint32_t node, TraceKind kind, std::uint64_t detail, std::uint64_t more,
                Bytes bytes) {
  const std::uint32_t checksum = crc32c(bytes);
  mix(static_cast<std::uint64_t>(when.time_since_epoch().count()));
  mix(std::uint64_t{node} << 8 | static_cast<std::uint64_t>(kind));
  mix(detail);
  mix(more);
  mix(std::uint64_t{checksum} << 32 ^ bytes.size());
  ++events_;
  if (sink_) {
    const bool is_text = kind == TraceKind::kDisk || kind == TraceKind::kLog;  // a path, a line
    sink_(fmt::format("{:>15} node {} {} {:x} {} {}", when.time_since_epoch().count(), node, name_of(kind), detail,
                      more, is_text ? std::string(as_text(bytes)) : fmt::format("{:08x}/{}", checksum, bytes.size())));
  }
}

}  // namespace moldau::sim
