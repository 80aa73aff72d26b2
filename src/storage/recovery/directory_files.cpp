#include "storage/recovery/directory_files.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "storage/index/transaction_index.h"

namespace moldau::storage {
namespace {

using runtime::DirEntry;
using runtime::EntryKind;

struct NamedFile {
  std::string name;
  LogFileName parsed;
};

// Files of Kafka, or ours, that lie in a partition's directory but are not the log's.
bool is_known_neighbour(std::string_view name) {
  constexpr std::string_view kNames[] = {"leader-epoch-checkpoint",
                                         "leader-epoch-checkpoint.tmp",
                                         "partition.metadata",
                                         "partition.metadata.tmp",
                                         "quorum-state",
                                         "quorum-state.tmp"};
  constexpr std::string_view kSuffixes[] = {".checkpoint", ".checkpoint.deleted",
                                            ".checkpoint.part"};  // of KRaft snapshots
  return std::ranges::find(kNames, name) != std::end(kNames) || name.starts_with("moldau.") ||
         std::ranges::any_of(kSuffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

// The new content of an index that was never put in its place.
bool is_unfinished(std::string_view name) {
  constexpr std::string_view kTemporary = ".tmp";
  return name.ends_with(kTemporary) && parse_log_file_name(name.substr(0, name.size() - kTemporary.size()));
}

class DirectorySettler {
 public:
  DirectorySettler(SegmentContext& context, OpenReport& report) : context_(context), report_(report) {}

  Result<DirectoryFiles> run() {
    MOLDAU_CHECK(list());
    MOLDAU_CHECK(remove_leftovers());
    MOLDAU_CHECK(finish_swaps());
    DirectoryFiles found;
    for (const NamedFile& file : files_) {
      if (file.parsed.stage == FileStage::kLive) {
        note(file.parsed, found);
      }
    }
    MOLDAU_CHECK(remove_orphans(found));
    return found;
  }

 private:
  [[nodiscard]] std::string path(std::string_view name) const { return runtime::join_path(context_.directory, name); }

  Result<> list() {
    MOLDAU_TRY(entries, context_.fs.list(context_.directory));
    std::ranges::sort(entries, {}, &DirEntry::name);
    for (DirEntry& entry : entries) {
      const auto parsed = parse_log_file_name(entry.name);
      if (!parsed && is_unfinished(entry.name)) {
        MOLDAU_CHECK(remove({std::move(entry.name), {}}, "it was never finished"));
        continue;
      }
      if (!parsed) {
        if (!is_known_neighbour(entry.name)) {
          report_.add(Severity::kInfo, fmt::format("{}: not a file of a log, left alone", entry.name));
        }
        continue;
      }
      if (entry.kind != EntryKind::kFile) {
        report_.add(Severity::kError,
                    fmt::format("{}: {} in the place of a log's file; remove it or put the file there", entry.name,
                                entry.kind == EntryKind::kDirectory ? "a directory" : "a link"));
        return fail(ErrorKind::kInvalid, "a link or directory in the place of a log's file");
      }
      files_.push_back({std::move(entry.name), *parsed});
    }
    return {};
  }

  Result<> remove(const NamedFile& file, std::string_view why) {
    report_.add(Severity::kInfo, fmt::format("{}: removed, {}", file.name, why));
    context_.names_unsynced = true;
    return context_.fs.remove_file(path(file.name));
  }

  template <class Predicate>
  Result<> remove_where(Predicate predicate, std::string_view why) {
    std::vector<NamedFile> kept;
    for (NamedFile& file : files_) {
      if (predicate(file)) {
        MOLDAU_CHECK(remove(file, why));
      } else {
        kept.push_back(std::move(file));
      }
    }
    files_ = std::move(kept);
    return {};
  }

  // A .swap at or above the smallest .cleaned belongs to a split that did not come to its end.
  Result<> remove_leftovers() {
    MOLDAU_CHECK(remove_where([](const NamedFile& file) { return file.parsed.stage == FileStage::kDeleted; },
                              "it was marked for deletion"));
    std::optional<Offset> first_cleaned;
    for (const NamedFile& file : files_) {
      if (file.parsed.stage == FileStage::kCleaned) {
        first_cleaned = std::min(first_cleaned.value_or(file.parsed.base), file.parsed.base);
      }
    }
    if (!first_cleaned) {
      return {};
    }
    MOLDAU_CHECK(remove_where(
        [&](const NamedFile& file) {
          return file.parsed.stage == FileStage::kSwap && file.parsed.base >= *first_cleaned;
        },
        "left by an interrupted split"));
    MOLDAU_CHECK(sync_names());  // a .swap without its .cleaned neighbours would be taken for a finished one
    return remove_where([](const NamedFile& file) { return file.parsed.stage == FileStage::kCleaned; },
                        "left by an interrupted compaction");
  }

  Result<> sync_names() {
    context_.names_unsynced = false;
    return context_.fs.sync_dir(context_.directory);
  }

  struct SwapContent {
    Offset end{0};                // behind the last batch
    std::vector<Offset> markers;  // of transactions
  };

  // Of a .log.swap file.
  Result<SwapContent> content_of_swap(const NamedFile& file) {
    MOLDAU_TRY(opened, context_.fs.open(path(file.name), runtime::OpenMode::kRead));
    MOLDAU_TRY(size, opened->size());
    BatchScanner scanner(*opened, 0, size, context_.scan_buffer, BatchScanner::kLookupChunk);
    SwapContent content{.end = file.parsed.base};
    for (;;) {
      MOLDAU_TRY(batch, scanner.next());
      if (!batch) {
        return content;
      }
      content.end = batch->header.next_offset();
      if (batch->header.is_control()) {
        content.markers.push_back(batch->header.last_offset());
      }
    }
  }

  // The disk may have kept the new name of a swap's transaction index and lost that of its .log: then the one that
  // stands there without a suffix is the new one. It names just markers that the new .log has; and the old one, if it
  // does so too, does no harm.
  Result<bool> has_its_transactions(const NamedFile& swap, const SwapContent& content) {
    const LogFileName wanted{swap.parsed.base, FileRole::kTransactionIndex, FileStage::kLive};
    for (const NamedFile& file : files_) {
      if (file.parsed == LogFileName{swap.parsed.base, FileRole::kTransactionIndex, FileStage::kSwap}) {
        return false;
      }
    }
    const auto live = std::ranges::find(files_, wanted, &NamedFile::parsed);
    if (live == files_.end()) {
      return false;
    }
    MOLDAU_TRY(bytes, runtime::read_file(context_.fs, path(live->name), INT32_MAX));
    const auto index = TransactionIndex::parse(bytes, swap.parsed.base);
    return index && std::ranges::all_of(index->entries(), [&](const AbortedTxn& txn) {
             return std::ranges::binary_search(content.markers, txn.last_offset);
           });
  }

  // A swap without a batch tells nothing of what it spans, and would take the place of a segment with batches: rather
  // is that compaction done again.
  Result<> drop_empty_swaps() {
    std::vector<Offset> dropped;
    for (const NamedFile& file : files_) {
      if (file.parsed.stage != FileStage::kSwap || file.parsed.role != FileRole::kLog) {
        continue;
      }
      MOLDAU_TRY(size, context_.fs.file_size(path(file.name)));
      const bool replaces = std::ranges::any_of(files_, [&](const NamedFile& other) {
        return other.parsed == LogFileName{file.parsed.base, FileRole::kLog, FileStage::kLive};
      });
      if (size == 0 && replaces) {
        dropped.push_back(file.parsed.base);
      }
    }
    return remove_where(
        [&](const NamedFile& file) {
          return file.parsed.stage == FileStage::kSwap && std::ranges::find(dropped, file.parsed.base) != dropped.end();
        },
        "it is empty, and the segment it would replace is there");
  }

  // Compaction's finished output replaces the segments whose offsets it spans.
  Result<> finish_swaps() {
    MOLDAU_CHECK(drop_empty_swaps());
    std::optional<Offset> from;
    Offset to{0};
    std::vector<LogFileName> new_already;
    std::vector<Offset> bases;
    for (const NamedFile& file : files_) {
      if (file.parsed.stage == FileStage::kSwap && file.parsed.role == FileRole::kLog) {
        MOLDAU_TRY(content, content_of_swap(file));
        MOLDAU_TRY(has_transactions, has_its_transactions(file, content));
        if (has_transactions) {
          new_already.push_back({file.parsed.base, FileRole::kTransactionIndex, FileStage::kLive});
        }
        bases.push_back(file.parsed.base);  // an empty one spans nothing, and still has indexes of its own
        from = std::min(from.value_or(file.parsed.base), file.parsed.base);
        to = std::max(to, content.end);
      }
    }
    if (from) {
      MOLDAU_CHECK(remove_where(
          [&](const NamedFile& file) {
            const Offset base = file.parsed.base;
            return file.parsed.stage == FileStage::kLive &&
                   ((base >= *from && base < to) || std::ranges::find(bases, base) != bases.end()) &&
                   std::ranges::find(new_already, file.parsed) == new_already.end();
          },
          "compaction has replaced it"));
      MOLDAU_CHECK(sync_names());  // the new names must not outlive a crash that brings the old files back
    }
    for (NamedFile& file : files_) {
      if (file.parsed.stage != FileStage::kSwap) {
        continue;
      }
      const std::string name = log_file_name(file.parsed.base, file.parsed.role);
      MOLDAU_CHECK(context_.fs.rename(path(file.name), path(name)));
      report_.add(Severity::kInfo, fmt::format("{}: put in place, its compaction was finished", file.name));
      context_.names_unsynced = true;
      file = {name, {file.parsed.base, file.parsed.role, FileStage::kLive}};
    }
    return {};
  }

  static void note(const LogFileName& name, DirectoryFiles& found) {
    if (name.role == FileRole::kProducerSnapshot) {
      found.snapshots.insert(name.base);
      return;
    }
    SegmentFiles& segment = found.segments[name.base];
    segment.has_log |= name.role == FileRole::kLog;
    segment.has_offset_index |= name.role == FileRole::kOffsetIndex;
    segment.has_time_index |= name.role == FileRole::kTimeIndex;
    segment.has_transaction_index |= name.role == FileRole::kTransactionIndex;
  }

  Result<> remove_orphans(DirectoryFiles& found) {
    MOLDAU_CHECK(remove_where(
        [&](const NamedFile& file) {
          return file.parsed.role != FileRole::kProducerSnapshot && !found.segments[file.parsed.base].has_log;
        },
        "an index without its .log"));
    std::erase_if(found.segments, [](const auto& segment) { return !segment.second.has_log; });
    return {};
  }

  SegmentContext& context_;
  OpenReport& report_;
  std::vector<NamedFile> files_;
};

}  // namespace

Result<DirectoryFiles> settle_directory(SegmentContext& context, OpenReport& report) {
  return DirectorySettler(context, report).run();
}

}  // namespace moldau::storage
