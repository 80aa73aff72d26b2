// What the client of a recorded workload asked and was told, and at which call of the disk: from it follows what a
// broker must show that boots on the disk of a crash after any call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace moldau::sim {

inline constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// A question, between its sending and its answer. Times are counts of disk calls: asked at `asked`, it may have had its
// effect in the crash after call n > asked; answered at `answered`, it must have in every one after call n >= answered.
struct Asked {
  std::size_t asked = kNever;
  std::size_t answered = kNever;

  [[nodiscard]] bool may_be(std::size_t prefix) const noexcept { return asked < prefix; }
  [[nodiscard]] bool must_be(std::size_t prefix) const noexcept { return answered <= prefix; }
};

struct SentRecord {
  Asked asked;
  std::string value;     // of a record with a key: text_of(key, value)
  std::string key = {};  // of a compacted topic
  bool tombstone = false;
};
[[nodiscard]] std::string text_of(std::string_view key, std::optional<std::string_view> value);

struct DeletedRecords {
  Asked asked;
  Offset target{0};
};

// One life of a topic of one partition; a name may have several, one after the other.
struct TopicLife {
  std::string name;
  bool synced = true;                    // acks=all with moldau.acks.all.sync; else acks=1 and no promise but the order
  std::uint64_t retention_bytes = 0;     // 0: nothing goes by age or size
  std::vector<SentRecord> records = {};  // by offset
  std::vector<DeletedRecords> deletes = {};
  Asked created = {};
  Asked deleted = {};
  bool compacted = false;
  bool tombstones_go = false;  // at once when they are compacted; else they stay
};

struct Ledger {
  std::vector<TopicLife> lives;  // in the order of their creation
};

// What a broker shows of a name.
struct SeenTopic {
  std::string name;
  bool exists = false;
  bool readable = false;  // else `why`
  std::string why = {};
  bool out_of_range = false;  // it shrank while it was read
  Offset start{0};
  Offset end{0};
  std::vector<std::string> values = {};  // from start on
  std::vector<Offset> offsets = {};      // theirs
  Offset next{0};                        // behind the last batch read
  std::uint64_t bytes = 0;               // of the batches read

  friend bool operator==(const SeenTopic&, const SeenTopic&) = default;
};

// What is wrong with that after a crash behind call `prefix`; nothing if empty. I14, I28, G3, G4, G11 (I29), G12.
[[nodiscard]] std::string judge(const Ledger& ledger, std::size_t prefix, const SeenTopic& seen);

}  // namespace moldau::sim
