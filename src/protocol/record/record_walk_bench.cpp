// What the produce path pays: CRC and walk of one batch, by record size and codec. Counters: time a record, bytes/s of
// the batch as sent (compressed where it is).
#include <benchmark/benchmark.h>

#include "protocol/record/testing/batches.h"
#include "protocol/record/validate.h"

namespace moldau::record {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;

// Batches of about 256 KiB plain, values half noise, as the performance rules ask.
ByteVector batch_of(std::int64_t value_bytes, Codec codec) {
  testing::RandomRecords random(1);
  BatchBuilder builder({.codec = codec});
  while (builder.size_bytes() < std::size_t{256} << 10) {
    std::string value(static_cast<std::size_t>(value_bytes), 'v');
    for (std::size_t i = 0; i < value.size() / 2; ++i) {
      value[i] = static_cast<char>(random.engine()());
    }
    builder.append({.timestamp = kNow + builder.record_count() / 10, .value = as_bytes(value)});
  }
  return builder.build().value();
}

void count(benchmark::State& state, const ByteVector& batch) {
  const auto records = static_cast<double>(BatchView::parse(batch)->header.record_count);
  state.counters["per_record"] =
      benchmark::Counter(records, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(batch.size()));
}

void validate(benchmark::State& state, Codec codec) {
  ByteVector batch = batch_of(state.range(0), codec);
  Scratch scratch;
  const ValidationRules rules{.now_ms = kNow};
  for (auto _ : state) {
    const auto accepted = validate_produced(batch, rules, scratch);
    if (!accepted) {
      state.SkipWithError(accepted.error().message);
      break;
    }
    benchmark::DoNotOptimize(accepted->header);
  }
  count(state, batch);
}

void walk(benchmark::State& state, Codec codec) {
  const ByteVector batch = batch_of(state.range(0), codec);
  const BatchView view = *BatchView::parse(batch);
  Scratch scratch;
  for (auto _ : state) {
    RecordWalker walker(view, scratch, testing::kBytesMax);
    while (const RecordView* record = walker.next()) {
      benchmark::DoNotOptimize(record->value->data());
    }
  }
  count(state, batch);
}

void correct_timestamp(benchmark::State& state) {
  ByteVector batch = batch_of(state.range(0), Codec::kNone);
  std::int64_t now = kNow;
  for (auto _ : state) {
    benchmark::DoNotOptimize(set_log_append_time(batch, ++now));
  }
}

void crc_alone(benchmark::State& state) {
  const ByteVector batch = batch_of(state.range(0), Codec::kNone);
  for (auto _ : state) {
    benchmark::DoNotOptimize(BatchView::parse(batch)->crc_matches());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(batch.size()));
}

BENCHMARK_CAPTURE(validate, none, Codec::kNone)->Arg(10)->Arg(100)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(validate, gzip, Codec::kGzip)->Arg(100)->Arg(1024);
BENCHMARK_CAPTURE(validate, snappy, Codec::kSnappy)->Arg(100)->Arg(1024);
BENCHMARK_CAPTURE(validate, lz4, Codec::kLz4)->Arg(100)->Arg(1024);
BENCHMARK_CAPTURE(validate, zstd, Codec::kZstd)->Arg(100)->Arg(1024);
BENCHMARK_CAPTURE(walk, none, Codec::kNone)->Arg(100)->Arg(1024);
BENCHMARK_CAPTURE(walk, lz4, Codec::kLz4)->Arg(100)->Arg(1024);
BENCHMARK(correct_timestamp)->Arg(1024);
BENCHMARK(crc_alone)->Arg(1024);

}  // namespace
}  // namespace moldau::record
