#include <algorithm>

#include "base/assert.h"
#include "base/probe.h"
#include "protocol/record/validate.h"
#include "storage/log/log_state.h"
#include "storage/recovery/producer_replay.h"

namespace moldau::storage {
namespace {

AppendRefusal to_append_refusal(ProducerRefusal refusal) noexcept {
  switch (refusal) {
    case ProducerRefusal::kOutOfOrderSequence: return AppendRefusal::kOutOfOrderSequence;
    case ProducerRefusal::kInvalidEpoch: return AppendRefusal::kInvalidProducerEpoch;
    case ProducerRefusal::kInvalidTxnState: return AppendRefusal::kInvalidTxnState;
    case ProducerRefusal::kCoordinatorFenced: return AppendRefusal::kCoordinatorFenced;
  }
  return AppendRefusal::kInvalidTxnState;
}

std::unexpected<AppendError> refuse(AppendRefusal refusal, const char* context, std::int64_t detail = 0) noexcept {
  return std::unexpected(AppendError{refusal, Error(ErrorKind::kInvalid, context, 0, detail)});
}

// Batches that go into one segment together.
struct Piece {
  std::size_t size_bytes = 0;
  Offset first{0};
  Offset last{0};
  std::int64_t max_timestamp = kNoTimestamp;
};

// What append_as_is may take of the bytes it was given.
struct Checked {
  std::size_t size_bytes = 0;  // of whole, acceptable batches
  Offset first{0};
  Offset last{0};
};

std::expected<Checked, AppendError> check_batches(Bytes bytes, LeaderEpoch epoch, ProducerOrigin origin, Offset log_end,
                                                  std::size_t batch_bytes_max) {
  Checked checked;
  record::BatchIterator batches(bytes);
  for (;;) {
    auto next = batches.next();
    if (!next) {
      return std::unexpected(AppendError{AppendRefusal::kCorrupt, next.error()});
    }
    if (!*next) {
      return checked;
    }
    const record::BatchView& batch = **next;
    if (origin == ProducerOrigin::kRaft && batch.header.leader_epoch != epoch) {
      return refuse(AppendRefusal::kEpochMismatch, "batch of another epoch than the leader's",
                    batch.header.leader_epoch.value());
    }
    if (origin == ProducerOrigin::kReplica && batch.header.leader_epoch > epoch) {
      MOLDAU_PROBE("log.newer_epoch_left_out");
      return checked;
    }
    const Offset expected = checked.size_bytes == 0 ? log_end : checked.last + 1;
    if (batch.header.last_offset_delta < 0 || batch.header.last_offset() < batch.header.base_offset) {
      return refuse(AppendRefusal::kCorrupt, "batch with an impossible offset delta");
    }
    if (batch.header.base_offset < expected) {
      return checked.size_bytes == 0 ? refuse(AppendRefusal::kUnexpectedOffset, "batch begins below the log end",
                                              batch.header.base_offset.value())
                                     : refuse(AppendRefusal::kOffsetsOutOfOrder, "offsets do not increase",
                                              batch.header.base_offset.value());
    }
    if (batch.bytes.size() > batch_bytes_max) {
      return refuse(AppendRefusal::kBatchTooLarge, "batch is larger than a segment");
    }
    if (!batch.crc_matches()) {
      return refuse(AppendRefusal::kCorrupt, "batch fails its checksum", batch.header.base_offset.value());
    }
    if (batch.header.is_control() && batch.header.has_producer_id()) {
      if (const auto marker = decode_end_marker(batch.bytes); !marker) {
        return std::unexpected(AppendError{AppendRefusal::kCorrupt, marker.error()});
      }
    }
    if (checked.size_bytes == 0) {
      checked.first = batch.header.base_offset;
    }
    checked.last = batch.header.last_offset();
    checked.size_bytes = batches.position();
  }
}

// As many checked batches as one segment can take.
Piece next_piece(Bytes checked, std::size_t bytes_max) {
  Piece piece;
  record::BatchIterator batches(checked);
  for (auto next = batches.next(); next && *next; next = batches.next()) {
    const record::BatchHeader& header = (*next)->header;
    if (piece.size_bytes > 0 && (batches.position() > bytes_max || header.last_offset() - piece.first > INT32_MAX)) {
      break;
    }
    if (piece.size_bytes == 0) {
      piece.first = header.base_offset;
    }
    piece.last = header.last_offset();
    piece.max_timestamp = std::max(piece.max_timestamp, header.max_timestamp);
    piece.size_bytes = batches.position();
  }
  return piece;
}

}  // namespace

std::optional<AppendError> Log::refuse_append() const {
  if (fenced()) {
    return AppendError{AppendRefusal::kFenced, report_.fence->error};
  }
  if (offline_) {
    return AppendError{AppendRefusal::kStorage, Error(ErrorKind::kOffline, "the log directory failed earlier")};
  }
  return std::nullopt;
}

AppendError Log::storage_failure(const Error& error) {
  return {AppendRefusal::kStorage, go_offline(error)};
}

std::expected<AppendResult, AppendError> Log::append_as_leader(record::ValidatedBatch& batch, LeaderEpoch epoch,
                                                               ProducerOrigin origin, std::int64_t now_ms,
                                                               std::int16_t transaction_version) {
  if (auto refusal = refuse_append()) {
    return std::unexpected(*refusal);
  }
  if (batch.bytes.size() > static_cast<std::size_t>(config().segment_bytes)) {
    return refuse(AppendRefusal::kBatchTooLarge, "batch is larger than a segment");
  }
  std::optional<EndMarker> marker;
  if (batch.header.is_control() && batch.header.has_producer_id()) {
    auto decoded = decode_end_marker(batch.bytes);
    if (!decoded) {
      return std::unexpected(AppendError{AppendRefusal::kCorrupt, decoded.error()});
    }
    marker = *decoded;
  }
  const auto duplicate =
      state_->producers.check(batch.header, marker ? &*marker : nullptr, origin, transaction_version);
  if (!duplicate) {
    return refuse(to_append_refusal(duplicate.error()), "producer state refuses the batch",
                  batch.header.producer_id.value());
  }
  if (duplicate->has_value()) {
    const StoredBatch& stored = **duplicate;
    return AppendResult{.first_offset = stored.first_offset(),
                        .last_offset = stored.last_offset,
                        .append_time_ms = stored.timestamp,
                        .duplicate = true};
  }
  const Offset first = log_end_;
  const Offset last = first + batch.header.last_offset_delta;
  const auto rolled = roll_if_due(batch.bytes, first, last, batch.header.max_timestamp, now_ms);
  if (!rolled) {
    return std::unexpected(storage_failure(rolled.error()));
  }
  batch.assign_offsets(first, epoch);
  if (auto written = write_batches(batch.bytes, last, now_ms); !written) {
    return std::unexpected(storage_failure(written.error()));
  }
  return AppendResult{.first_offset = first, .last_offset = last, .rolled = *rolled, .bytes = batch.bytes.size()};
}

std::expected<AppendResult, AppendError> Log::append_as_is(Bytes batches, LeaderEpoch epoch, ProducerOrigin origin,
                                                           std::int64_t now_ms) {
  if (auto refusal = refuse_append()) {
    return std::unexpected(*refusal);
  }
  const auto segment_bytes = static_cast<std::size_t>(config().segment_bytes);
  const auto checked = check_batches(batches, epoch, origin, log_end_, segment_bytes);
  if (!checked) {
    return std::unexpected(checked.error());
  }
  AppendResult result{.first_offset = log_end_, .last_offset = log_end_ - 1};
  if (checked->size_bytes == 0) {
    return result;
  }
  result = {.first_offset = checked->first, .last_offset = checked->last, .bytes = checked->size_bytes};
  for (Bytes rest = batches.first(checked->size_bytes); !rest.empty();) {
    const Piece piece = next_piece(rest, segment_bytes);
    const Bytes bytes = rest.first(piece.size_bytes);
    const auto rolled = roll_if_due(bytes, piece.first, piece.last, piece.max_timestamp, now_ms);
    if (!rolled) {
      return std::unexpected(storage_failure(rolled.error()));
    }
    if (auto written = write_batches(bytes, piece.last, now_ms); !written) {
      return std::unexpected(storage_failure(written.error()));
    }
    result.rolled |= *rolled;
    rest = rest.subspan(piece.size_bytes);
  }
  return result;
}

Result<bool> Log::roll_if_due(Bytes batches, Offset first_offset, Offset last_offset, std::int64_t max_timestamp,
                              std::int64_t now_ms) {
  Segment& active = state_->active();
  MOLDAU_TRY(due, active.should_roll(batches.size(), max_timestamp, last_offset, now_ms));
  const Offset base = std::max(first_offset, log_end_);
  // An empty segment at this very offset is as new as another one would be.
  if (!due || (active.empty() && active.base() == base)) {
    return false;
  }
  MOLDAU_CHECK(roll_to(base, now_ms));
  return true;
}

Result<> Log::write_batches(Bytes bytes, Offset last_offset, std::int64_t now_ms) {
  Segment& active = state_->active();
  std::uint64_t position = active.size_bytes();
  MOLDAU_CHECK(active.write(bytes, now_ms));
  record::BatchIterator batches(bytes);
  for (auto next = batches.next(); next && *next; next = batches.next()) {
    const auto& [header, batch_bytes] = **next;
    active.note(header, position);
    state_->remember({header.base_offset, header.last_offset(), position, batch_bytes.size()});
    position += batch_bytes.size();
    state_->epochs_unsynced |= state_->epochs.assign(header.leader_epoch, header.base_offset);
    if (!header.has_producer_id()) {
      continue;
    }
    std::optional<EndMarker> marker;
    if (header.is_control()) {
      MOLDAU_TRY(decoded, decode_end_marker(batch_bytes));
      marker = decoded;
    }
    const auto completed = state_->producers.apply(header, marker ? &*marker : nullptr);
    if (completed && completed->aborted) {
      MOLDAU_CHECK(active.append_aborted(
          {completed->producer_id, completed->first_offset, completed->last_offset, completed->last_stable_offset}));
    }
  }
  log_end_ = last_offset + 1;
  state_->producers.set_map_end(log_end_);
  unsynced_since_ms_ = std::min(unsynced_since_ms_, now_ms);
  return {};
}

Result<> Log::roll_to(Offset base, std::int64_t now_ms) {
  MOLDAU_PROBE("log.rolled");
  Segment& closing = state_->active();
  MOLDAU_ASSERT(base > closing.base(), base.value(), closing.base().value());
  MOLDAU_CHECK(closing.become_inactive());
  closing.collect_unsynced(state_->context.unsynced);
  MOLDAU_TRY(segment, Segment::create(state_->context, base, draw_roll_jitter(config(), environment_.random), now_ms));
  state_->segments.push_back(std::move(segment));
  forget_positions();
  state_->producers.set_map_end(base);
  return take_producer_snapshot();
}

Result<bool> Log::roll(std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  if (state_->active().empty()) {
    return false;
  }
  if (auto rolled = roll_to(log_end_, now_ms); !rolled) {
    return std::unexpected(go_offline(rolled.error()));
  }
  return true;
}

Result<> Log::skip_to(Offset end, std::int64_t now_ms) {
  MOLDAU_CHECK(usable());
  MOLDAU_ASSERT(end >= log_end_, end.value(), log_end_.value());
  if (end == log_end_) {
    return {};
  }
  // An empty segment says by its base where the log ends.
  if (auto rolled = roll_to(end, now_ms); !rolled) {
    return std::unexpected(go_offline(rolled.error()));
  }
  log_end_ = end;
  unsynced_since_ms_ = std::min(unsynced_since_ms_, now_ms);
  return {};
}

Result<> Log::assign_epoch_start(LeaderEpoch epoch) {
  MOLDAU_CHECK(usable());
  const auto latest = state_->epochs.latest();
  if (!latest || epoch > latest->epoch) {
    state_->epochs_unsynced |= state_->epochs.assign(epoch, log_end_);
  }
  return {};
}

}  // namespace moldau::storage
