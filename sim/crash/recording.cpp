#include "sim/crash/recording.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "protocol/messages/produce_request.h"
#include "protocol/messages/produce_response.h"
#include "protocol/record/batch_builder.h"
#include "sim/crash/crash_settings.h"
#include "sim/scenario/scenario.h"
#include "sim/world/sim_random.h"

namespace moldau::sim {
namespace {

using std::chrono::milliseconds;

constexpr std::int16_t kAcksLeader = 1;
constexpr std::int16_t kAcksAll = -1;
constexpr std::int64_t kTimestamp = 1'790'000'000'000;
constexpr std::uint64_t kRetentionBytes = 3'000;
constexpr std::uint64_t kKeys = 6;

class Workload {
 public:
  explicit Workload(std::uint64_t seed) : random_(seed), scenario_(seed, crash_settings()) {}

  Recording run() {
    scenario_.disk().record_to(&recording_.journal);
    scenario_.start();
    recording_.first_ready = now();
    create("synced", {}, true);
    create("unsynced", {{"moldau.acks.all.sync", "false"}}, false);
    create("short", {{"retention.bytes", std::to_string(kRetentionBytes)}}, true, kRetentionBytes);
    create_keyed();
    const std::uint64_t steps = random_.between(25, 45);
    for (std::uint64_t i = 0; i < steps; ++i) {
      step();
    }
    (void)scenario_.stop();
    scenario_.disk().record_to(nullptr);
    return std::move(recording_);
  }

 private:
  [[nodiscard]] std::size_t now() const noexcept { return recording_.journal.operations.size(); }

  void step() {
    const std::uint64_t draw = random_.between(0, 99);
    if (draw < 36) {
      produce(*newest(draw % 3 == 0 ? "unsynced" : draw % 3 == 1 ? "short" : "synced"));
    } else if (draw < 54) {
      upsert();
    } else if (draw < 60) {
      burst(*newest("unsynced"));
    } else if (draw < 72) {
      scenario_.run_for(milliseconds(random_.between(20, 400)));  // checkpoints, retention, removal of files
    } else if (draw < 78) {
      delete_records(*newest("synced"));
    } else if (draw < 90) {
      come_and_go();
    } else if (draw < 95) {
      (void)scenario_.stop();
      scenario_.start();
    } else {
      scenario_.crash(CrashKind::kKill);
      scenario_.start();
    }
  }

  [[nodiscard]] TopicLife* newest(const std::string& name) {
    const auto found = std::find_if(recording_.ledger.lives.rbegin(), recording_.ledger.lives.rend(),
                                    [&](const TopicLife& life) { return life.name == name; });
    return found == recording_.ledger.lives.rend() ? nullptr : &*found;
  }

  void create(const std::string& name, std::vector<std::pair<std::string, std::string>> configs, bool synced,
              std::uint64_t retention_bytes = 0) {
    configs.emplace_back("internal.segment.bytes", std::to_string(random_.between(1'400, 3'000)));
    configs.emplace_back("index.interval.bytes", "200");
    configs.emplace_back("file.delete.delay.ms", "100");
    recording_.ledger.lives.push_back({.name = name, .synced = synced, .retention_bytes = retention_bytes});
    TopicLife& life = recording_.ledger.lives.back();
    life.created.asked = now();
    scenario_.create_topic(name, configs);
    life.created.answered = now();
  }

  void create_keyed() {
    const bool tombstones_go = random_.between(0, 1) == 0;
    create("keyed",
           {{"cleanup.policy", "compact"},
            {"min.cleanable.dirty.ratio", "0.01"},
            {"delete.retention.ms", tombstones_go ? "0" : "600000"}},
           true);
    newest("keyed")->compacted = true;
    newest("keyed")->tombstones_go = tombstones_go;
  }

  // Two batches or three: a few of them fill a segment.
  void upsert() {
    for (std::uint64_t count = random_.between(2, 3); count > 0; --count) {
      produce(*newest("keyed"));
    }
    if (random_.between(0, 2) == 0) {
      scenario_.run_for(milliseconds(250));  // longer than the cleaner's pauses
    }
  }

  // A topic that comes, takes a record or two, goes, and comes again under its name.
  void come_and_go() {
    TopicLife* life = newest("guest");
    if (life == nullptr || life->deleted.asked != kNever) {
      create("guest", {}, true);
      produce(*newest("guest"));
      return;
    }
    if (random_.between(0, 1) == 0) {
      return produce(*life);
    }
    life->deleted.asked = now();
    scenario_.delete_topic("guest");
    life->deleted.answered = now();
  }

  void delete_records(TopicLife& life) {
    if (life.records.empty()) {
      return;
    }
    const Offset target(static_cast<std::int64_t>(random_.between(0, life.records.size())));
    if (target < (life.deletes.empty() ? Offset(0) : life.deletes.back().target)) {
      return;  // below the log start: refused
    }
    life.deletes.push_back({.asked = {.asked = now()}, .target = target});
    scenario_.delete_records(life.name, target);
    life.deletes.back().asked.answered = now();
  }

  void burst(TopicLife& life) {
    for (std::uint64_t count = random_.between(2, 5); count > 0; --count) {
      produce(life);
    }
  }

  // A batch of one to three records, of a producer with sequences or without.
  void produce(TopicLife& life) {
    const bool idempotent = random_.between(0, 1) == 0;
    record::BatchOptions options;
    const std::uint64_t count = random_.between(1, 3);
    const auto number = static_cast<std::size_t>(&life - recording_.ledger.lives.data());
    if (idempotent) {
      options.producer_id = ProducerId(4'000 + static_cast<std::int64_t>(number));
      options.producer_epoch = ProducerEpoch(0);
      options.base_sequence = sequences_[number];
      sequences_[number] += static_cast<std::int32_t>(count);
    }
    record::BatchBuilder builder(options);
    const std::size_t first = life.records.size();
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string value = fmt::format("{}/{}/{}:", number, life.name, life.records.size());
      value.append(random_.between(0, 400), 'x');
      record::RecordFields fields{.timestamp = kTimestamp + static_cast<std::int64_t>(now()), .value = as_bytes(value)};
      SentRecord sent{.asked = {.asked = now()}, .value = value};
      if (life.compacted) {
        sent.key = fmt::format("key-{}", random_.between(0, kKeys - 1));
        sent.tombstone = random_.between(0, 3) == 0;
        fields.key = as_bytes(sent.key);
        fields.value = sent.tombstone ? std::nullopt : fields.value;
        sent.value = text_of(sent.key, sent.tombstone ? std::nullopt : std::optional<std::string_view>(value));
      }
      builder.append(fields);
      life.records.push_back(std::move(sent));
    }
    const auto batch = builder.build();
    protocol::ProduceRequest request;
    request.acks = life.synced ? kAcksAll : kAcksLeader;
    request.timeout_ms = 5'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = life.name;
    auto& partition = topic.partition_data.emplace_back();
    partition.index = 0;
    partition.records = wire::Records(*batch);
    constexpr std::int16_t kVersion = 12;  // the last one with topic names
    scenario_.call(request, kVersion, [&](const protocol::ProduceResponse& response) {
      const auto& answer = response.responses.at(0).partition_responses.at(0);
      if (answer.error_code != 0 || answer.base_offset != static_cast<std::int64_t>(first)) {
        throw std::runtime_error(fmt::format("produced to {} at {}: error {}, offset {}", life.name, first,
                                             answer.error_code, answer.base_offset));
      }
    });
    for (std::size_t i = first; i < life.records.size(); ++i) {
      life.records[i].asked.answered = now();
    }
  }

  SimRandom random_;
  Recording recording_;  // outlives the disk that writes into it
  Scenario scenario_;
  std::map<std::size_t, std::int32_t> sequences_;  // by life
};

}  // namespace

Recording record_workload(std::uint64_t seed) {
  return Workload(seed).run();
}

}  // namespace moldau::sim
