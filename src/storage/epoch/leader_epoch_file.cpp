#include "storage/epoch/leader_epoch_file.h"

#include <array>

#include <fmt/format.h>

#include "storage/checkpoint/checkpoint_text.h"

namespace moldau::storage {
namespace {

constexpr std::int32_t kVersion = 0;

}  // namespace

Result<LeaderEpochFile> parse_leader_epochs(Bytes content) {
  MOLDAU_TRY(entries, parse_checkpoint(content, kVersion));
  LeaderEpochFile file;
  for (const CheckpointEntry& entry : entries) {
    std::array<std::string_view, 2> fields;
    if (split_fields(entry.text, fields) != fields.size()) {
      return fail(ErrorKind::kCorrupt, "leader epoch entry without two fields", 0, entry.line);
    }
    const auto epoch = parse_decimal<std::int32_t>(fields[0]);
    const auto start = parse_decimal<std::int64_t>(fields[1]);
    if (!epoch || !start || *epoch < 0 || *start < 0) {
      return fail(ErrorKind::kCorrupt, "leader epoch entry without two whole numbers", 0, entry.line);
    }
    const auto last = file.cache.latest();
    if (last && (LeaderEpoch(*epoch) <= last->epoch || Offset(*start) <= last->start)) {
      file.contradictory = true;
    }
    file.cache.assign(LeaderEpoch(*epoch), Offset(*start));
  }
  return file;
}

std::string format_leader_epochs(const LeaderEpochCache& cache) {
  CheckpointText text(kVersion);
  for (const EpochStart& entry : cache.entries()) {
    text.add(fmt::format("{} {}", entry.epoch.value(), entry.start.value()));
  }
  return text.content();
}

}  // namespace moldau::storage
