// Damage: batches that a log should hold and does not, and how the report says that the log stays closed for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "base/result.h"
#include "storage/recovery/open_report.h"
#include "storage/recovery/segments.h"

namespace moldau::storage {

struct Damage {
  std::size_t segment = 0;     // its index
  std::uint64_t position = 0;  // the good batches end here
  Offset next{0};              // the first offset that may be missing
  Error error{ErrorKind::kCorrupt, "unknown"};
};

// True if the bytes are to blame, and not the disk or what we support.
[[nodiscard]] bool is_damage(const Error& error) noexcept;

// What comes of an error at a time when nothing may be cut any more: damage closes the log, any other error is given
// back. `segment`: index of the one that was read; the error's detail is the position in it.
[[nodiscard]] Result<> fence_if_damage(const Segments& segments, std::size_t segment, const Error& error, Offset bound,
                                       OpenReport& report);

// Says in the report why the log stays closed; nothing is changed on the disk. `bound`: all below it was there once.
void fence(const Segments& segments, const Damage& damage, Offset bound, OpenReport& report);

}  // namespace moldau::storage
