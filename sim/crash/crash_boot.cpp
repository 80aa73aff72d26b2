#include "sim/crash/crash_boot.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "base/callback.h"
#include "protocol/errors/error_code.h"
#include "protocol/messages/fetch_request.h"
#include "protocol/messages/fetch_response.h"
#include "protocol/messages/list_offsets_request.h"
#include "protocol/messages/list_offsets_response.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_walker.h"
#include "protocol/record/scratch.h"
#include "sim/checker/stored_log.h"
#include "sim/crash/crash_settings.h"
#include "sim/scenario/scenario.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;

constexpr std::int32_t kFetchBytes = 4 << 20;
constexpr int kReadAttempts = 5;
constexpr std::size_t kRecordBytesMax = std::size_t{1} << 20;

class Boot {
 public:
  Boot(const DiskImage& image, const Ledger& ledger, std::size_t prefix, std::uint64_t seed)
      : ledger_(ledger), prefix_(prefix), scenario_(seed, boot_settings()) {
    scenario_.disk().restore(image);
    for (const TopicLife& life : ledger.lives) {
      if (life.created.may_be(prefix)) {
        names_.insert(life.name);
        if (life.retention_bytes != 0) {
          shrinks_.insert(life.name);
        }
        if (life.compacted) {
          compacted_.insert(life.name);
        }
      }
    }
  }

  BootResult run(std::optional<std::uint64_t> cut_at) {
    try {
      if (cut_at) {
        scenario_.begin_and_cut_at(*cut_at);
      }
      const std::uint64_t before = scenario_.disk().calls();
      scenario_.start();
      result_.disk_calls = scenario_.disk().calls() - before;
      look();
      if (!scenario_.stop()) {
        fault("the stop was not clean");
      }
      look_at_files();
    } catch (const std::exception& error) {
      fault(error.what());
    }
    if (!result_.faults.empty()) {
      result_.logs = scenario_.logs();
    }
    return std::move(result_);
  }

 private:
  void fault(std::string line) { result_.faults.push_back(std::move(line)); }

  void look() {
    for (const std::string& name : names_) {
      result_.topics.push_back({.name = name});
    }
    // Retention may take the beginning away between the question where it is and the reading.
    for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
      list_offsets(-2, &SeenTopic::start);
      list_offsets(-1, &SeenTopic::end);
      read();
      if (!std::ranges::any_of(result_.topics, &SeenTopic::out_of_range)) {
        break;
      }
    }
    for (const SeenTopic& seen : result_.topics) {
      if (std::string found = judge(ledger_, prefix_, seen); !found.empty()) {
        fault(std::move(found));
      }
    }
  }

  [[nodiscard]] SeenTopic& topic(std::string_view name) {
    const auto found = std::ranges::find(result_.topics, name, &SeenTopic::name);
    if (found == result_.topics.end()) {
      throw std::runtime_error("an answer about a topic that was not asked for");
    }
    return *found;
  }

  void list_offsets(std::int64_t timestamp, Offset SeenTopic::* into) {
    protocol::ListOffsetsRequest request;
    request.replica_id = -1;
    for (const std::string& name : names_) {
      auto& asked = request.topics.emplace_back();
      asked.name = name;
      asked.partitions.emplace_back().timestamp = timestamp;
    }
    scenario_.call(request, 7, [&](const protocol::ListOffsetsResponse& response) {
      for (const auto& answered : response.topics) {
        SeenTopic& seen = topic(answered.name);
        const auto& partition = answered.partitions.at(0);
        const ErrorCode error = protocol::error_from_wire(partition.error_code);
        seen.exists = error != ErrorCode::kUnknownTopicOrPartition;
        seen.readable = error == ErrorCode::kNone;
        seen.why = seen.readable ? "" : fmt::format("ListOffsets: error {}", partition.error_code);
        seen.*into = Offset(partition.offset);
        seen.out_of_range = false;
      }
    });
  }

  // Every topic from its start to its end: an answer ends with a segment.
  void read() {
    for (SeenTopic& seen : result_.topics) {
      seen.values.clear();
      seen.offsets.clear();
      seen.next = seen.start;
      seen.bytes = 0;
    }
    last_.clear();
    for (std::size_t before = SIZE_MAX; before != left_to_read();) {
      before = left_to_read();
      fetch();
    }
  }

  [[nodiscard]] std::size_t left_to_read() const {
    std::size_t left = 0;
    for (const SeenTopic& seen : result_.topics) {
      left += seen.readable && seen.next < seen.end ? static_cast<std::size_t>(seen.end - seen.next) : 0;
    }
    return left;
  }

  void fetch() {
    protocol::FetchRequest request;
    request.max_bytes = kFetchBytes;
    for (const SeenTopic& seen : result_.topics) {
      if (seen.readable && seen.next < seen.end) {
        auto& asked = request.topics.emplace_back();
        asked.topic = seen.name;
        auto& partition = asked.partitions.emplace_back();
        partition.fetch_offset = seen.next.value();
        partition.partition_max_bytes = kFetchBytes;
      }
    }
    if (request.topics.empty()) {
      return;
    }
    scenario_.call(request, 12, [&](const protocol::FetchResponse& response) {
      for (const auto& answered : response.responses) {
        SeenTopic& seen = topic(answered.topic);
        const auto& partition = answered.partitions.at(0);
        if (partition.error_code != 0) {
          seen.readable = false;
          seen.why = fmt::format("Fetch: error {}", partition.error_code);
          seen.out_of_range = protocol::error_from_wire(partition.error_code) == ErrorCode::kOffsetOutOfRange;
        } else if (partition.records) {
          read_batches(seen, partition.records->bytes());
        }
      }
    });
  }

  void read_batches(SeenTopic& seen, Bytes bytes) {
    seen.bytes += bytes.size();
    record::BatchIterator batches(bytes);
    std::optional<record::BatchHeader>& before = last_[seen.name];
    for (;;) {
      const auto batch = batches.next();
      if (!batch || !*batch) {
        break;
      }
      const record::BatchHeader& header = (*batch)->header;
      const bool follows = !before || (compacted_.contains(seen.name) ? header.base_offset >= before->next_offset()
                                                                      : header.base_offset == before->next_offset());
      if (!(*batch)->crc_matches() || !follows || (before && header.leader_epoch < before->leader_epoch)) {
        fault(fmt::format("I13: {}: a bad batch at offset {} was served", seen.name, header.base_offset.value()));
        return;
      }
      before = header;
      record::RecordWalker walker(**batch, scratch_, kRecordBytesMax);
      while (const record::RecordView* record = walker.next()) {
        if (const Offset offset = header.offset_at(record->offset_delta); offset >= seen.next) {
          const auto value = record->value ? std::optional(as_text(*record->value)) : std::nullopt;
          seen.values.push_back(record->key ? text_of(as_text(*record->key), value) : std::string(value.value_or("")));
          seen.offsets.push_back(offset);
        }
      }
      seen.next = std::max(seen.next, header.next_offset());
    }
    if (!batches.tail().empty()) {
      fault(fmt::format("I13: {}: {} bytes that are no batch were served", seen.name, batches.tail().size()));
    }
  }

  void look_at_files() {
    const auto fs = scenario_.disk().mount();
    Function<void(std::string)> report([this](std::string line) { fault(std::move(line)); });
    for (const SeenTopic& seen : result_.topics) {
      if (seen.exists && seen.readable) {
        // Where retention goes on after the reading, the files may begin anywhere up to the end.
        check_stored_log(*fs, "/data/" + seen.name + "-0",
                         {.start = shrinks_.contains(seen.name) ? seen.end : seen.start,
                          .end = seen.end,
                          .compacted = compacted_.contains(seen.name)},
                         report);
      }
    }
  }

  const Ledger& ledger_;
  std::size_t prefix_;
  Scenario scenario_;
  std::set<std::string> names_;
  std::set<std::string> shrinks_;  // those with retention
  std::set<std::string> compacted_;
  std::map<std::string, std::optional<record::BatchHeader>> last_;  // batch read, by topic
  record::Scratch scratch_;
  BootResult result_;
};

}  // namespace

BootResult boot(const DiskImage& image, const Ledger& ledger, std::size_t prefix, std::uint64_t seed) {
  return Boot(image, ledger, prefix, seed).run(std::nullopt);
}

BootResult boot_after_second_crash(const DiskImage& image, const Ledger& ledger, std::size_t prefix, std::uint64_t seed,
                                   std::uint64_t cut_at) {
  return Boot(image, ledger, prefix, seed).run(cut_at);
}

std::vector<std::string> differences(const Ledger& ledger, const BootResult& first, const BootResult& second) {
  std::vector<std::string> lines;
  std::map<std::string, bool> shrinks;  // by name: retention goes on from boot to boot
  for (const TopicLife& life : ledger.lives) {
    shrinks[life.name] = life.retention_bytes != 0;
  }
  if (first.topics.size() != second.topics.size()) {
    return {"the second boot shows other topics"};
  }
  for (std::size_t i = 0; i < first.topics.size(); ++i) {
    const SeenTopic& a = first.topics[i];
    const SeenTopic& b = second.topics[i];
    const bool same_start = a.start == b.start || shrinks[a.name];
    if (a.exists != b.exists || a.readable != b.readable || a.end != b.end || !same_start ||
        (a.start == b.start && a.values != b.values)) {
      lines.push_back(fmt::format("{}: the first boot shows [{}, {}), the one after another crash [{}, {})", a.name,
                                  a.start.value(), a.end.value(), b.start.value(), b.end.value()));
    }
  }
  return lines;
}

}  // namespace moldau::sim
