#include "base/result.h"

#include <cstring>

namespace moldau {

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kTruncated: return "truncated";
    case ErrorKind::kTooLarge: return "too large";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kInvalid: return "invalid";
    case ErrorKind::kNotFound: return "not found";
    case ErrorKind::kExists: return "exists already";
    case ErrorKind::kLocked: return "locked by another process";
    case ErrorKind::kIo: return "input/output error";
    case ErrorKind::kNoSpace: return "no space left";
    case ErrorKind::kOffline: return "log directory offline";
    case ErrorKind::kClosed: return "closed";
    case ErrorKind::kTimedOut: return "timed out";
    case ErrorKind::kOutOfRange: return "out of range";
    case ErrorKind::kFenced: return "fenced";
    case ErrorKind::kOutOfMemory: return "memory budget spent";
  }
  return "unknown";
}

std::string Error::message() const {
  std::string text(to_string(kind_));
  text += ": ";
  text += context_;
  if (detail_ != 0) {
    text += " (at " + std::to_string(detail_) + ")";
  }
  if (os_error_ != 0) {
    text += ": ";
    text += std::strerror(os_error_);  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  }
  return text;
}

}  // namespace moldau
