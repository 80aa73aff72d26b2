// What a decision of the controller is: records to append and an answer to give once they are committed, or a refusal.
//
// Source: Kafka's ControllerResult and ApiError. Difference: refusals are values, not exceptions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "metadata/records/any_metadata_record.h"
#include "protocol/errors/error_code.h"

namespace moldau::metadata {

using protocol::ErrorCode;
using RecordBatch = std::vector<records::MetadataRecordAndVersion>;

// Of a record type that has one version only.
inline constexpr std::int16_t kRecordVersion0 = 0;

// One user's operation may not produce more (Kafka's MAX_RECORDS_PER_USER_OP); kPolicyViolation if it would.
inline constexpr std::size_t kRecordsPerOperationMax = 10'000;
// A decision that is not atomic is appended in batches of at most this many.
inline constexpr std::size_t kRecordsPerBatchMax = 10'000;

// Monotonic time since an origin of the caller's choice.
using Instant = std::chrono::nanoseconds;

struct ApiError {
  ErrorCode code = ErrorCode::kNone;
  std::string message;  // empty: none

  [[nodiscard]] bool failed() const noexcept { return code != ErrorCode::kNone; }
  friend bool operator==(const ApiError&, const ApiError&) = default;
};

struct Nothing {};

template <class Response = Nothing>
struct ControllerResult {
  RecordBatch records;
  Response response;
  // All records are committed or none. Otherwise a later controller may find a prefix of them and must cope.
  bool atomic = false;
};

// The unexpected case refuses the whole request; nothing is appended.
template <class Response = Nothing>
using Decision = std::expected<ControllerResult<Response>, ApiError>;

[[nodiscard]] inline std::unexpected<ApiError> refuse(ErrorCode code, std::string message = {}) {
  return std::unexpected<ApiError>(ApiError{code, std::move(message)});
}

// Randomness that the shell supplies.
class Entropy {
 public:
  virtual ~Entropy() = default;
  [[nodiscard]] virtual std::uint64_t below(std::uint64_t bound) = 0;  // uniform in [0, bound), bound > 0
  [[nodiscard]] virtual Uuid uuid() = 0;                               // as Kafka's Uuid.randomUuid
};

}  // namespace moldau::metadata
