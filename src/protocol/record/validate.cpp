#include "protocol/record/validate.h"

#include <optional>
#include <utility>

#include "base/assert.h"
#include "protocol/record/record.h"
#include "protocol/record/record_encoding.h"
#include "protocol/record/record_source.h"
#include "protocol/record/varint.h"

namespace moldau::record {
namespace {

using protocol::ErrorCode;

std::unexpected<Rejection> reject(ErrorCode code, const char* message, RejectionCause cause = RejectionCause::kOther) {
  return std::unexpected(Rejection{.code = code, .message = message, .cause = cause});
}

// What only clients get wrong (LogValidator.validateBatch).
std::optional<Rejection> check_client_header(const BatchHeader& header) {
  const auto refuse = [](const char* message) {
    return Rejection{
        .code = ErrorCode::kInvalidRecord, .message = message, .cause = RejectionCause::kInvalidOffsetOrSequence};
  };
  const std::int64_t count_by_offsets = std::int64_t{header.last_offset_delta} + 1;
  if (count_by_offsets <= 0) {
    return refuse("the batch's last offset is before its base offset");
  }
  if (header.record_count <= 0) {
    return refuse("the batch declares no records");
  }
  if (count_by_offsets != header.record_count) {
    return refuse("the batch's offsets and its count of records disagree");
  }
  if (header.is_control()) {
    return refuse("a client may not write control records");
  }
  if (header.has_producer_id() && header.base_sequence < 0) {
    return refuse("a batch with a producer id needs a sequence number");
  }
  return std::nullopt;
}

// What single records are refused for.
class RecordRefusals {
 public:
  [[gnu::noinline]] void add(std::int32_t index, const char* message, bool is_timestamp) {
    (is_timestamp ? bad_timestamp_ : no_key_) = true;
    if (errors_.size() < kRecordErrorsMax) {
      errors_.push_back(RecordError{index, message});
    }
  }

  // After the last record.
  [[nodiscard]] std::optional<Rejection> verdict() {
    if (errors_.empty()) {
      return std::nullopt;
    }
    return Rejection{
        .code = bad_timestamp_ ? ErrorCode::kInvalidTimestamp : ErrorCode::kInvalidRecord,
        .message = bad_timestamp_ ? "records refused, at least one for its timestamp" : "records without a key refused",
        .cause = no_key_ ? RejectionCause::kNoKey : RejectionCause::kOther,
        .record_errors = std::move(errors_)};
  }

 private:
  std::vector<RecordError> errors_;
  bool bad_timestamp_ = false;
  bool no_key_ = false;
};

// Judges record after record, and keeps their greatest timestamp. A value: a walk works on its own copy, whose parts
// the compiler holds in registers, since no address of it is given away.
class RecordJudge {
 public:
  RecordJudge(const BatchHeader& header, const ValidationRules& rules, RecordRefusals& refusals) noexcept
      : refusals_(&refusals),
        now_ms_(rules.now_ms),
        before_max_ms_(rules.timestamp_before_max_ms),
        after_max_ms_(rules.timestamp_after_max_ms),
        base_offset_(header.base_offset.value()),
        base_timestamp_(header.base_timestamp),
        append_time_(header.max_timestamp),
        is_stamped_(header.timestamp_type() == TimestampType::kLogAppendTime),
        judges_time_(rules.timestamp_type == TimestampType::kCreateTime),
        needs_key_(rules.compacted) {}

  [[gnu::always_inline]] void judge(const RecordShape& record) {
    const std::int64_t timestamp = is_stamped_ ? append_time_ : wrapping_add(base_timestamp_, record.timestamp_delta);
    if (needs_key_ && !record.has_key) [[unlikely]] {
      refusals_->add(index_, "a record of a compacted topic needs a key", false);
    } else if (judges_time_ && timestamp != kNoTimestamp) [[likely]] {
      const std::int64_t age = wrapping_subtract(now_ms_, timestamp);
      if (age > before_max_ms_ || wrapping_subtract(0, age) > after_max_ms_) [[unlikely]] {
        refusals_->add(index_, "the record's timestamp is too far in the past or in the future", true);
      }
    } else if (is_stamped_) {
      refusals_->add(index_, "a producer may not set the timestamp type to LogAppendTime", true);
    }
    max_timestamp_ = timestamp > max_timestamp_ ? timestamp : max_timestamp_;
    in_sequence_ &= wrapping_add(base_offset_, record.offset_delta) == index_;
    ++index_;
  }

  [[nodiscard]] std::int64_t max_timestamp() const noexcept { return max_timestamp_; }

  // Whether the records' offsets count up from 0.
  [[nodiscard]] bool in_sequence() const noexcept { return in_sequence_; }

  // After the last record.
  [[nodiscard]] std::optional<Rejection> verdict() const { return refusals_->verdict(); }

 private:
  RecordRefusals* refusals_;
  std::int64_t now_ms_;
  std::int64_t before_max_ms_;
  std::int64_t after_max_ms_;
  std::int64_t base_offset_;
  std::int64_t base_timestamp_;
  std::int64_t append_time_;
  std::int64_t max_timestamp_ = kNoTimestamp;
  std::int32_t index_ = 0;
  bool is_stamped_;
  bool judges_time_;
  bool needs_key_;
  bool in_sequence_ = true;
};

enum class WalkFault : std::uint8_t { kNone, kBadRecord, kEndlessSize, kBadStream, kTooLarge };

WalkFault fault_of(const RecordSource& source) noexcept {
  if (source.ok()) {
    return WalkFault::kBadRecord;
  }
  return source.error().kind() == ErrorKind::kTooLarge ? WalkFault::kTooLarge : WalkFault::kBadStream;
}

// Reads one number from a stream, which may have to go on for it.
template <class T>
bool stream_number(RecordSource& source, T& value) {
  (void)source.fill(kVarlongBytesMax);  // fewer may do
  const std::byte* after;
  if constexpr (sizeof(T) == 8) {
    after = read_varlong(source.at, source.end, value);
  } else {
    after = read_varint(source.at, source.end, value);
  }
  if (after == nullptr) {
    return false;
  }
  source.at = after;
  return true;
}

// A size and so many bytes, not kept; any negative size is null.
bool stream_field(RecordSource& source, std::int32_t& size) {
  return stream_number(source, size) && (size <= 0 || source.skip(static_cast<std::size_t>(size)));
}

// A record larger than the window is checked field by field, so that it needs no room of its size.
bool check_large_record(RecordSource& source, RecordShape& shape) {
  std::int32_t key_size = 0;
  std::int32_t size = 0;
  std::int32_t header_count = 0;
  if (!source.skip(1) || !stream_number(source, shape.timestamp_delta) || !stream_number(source, shape.offset_delta) ||
      !stream_field(source, key_size) || !stream_field(source, size) || !stream_number(source, header_count) ||
      header_count < 0) {
    return false;
  }
  shape.has_key = key_size >= 0;
  for (; header_count > 0; --header_count) {  // each turn consumes bytes or fails
    if (!stream_field(source, size) || size < 0 || !stream_field(source, size)) {
      return false;
    }
  }
  return true;
}

WalkFault walk_plain(Bytes body, std::int32_t count, RecordJudge& result) {
  RecordJudge judge = result;
  const std::byte* at = body.data();
  const std::byte* const end = at + body.size();
  for (; count > 0; --count) {
    RecordShape shape;
    std::int32_t size;
    const std::byte* const record = read_size(at, end, size);
    if (record == nullptr) [[unlikely]] {
      return end - at >= static_cast<std::ptrdiff_t>(kVarintBytesMax) ? WalkFault::kEndlessSize : WalkFault::kBadRecord;
    }
    if (size <= 0 || end - record < size) [[unlikely]] {
      return WalkFault::kBadRecord;
    }
    at = record + size;
    if (!check_record_body(record, at, shape)) [[unlikely]] {
      return WalkFault::kBadRecord;
    }
    judge.judge(shape);
  }
  result = judge;
  return at == end ? WalkFault::kNone : WalkFault::kBadRecord;
}

WalkFault walk_stream(RecordSource& source, std::int32_t count, RecordJudge& judge) {
  for (; count > 0; --count) {
    RecordShape shape;
    std::int32_t size;
    if (!stream_number(source, size) || size <= 0) [[unlikely]] {
      return fault_of(source);
    }
    const auto bytes = static_cast<std::size_t>(size);
    if (source.available() >= bytes || (bytes <= kWindowBytes && source.fill(bytes))) [[likely]] {
      const std::byte* const record = source.at;
      source.at += bytes;
      if (!check_record_body(record, source.at, shape)) [[unlikely]] {
        return WalkFault::kBadRecord;
      }
    } else {
      const std::size_t begin = source.consumed();
      if (!check_large_record(source, shape) || source.consumed() - begin != bytes) {
        return fault_of(source);
      }
    }
    judge.judge(shape);
  }
  return source.at_end() ? WalkFault::kNone : fault_of(source);
}

// The same for a batch of either kind whose records are wanted whole.
WalkFault walk_whole(RecordSource& source, const BatchHeader& header, RecordJudge& judge, BatchRebuilder& rebuilder) {
  RecordView record;
  for (std::int32_t count = header.record_count; count > 0; --count) {
    std::int32_t size;
    if (!stream_number(source, size)) [[unlikely]] {
      return !source.is_stream() && source.available() >= kVarintBytesMax ? WalkFault::kEndlessSize : fault_of(source);
    }
    if (size <= 0 || !source.fill(static_cast<std::size_t>(size))) [[unlikely]] {
      return fault_of(source);
    }
    const std::byte* const begin = source.at;
    source.at += size;
    if (!read_record_body(begin, source.at, record)) [[unlikely]] {
      return WalkFault::kBadRecord;
    }
    judge.judge({.timestamp_delta = record.timestamp_delta,
                 .offset_delta = record.offset_delta,
                 .has_key = record.key.has_value()});
    rebuilder.add(record, header.timestamp_at(record.timestamp_delta));
  }
  return source.at_end() ? WalkFault::kNone : fault_of(source);
}

std::optional<Rejection> refusal_of(WalkFault fault, RecordJudge& judge) {
  switch (fault) {
    case WalkFault::kNone: return judge.verdict();
    case WalkFault::kBadRecord:
      return Rejection{.code = ErrorCode::kInvalidRecord, .message = "the batch's records do not fill it as declared"};
    case WalkFault::kTooLarge:
      return Rejection{.code = ErrorCode::kInvalidRecord,
                       .message = "the batch is larger than moldau.decompressed.batch.bytes.max when decompressed"};
    // Kafka has no code of its own for the next two; what its readers throw becomes the general one.
    case WalkFault::kEndlessSize:
      return Rejection{.code = ErrorCode::kUnknownServerError, .message = "a record's size does not end"};
    case WalkFault::kBadStream:
      return Rejection{.code = ErrorCode::kUnknownServerError, .message = "the batch cannot be decompressed"};
  }
  MOLDAU_ASSERT(false);
}

std::optional<Rejection> walk_records(const BatchView& batch, const ValidationRules& rules, Codec codec,
                                      Scratch& scratch, RecordJudge& judge) {
  if (batch.header.record_count <= 0) {  // only a coordinator's: a client's was checked
    if (batch.header.record_count == 0) {
      return std::nullopt;  // Kafka does not look into an empty batch either
    }
    return Rejection{.code = ErrorCode::kInvalidRecord, .message = "the batch declares a negative count of records"};
  }
  WalkFault fault;
  if (codec == Codec::kNone) {
    fault = walk_plain(batch.body(), batch.header.record_count, judge);
  } else {
    RecordSource source(codec, batch.body(), scratch, rules.decompressed_bytes_max);
    fault = walk_stream(source, batch.header.record_count, judge);
  }
  return refusal_of(fault, judge);
}

// Whether the batch is kept as it was sent, but for its header.
bool stays_in_place(const BatchHeader& header, Codec codec, const ValidationRules& rules) noexcept {
  return !rules.compression || rules.compression->codec == codec || header.record_count <= 0 ||
         (codec == Codec::kNone && header.is_control());
}

// Some compressed bytes are few whatever they become; a hint that is too large only costs memory for the moment.
constexpr std::size_t kPlainPerCompressed = 16;

std::expected<ValidatedBatch, Rejection> rebuild(const BatchView& batch, const ValidationRules& rules, Codec codec,
                                                 Scratch& scratch, RecordJudge& judge) {
  const std::size_t body = batch.body().size();
  const bool is_plain = codec == Codec::kNone;
  BatchRebuilder rebuilder(batch.header, *rules.compression, scratch, is_plain ? body : body * kPlainPerCompressed,
                           rules.batch_bytes_max);
  WalkFault fault;
  if (is_plain) {
    RecordSource source(batch.body());
    fault = walk_whole(source, batch.header, judge, rebuilder);
  } else {
    RecordSource source(codec, batch.body(), scratch, rules.decompressed_bytes_max);
    fault = walk_whole(source, batch.header, judge, rebuilder);
  }
  if (auto refused = refusal_of(fault, judge)) {
    return std::unexpected(*std::move(refused));
  }
  if (rebuilder.is_unbuildable()) {
    return reject(ErrorCode::kUnknownServerError, "a batch with such times or producer fields cannot be built anew");
  }
  if (!rebuilder.finish(rules.timestamp_type, rules.now_ms)) {
    return reject(ErrorCode::kMessageTooLarge, "the batch is larger than max.message.bytes under the topic's codec");
  }
  const MutableBytes built = rebuilder.batch();
  return ValidatedBatch{.bytes = built, .header = BatchHeader::load(built.data()), .rebuilt = true};
}

std::optional<Rejection> check_segment_bytes(std::size_t bytes, const ValidationRules& rules) {
  if (std::cmp_greater(bytes, rules.segment_bytes)) {
    return Rejection{.code = ErrorCode::kRecordListTooLarge, .message = "the batch is larger than segment.bytes"};
  }
  return std::nullopt;
}

}  // namespace

std::expected<MutableBytes, Rejection> check_produce_framing(MutableBytes data, bool zstd_allowed) {
  const FrameStep first = next_frame(data);
  if (first.framing == Framing::kCorrupt) {
    return reject(ErrorCode::kCorruptMessage, "impossible batch length or magic");
  }
  if (first.framing == Framing::kPartial) {
    return reject(ErrorCode::kInvalidRecord, "no whole batch");
  }
  if (first.magic != kMagic2) {
    return reject(ErrorCode::kInvalidRecord, "only batches of magic 2 may be produced");
  }
  const auto attributes = load_be<std::uint16_t>(data.data() + kAttributesAt);  // 26 bytes are there
  if (!zstd_allowed && (attributes & kCodecMask) == static_cast<std::uint16_t>(Codec::kZstd)) {
    return reject(ErrorCode::kUnsupportedCompressionType, "zstd needs Produce version 7");
  }
  const FrameStep second = next_frame(data.subspan(first.size_bytes));
  if (second.framing == Framing::kCorrupt) {
    return reject(ErrorCode::kCorruptMessage, "impossible batch length or magic behind the first batch");
  }
  if (second.framing == Framing::kBatch) {
    return reject(ErrorCode::kInvalidRecord, "more than one batch for a partition");
  }
  return data.first(first.size_bytes);
}

std::expected<ValidatedBatch, Rejection> validate_produced(MutableBytes data, const ValidationRules& rules,
                                                           Scratch& scratch) {
  const bool is_client = rules.origin == ProduceOrigin::kClient;
  auto bytes = check_produce_framing(data, rules.zstd_allowed);
  if (!bytes) {
    return std::unexpected(std::move(bytes).error());
  }
  if (is_client && load_be<std::int64_t>(bytes->data() + kBaseOffsetAt) != 0) {
    return reject(ErrorCode::kInvalidRecord, "a produced batch has base offset 0");
  }
  if (std::cmp_greater(bytes->size(), rules.batch_bytes_max)) {
    return reject(ErrorCode::kMessageTooLarge, "the batch is larger than max.message.bytes");
  }
  if (bytes->size() < kBatchHeaderBytes) {
    return reject(ErrorCode::kCorruptMessage, "the batch is shorter than its header", RejectionCause::kInvalidCrc);
  }
  const BatchView batch{BatchHeader::load(bytes->data()), *bytes};
  if (!batch.crc_matches()) {
    return reject(ErrorCode::kCorruptMessage, "the batch's CRC is wrong", RejectionCause::kInvalidCrc);
  }
  const std::optional<Codec> codec = batch.header.codec();
  if (!codec) {
    return reject(ErrorCode::kUnknownServerError, "no such compression codec");
  }
  if (is_client) {
    if (auto refused = check_client_header(batch.header)) {
      return std::unexpected(*std::move(refused));
    }
  }
  RecordRefusals refusals;
  RecordJudge judge(batch.header, rules, refusals);
  if (!stays_in_place(batch.header, *codec, rules)) {
    auto rebuilt = rebuild(batch, rules, *codec, scratch, judge);
    if (rebuilt) {
      if (auto refused = check_segment_bytes(rebuilt->bytes.size(), rules)) {
        return std::unexpected(*std::move(refused));
      }
    }
    return rebuilt;
  }
  if (auto refused = walk_records(batch, rules, *codec, scratch, judge)) {
    return std::unexpected(*std::move(refused));
  }
  if (*codec != Codec::kNone && !judge.in_sequence()) {
    // Kafka sets out to rebuild such a batch and fails at it; an uncompressed one it stores as it is.
    return reject(ErrorCode::kUnknownServerError, "the offsets in a compressed batch do not count up from 0");
  }
  if (auto refused = check_segment_bytes(bytes->size(), rules)) {
    return std::unexpected(*std::move(refused));
  }
  ValidatedBatch accepted{.bytes = *bytes, .header = batch.header};
  const bool appends_time = rules.timestamp_type == TimestampType::kLogAppendTime;
  accepted.corrected =
      set_max_timestamp(*bytes, rules.timestamp_type, appends_time ? rules.now_ms : judge.max_timestamp());
  if (accepted.corrected) {
    accepted.header = BatchHeader::load(bytes->data());
  }
  return accepted;
}

}  // namespace moldau::record
