// Bytes from a client through the real connection and dispatcher, with a made-up handler for every API. Checked,
// besides that nothing crashes: answers are whole frames, in the order of their requests; how the bytes were cut makes
// no difference; request memory stays within its bound and comes back.
//
// Input: one byte of options, one byte that says into how large pieces the rest is cut, then the stream of frames.
// Seeds: tests/fuzz/make_frame_seeds.py makes them from tests/golden/frames.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/assert.h"
#include "broker/testing/dispatch_rig.h"

namespace moldau {
namespace {

constexpr std::size_t kFrameMax = std::size_t{1} << 20;
constexpr std::size_t kMemory = std::size_t{4} << 20;

struct Options {
  broker::ListenerKind kind = broker::ListenerKind::kBroker;
  bool hold = false;  // requests are answered at the end, the newest first
  bool ends = false;  // the peer closes its half behind the stream
  std::size_t window_bytes = SIZE_MAX;
};

struct Outcome {
  ByteVector received;
  std::vector<std::int32_t> correlations;  // of the requests that decoded
  bool closed = false;
};

void check_memory(const broker::ChunkPool& chunks) {
  MOLDAU_ASSERT(chunks.in_use_bytes() - chunks.beyond_limit_bytes() <= kMemory);
  MOLDAU_ASSERT(chunks.beyond_limit_bytes() <= 4 * kFrameMax);
}

Outcome run(const Options& options, Bytes stream, std::size_t piece_bytes) {
  broker::testing::DispatchRig rig({.frame_bytes_max = kFrameMax, .memory = {.memory_bytes_max = kMemory}},
                                   options.kind);
  rig.seen().hold = options.hold;
  auto peer = rig.connect();
  peer->set_window(options.window_bytes);
  while (!stream.empty()) {
    const Bytes piece = stream.first(std::min(piece_bytes, stream.size()));
    stream = stream.subspan(piece.size());
    peer->send(piece);
    rig.settle();
    check_memory(rig.table().chunks());
  }
  if (options.ends) {
    peer->end();
  }
  rig.settle();
  while (!rig.seen().held.empty()) {
    broker::testing::answer_by_default(rig.seen().held.back());
    rig.seen().held.pop_back();
    rig.settle();
  }
  peer->set_window(SIZE_MAX);
  rig.settle();
  while (!rig.seen().held.empty()) {  // what had waited for the peer to take its answers
    broker::testing::answer_by_default(rig.seen().held.back());
    rig.seen().held.pop_back();
    rig.settle();
  }
  check_memory(rig.table().chunks());
  Outcome outcome{.received = peer->received(), .correlations = {}, .closed = peer->closed_by_owner()};
  for (const auto& entry : rig.seen().requests) {
    outcome.correlations.push_back(entry.correlation_id);
  }
  return outcome;
}

void check_answers(const Outcome& outcome) {
  const std::vector<ByteVector> answers = broker::testing::frames_in(outcome.received);
  MOLDAU_ASSERT(answers.size() == outcome.correlations.size() ||
                (outcome.closed && answers.size() < outcome.correlations.size()));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    MOLDAU_ASSERT(answers[i].size() >= 4 && load_be<std::int32_t>(answers[i].data()) == outcome.correlations[i]);
  }
}

}  // namespace
}  // namespace moldau

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moldau;
  constexpr std::size_t kOptionBytes = 2;
  if (size < kOptionBytes) {
    return 0;
  }
  const std::uint8_t bits = data[0];
  const Options options{.kind = (bits & 1) != 0 ? broker::ListenerKind::kController : broker::ListenerKind::kBroker,
                        .hold = (bits & 2) != 0,
                        .ends = (bits & 4) != 0,
                        .window_bytes = (bits & 8) != 0 ? 0 : SIZE_MAX};
  const Bytes stream = std::as_bytes(std::span(data, size)).subspan(kOptionBytes);
  const std::size_t piece_bytes = data[1] == 0 ? SIZE_MAX : data[1];
  const Outcome cut = run(options, stream, piece_bytes);
  check_answers(cut);
  if (piece_bytes != SIZE_MAX && !options.hold) {
    const Outcome whole = run(options, stream, SIZE_MAX);
    MOLDAU_ASSERT(whole.received == cut.received && whole.closed == cut.closed);
  }
  return 0;
}
