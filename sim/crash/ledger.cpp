#include "sim/crash/ledger.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace moldau::sim {
namespace {

// The newest life of the name that may exist, and whether it must.
struct Expected {
  std::vector<const TopicLife*> possible;
  bool may_be_absent = true;
};

Expected expected_of(const Ledger& ledger, std::size_t prefix, const std::string& name) {
  Expected expected;
  for (const TopicLife& life : ledger.lives) {
    if (life.name != name || !life.created.may_be(prefix)) {
      continue;
    }
    if (life.created.must_be(prefix)) {
      expected.possible.clear();  // whatever was before is gone
    }
    expected.may_be_absent = !life.created.must_be(prefix) || life.deleted.may_be(prefix);
    if (life.deleted.must_be(prefix)) {
      expected.possible.clear();
    } else {
      expected.possible.push_back(&life);
    }
  }
  return expected;
}

std::string judge_start(const TopicLife& life, std::size_t prefix, const SeenTopic& seen) {
  Offset low{0};
  Offset high{0};
  for (const DeletedRecords& deleted : life.deletes) {
    low = std::max(low, deleted.asked.must_be(prefix) ? deleted.target : Offset(0));
    high = std::max(high, deleted.asked.may_be(prefix) ? deleted.target : Offset(0));
  }
  if (seen.start < low) {
    return fmt::format("G11: the log starts at {}, records below {} were deleted", seen.start.value(), low.value());
  }
  if (life.retention_bytes == 0 && seen.start > high) {
    return fmt::format("I29: the log starts at {}, nothing above {} was to be deleted", seen.start.value(),
                       high.value());
  }
  return {};
}

// Retention leaves segments whose size is at least the limit. Where the crash took records that it had counted, nothing
// can be said.
std::string judge_retention(const TopicLife& life, const SeenTopic& seen, bool is_whole) {
  if (life.retention_bytes != 0 && is_whole && seen.start > Offset(0) && seen.bytes < life.retention_bytes) {
    return fmt::format("I29: {} bytes are left, retention.bytes is {}", seen.bytes, life.retention_bytes);
  }
  return {};
}

// A key's newest record is there that must be, or a newer one; a tombstone may have gone, and then nothing older of its
// key is there.
std::string judge_key(const TopicLife& life, std::size_t prefix, const SeenTopic& seen, std::size_t newest) {
  const SentRecord& last = life.records[newest];
  bool older = false;
  for (const Offset offset : seen.offsets) {
    const auto at = static_cast<std::size_t>(offset.value());
    if (life.records[at].key == last.key) {
      if (at >= newest) {
        return {};
      }
      older = true;
    }
  }
  if (life.tombstones_go) {
    for (std::size_t at = newest + 1; at < life.records.size(); ++at) {
      const SentRecord& record = life.records[at];
      if (record.key == last.key && record.tombstone && record.asked.may_be(prefix)) {
        return {};
      }
    }
  }
  if (!last.tombstone || !life.tombstones_go) {
    return fmt::format("I28: {} lost its last record, at {}", last.key, newest);
  }
  return older ? fmt::format("I28: {} was deleted at {}, and something older is back", last.key, newest) : "";
}

std::string judge_compacted(const TopicLife& life, std::size_t prefix, const SeenTopic& seen, std::size_t acked_end) {
  for (std::size_t i = 0; i < seen.offsets.size(); ++i) {
    const auto at = static_cast<std::size_t>(seen.offsets[i].value());
    if (seen.offsets[i] >= seen.end || (i > 0 && seen.offsets[i] <= seen.offsets[i - 1])) {
      return fmt::format("I28: a record at {}, the log ends at {}", at, seen.end.value());
    }
    if (seen.values[i] != life.records[at].value) {
      return fmt::format("I28: offset {} holds '{}', '{}' was sent", at, seen.values[i].substr(0, 40),
                         life.records[at].value.substr(0, 40));
    }
  }
  if (seen.start != Offset(0) || seen.next != seen.end) {
    return fmt::format("I28: [{}, {}) was read up to {}", seen.start.value(), seen.end.value(), seen.next.value());
  }
  std::map<std::string_view, std::size_t> newest;
  for (std::size_t at = 0; at < acked_end; ++at) {
    newest[life.records[at].key] = at;
  }
  for (const auto& [key, at] : newest) {
    if (std::string found = judge_key(life, prefix, seen, at); !found.empty()) {
      return found;
    }
  }
  return {};
}

std::string judge_life(const TopicLife& life, std::size_t prefix, const SeenTopic& seen) {
  std::size_t acked_end = 0;
  std::size_t asked_end = 0;
  for (std::size_t i = 0; i < life.records.size(); ++i) {
    asked_end = life.records[i].asked.may_be(prefix) ? i + 1 : asked_end;
    acked_end = life.synced && life.records[i].asked.must_be(prefix) ? i + 1 : acked_end;
  }
  const auto end = static_cast<std::size_t>(seen.end.value());
  if (end < acked_end) {
    return fmt::format("I14: the log ends at {}, records up to {} were acknowledged and synced", end, acked_end);
  }
  if (end > asked_end) {
    return fmt::format("I14: the log ends at {}, only {} records were sent", end, asked_end);
  }
  if (life.compacted) {
    return judge_compacted(life, prefix, seen, acked_end);
  }
  if (seen.start > seen.end || static_cast<std::size_t>(seen.end - seen.start) != seen.values.size()) {
    return fmt::format("I12: {} records were read of [{}, {})", seen.values.size(), seen.start.value(), end);
  }
  for (std::size_t i = 0; i < seen.values.size(); ++i) {
    const std::size_t offset = static_cast<std::size_t>(seen.start.value()) + i;
    if (seen.values[i] != life.records[offset].value) {
      return fmt::format("I14: offset {} holds '{}', '{}' was sent", offset, seen.values[i].substr(0, 40),
                         life.records[offset].value.substr(0, 40));
    }
  }
  std::string fault = judge_start(life, prefix, seen);
  return fault.empty() ? judge_retention(life, seen, end == asked_end) : fault;
}

}  // namespace

std::string text_of(std::string_view key, std::optional<std::string_view> value) {
  return fmt::format("{}={}", key, value.value_or("none"));
}

std::string judge(const Ledger& ledger, std::size_t prefix, const SeenTopic& seen) {
  const Expected expected = expected_of(ledger, prefix, seen.name);
  if (!seen.exists) {
    return expected.may_be_absent ? "" : fmt::format("G12: the topic {} is gone", seen.name);
  }
  if (expected.possible.empty()) {
    return fmt::format("G12: the topic {} is there", seen.name);
  }
  if (!seen.readable) {
    return fmt::format("G13: the topic {} cannot be read: {}", seen.name, seen.why);
  }
  std::string fault;
  for (auto life = expected.possible.rbegin(); life != expected.possible.rend(); ++life) {
    std::string found = judge_life(**life, prefix, seen);
    if (found.empty()) {
      return {};
    }
    fault = fault.empty() ? seen.name + ": " + found : fault;
  }
  return fault;
}

}  // namespace moldau::sim
