// A partition's directory made of hostile bytes: opening it repairs, refuses or fences, and what is served is whole.
//
// Input: one byte of choices, two of recovery point, then pieces: one byte of file, two of length, the bytes.
#include "storage/recovery/log_recovery.h"

#include <cstdint>
#include <cstdlib>

#include "storage/testing/log_kit.h"
#include "storage/testing/memory_fs.h"

namespace {

using namespace moldau;
using namespace moldau::storage;
using namespace moldau::storage::testing;

constexpr const char* kDirectory = "/d/t-0";
constexpr const char* kFiles[] = {
    "00000000000000000000.log",       "00000000000000000000.index",    "00000000000000000000.timeindex",
    "00000000000000000000.txnindex",  "00000000000000000010.log",      "00000000000000000010.index",
    "00000000000000000010.timeindex", "00000000000000000010.snapshot", "leader-epoch-checkpoint",
    "00000000000000000000.log.swap",
};

class SilentLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return false; }
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// Right checksums, so that the mutations reach what lies behind them.
void mend_checksums(ByteVector& bytes) {
  for (std::size_t at = 0; at + record::kBatchHeaderBytes <= bytes.size();) {
    const auto batch = record::BatchView::parse(Bytes(bytes).subspan(at));
    if (!batch) {
      return;
    }
    store_be(bytes.data() + at + record::kCrcAt, batch->computed_crc());
    at += batch->bytes.size();
  }
}

void use(MemoryFileSystem& fs, const OpenHints& hints) {
  SilentLogger logger;
  SeededRandom random(1);
  auto log = Log::open({fs, logger, random}, kDirectory, {"t", PartitionIndex(0)}, LogConfig{}, hints);
  if (!log || (*log)->fenced()) {
    return;
  }
  record::Scratch scratch;
  for (Offset next = (*log)->log_start(); next < (*log)->log_end();) {
    const auto slice = (*log)->read(next, (*log)->log_end(), 1 << 20, true);
    if (!slice || slice->empty()) {
      break;
    }
    const ByteVector bytes = read_slice(*slice).value();
    record::BatchIterator batches(bytes);
    for (auto batch = batches.next(); batch && *batch; batch = batches.next()) {
      next = (*batch)->header.next_offset();
    }
    if (batches.position() == 0) {
      std::abort();  // a slice begins with a whole batch
    }
  }
  (void)(*log)->offset_for_timestamp(5, scratch);
  (void)(*log)->max_timestamp(scratch);
  (void)(*log)->aborted_transactions((*log)->log_start(), (*log)->log_end());
  (void)(*log)->truncate_to(Offset((*log)->log_end().value() / 2), 0);
  (void)append(**log, make_batch({}));
  (void)(*log)->close(true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes input = std::as_bytes(std::span(data, size));
  if (input.size() < 3) {
    return 0;
  }
  const auto choices = std::to_integer<unsigned>(input[0]);
  OpenHints hints{.clean_shutdown = (choices & 1) != 0,
                  .recovery_point = Offset(load_be<std::uint16_t>(input.data() + 1))};
  if ((choices & 2) != 0) {
    hints.durable_end = hints.recovery_point + 1;
  }
  MemoryFileSystem fs;
  (void)fs.make_dirs(kDirectory);
  for (input = input.subspan(3); input.size() >= 3;) {
    const auto which = std::to_integer<std::size_t>(input[0]) % std::size(kFiles);
    const std::size_t length = std::min<std::size_t>(load_be<std::uint16_t>(input.data() + 1), input.size() - 3);
    ByteVector content = to_vector(input.subspan(3, length));
    if ((choices & 4) != 0 && std::string_view(kFiles[which]).find(".log") != std::string_view::npos) {
      mend_checksums(content);
    }
    fs.put(std::string(kDirectory) + "/" + kFiles[which], std::move(content));
    input = input.subspan(3 + length);
  }
  use(fs, hints);
  hints.clean_shutdown = false;
  use(fs, hints);  // once more, on what the first left
  return 0;
}
