#include "tools/verify/index_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/index/offset_index.h"
#include "storage/index/time_index.h"

namespace moldau::tools {
namespace {

constexpr std::uint64_t kIndexBytesMax = 1ULL << 30;

// The whole entries of the file, without the zeros behind them; empty if there is no such file.
ByteVector entries_of(VerifyReport& report, const std::string& path, std::size_t entry_bytes, bool expected) {
  auto content = runtime::read_file(report.fs(), path, kIndexBytesMax);
  if (!content) {
    if (content.error().kind() != ErrorKind::kNotFound) {
      report.fault(path, content.error());
    } else if (expected) {
      report.note(path, "is missing: a start makes it anew");
    }
    return {};
  }
  if (content->size() % entry_bytes != 0) {
    report.fault(path, "bytes behind the last whole entry", content->size() / entry_bytes * entry_bytes);
    content->resize(content->size() / entry_bytes * entry_bytes);
  }
  while (!content->empty() && std::all_of(content->end() - static_cast<std::ptrdiff_t>(entry_bytes), content->end(),
                                          [](std::byte byte) { return byte == std::byte{0}; })) {
    content->resize(content->size() - entry_bytes);
  }
  return *std::move(content);
}

}  // namespace

OffsetIndexCheck::OffsetIndexCheck(VerifyReport& report, std::string path, Offset base, bool expected)
    : report_(report),
      path_(std::move(path)),
      base_(base),
      content_(entries_of(report, path_, storage::OffsetIndex::kEntryBytes, expected)) {}

Offset OffsetIndexCheck::entry_offset() const noexcept {
  return base_ + load_be<std::int32_t>(content_.data() + at_);
}

std::int64_t OffsetIndexCheck::entry_position() const noexcept {
  return load_be<std::int32_t>(content_.data() + at_ + 4);
}

void OffsetIndexCheck::complain() {
  report_.fault(path_,
                fmt::format("offset {} is said to be at {}, where no batch ends with it", entry_offset().value(),
                            entry_position()),
                at_);
  at_ += storage::OffsetIndex::kEntryBytes;
}

void OffsetIndexCheck::on_batch(std::uint64_t position, const record::BatchHeader& header) {
  while (!at_end() && std::cmp_less(entry_position(), position)) {
    complain();
  }
  while (!at_end() && std::cmp_equal(entry_position(), position)) {
    if (entry_offset() != header.last_offset()) {
      complain();
    } else {
      at_ += storage::OffsetIndex::kEntryBytes;
    }
  }
}

void OffsetIndexCheck::finish(bool lenient) {
  if (!at_end() && lenient) {
    report_.note(path_, "entries behind the end of the log", at_);
    return;
  }
  while (!at_end()) {
    complain();
  }
}

TimeIndexCheck::TimeIndexCheck(VerifyReport& report, std::string path, Offset base, bool expected)
    : report_(report),
      path_(std::move(path)),
      base_(base),
      content_(entries_of(report, path_, storage::TimeIndex::kEntryBytes, expected)),
      missing_(content_.empty() && !report_.fs().exists(path_).value_or(false)) {}

std::int64_t TimeIndexCheck::entry_timestamp() const noexcept {
  return load_be<std::int64_t>(content_.data() + at_);
}

Offset TimeIndexCheck::entry_offset() const noexcept {
  return base_ + load_be<std::int32_t>(content_.data() + at_ + 8);
}

void TimeIndexCheck::on_batch(const record::BatchHeader& header) {
  youngest_ = std::max(youngest_, header.max_timestamp);
  for (; !at_end() && entry_offset() <= header.last_offset(); at_ += storage::TimeIndex::kEntryBytes) {
    if (entry_offset() != header.last_offset() || entry_timestamp() != header.max_timestamp) {
      report_.fault(
          path_,
          fmt::format("time {} is said to be that of the batch that ends with offset {}; the batch there ends "
                      "with {} and has {}",
                      entry_timestamp(), entry_offset().value(), header.last_offset().value(), header.max_timestamp),
          at_);
    } else if (entry_timestamp() < youngest_) {
      report_.fault(path_,
                    fmt::format("nothing up to offset {} is said to be younger than {}; a batch of {} is",
                                entry_offset().value(), entry_timestamp(), youngest_),
                    at_);
    } else if (entry_timestamp() <= previous_) {
      report_.fault(path_, fmt::format("time {} follows {}", entry_timestamp(), previous_), at_);
    }
    previous_ = entry_timestamp();
  }
}

void TimeIndexCheck::finish(bool lenient, bool closed) {
  if (!at_end()) {
    if (lenient) {
      report_.note(path_, "entries behind the end of the log", at_);
    } else {
      report_.fault(path_, fmt::format("offset {} is behind the end of the log", entry_offset().value()), at_);
    }
  } else if (closed && !missing_ && previous_ < youngest_) {
    report_.fault(path_, fmt::format("ends with time {}, the segment's youngest batch is of {}", previous_, youngest_),
                  content_.size());
  }
}

TransactionIndexCheck::TransactionIndexCheck(VerifyReport& report, std::string path, Offset base)
    : report_(report), path_(std::move(path)) {
  const auto content = runtime::read_file(report_.fs(), path_, kIndexBytesMax);
  if (!content) {
    if (content.error().kind() != ErrorKind::kNotFound) {
      readable_ = false;
      report_.fault(path_, content.error());
    }
    return;
  }
  if (const auto parsed = storage::TransactionIndex::parse(*content, base)) {
    entries_ = parsed->entries();
  } else {
    readable_ = false;
    report_.fault(path_, parsed.error());
  }
}

void TransactionIndexCheck::on_abort(ProducerId producer, Offset first, Offset marker) {
  while (next_ < entries_.size() && entries_[next_].last_offset < marker) {
    report_.fault(path_, fmt::format("there is no abort marker at offset {}", entries_[next_].last_offset.value()),
                  next_ * storage::AbortedTxn::kBytes);
    ++next_;
  }
  if (next_ == entries_.size() || entries_[next_].last_offset != marker) {
    if (first != kNoOffset && readable_) {
      report_.fault(path_, fmt::format("the transaction of producer {} from offset {}, aborted at {}, is missing",
                                       producer.value(), first.value(), marker.value()));
    }
    return;
  }
  const storage::AbortedTxn& entry = entries_[next_];
  if (entry.producer_id != producer || (first != kNoOffset && entry.first_offset != first)) {
    report_.fault(
        path_,
        fmt::format("producer {} is said to have aborted at offset {} what it began at {}; the log has producer "
                    "{} from {}",
                    entry.producer_id.value(), marker.value(), entry.first_offset.value(), producer.value(),
                    first.value()),
        next_ * storage::AbortedTxn::kBytes);
  }
  ++next_;
}

void TransactionIndexCheck::finish(bool lenient) {
  for (; next_ < entries_.size(); ++next_) {
    const std::string what = fmt::format("there is no abort marker at offset {}", entries_[next_].last_offset.value());
    if (lenient) {
      report_.note(path_, what, next_ * storage::AbortedTxn::kBytes);
    } else {
      report_.fault(path_, what, next_ * storage::AbortedTxn::kBytes);
    }
  }
}

}  // namespace moldau::tools
