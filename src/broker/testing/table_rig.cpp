#include "broker/testing/table_rig.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace moldau::broker::testing {
namespace {

constexpr std::size_t kSizeFieldBytes = 4;
constexpr std::int16_t kSomeKey = 3;

ByteVector frame_of(std::int16_t key, std::size_t content_bytes, char fill) {
  ByteVector content(content_bytes, static_cast<std::byte>(fill));
  if (content_bytes >= sizeof key) {
    store_be(content.data(), key);
  }
  return framed(content);
}

}  // namespace

ByteVector framed(Bytes content) {
  ByteVector frame = size_field(static_cast<std::int32_t>(content.size()));
  frame.insert(frame.end(), content.begin(), content.end());
  return frame;
}

ByteVector produce_frame(std::size_t content_bytes, char fill) {
  return frame_of(0, content_bytes, fill);
}

ByteVector other_frame(std::size_t content_bytes, char fill) {
  return frame_of(kSomeKey, content_bytes, fill);
}

ByteVector size_field(std::int32_t bytes) {
  ByteVector field(kSizeFieldBytes);
  store_be(field.data(), bytes);
  return field;
}

std::vector<ByteVector> frames_in(Bytes stream) {
  std::vector<ByteVector> frames;
  while (!stream.empty()) {
    MOLDAU_ASSERT(stream.size() >= kSizeFieldBytes);
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(stream.data()));
    MOLDAU_ASSERT(stream.size() >= kSizeFieldBytes + size);
    frames.push_back(to_vector(stream.subspan(kSizeFieldBytes, size)));
    stream = stream.subspan(kSizeFieldBytes + size);
  }
  return frames;
}

std::uint32_t EchoHandler::home_of(const ConnectionInfo& /*info*/, Bytes frame) {
  const bool is_produce = frame.size() >= 2 && load_be<std::int16_t>(frame.data()) == 0;
  return is_produce ? home : own_shard;
}

void EchoHandler::on_frame(ConnectionInfo& info, Frame frame, ResponseTicket ticket) {
  info.one_at_a_time = one_at_a_time;
  frames.push_back(to_vector(frame.bytes));
  held.push_back(std::make_unique<Held>(std::move(frame), std::move(ticket)));
  if (!hold) {
    answer(held.size() - 1);
  }
}

void EchoHandler::answer(std::size_t index) {
  Held& chosen = *held.at(index);
  chosen.ticket.answer({.frame = framed(chosen.frame.bytes), .splices = {}, .mute = mute});
  held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
}

void EchoHandler::answer_all() {
  while (!held.empty()) {
    answer();
  }
}

TableRig::TableRig(const ConnectionTable::Config& config, std::uint32_t shards) {
  for (std::uint32_t i = 0; i < shards; ++i) {
    Part& part = shards_.emplace_back();
    part.shard = std::make_unique<ManualShard>(i);
    part.network = std::make_unique<FakeNetwork>(*part.shard);
    part.handler = std::make_unique<EchoHandler>();
    part.handler->own_shard = part.handler->home = i;
    part.table = std::make_unique<ConnectionTable>(*part.shard, *part.network, logger_, config);
  }
  std::vector<ConnectionTable*> tables;
  for (const Part& part : shards_) {
    tables.push_back(part.table.get());
  }
  for (const Part& part : shards_) {
    part.table->wire(*part.handler, tables);
  }
}

TableRig::~TableRig() {
  for (const Part& part : shards_) {
    part.handler->held.clear();  // closes their connections; chunks go before their pool
  }
}

std::shared_ptr<FakePeer> TableRig::connect(std::uint32_t shard) {
  auto peer = std::make_shared<FakePeer>();
  table(shard).add(std::make_unique<FakeSocket>(this->shard(shard), peer), "PLAINTEXT", {});
  return peer;
}

void TableRig::settle() {
  constexpr int kTurnsMax = 100'000;
  for (int turns = 0; turns < kTurnsMax; ++turns) {
    for (const Part& part : shards_) {
      part.shard->turn();
    }
    if (std::none_of(shards_.begin(), shards_.end(), [](const Part& part) { return !part.shard->idle(); })) {
      return;
    }
  }
  MOLDAU_ASSERT(false);  // never comes to rest
}

void TableRig::pass(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kStep{250};
  for (std::chrono::milliseconds passed{0}; passed < time; passed += kStep) {
    for (const Part& part : shards_) {
      part.shard->advance(std::min(kStep, time - passed));
    }
    settle();
  }
}

}  // namespace moldau::broker::testing
