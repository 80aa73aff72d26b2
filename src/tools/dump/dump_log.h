// moldau dump-log: what the files of a log directory hold, line for line as Apache Kafka's DumpLogSegments prints it
// where that has lines for it, or one JSON object a line; and whether it is sound.
//
// Shard:   none: a tool. Blocks.
// Shapes:  which file it is follows from its name: .log .checkpoint .index .timeindex .txnindex .snapshot, and by their
//          whole names the checkpoint files of a log directory and a partition.
// Result:  kExitRefused if a file cannot be read, is of no known kind, or is damaged: a wrong checksum, an index entry
// that
//          its log does not confirm, bytes behind the last whole batch.
// Bound:   memory is one batch, or one index or checkpoint file.
// Source:  org.apache.kafka.tools.DumpLogSegments. Differences: checkpoint files; JSON; the exit code; files after a
//          faulty one are dumped all the same; the zeros of a preallocated index are no entry; what is wrong is told in
//          our words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "runtime/fs.h"

namespace moldau::tools {

// What the keys and values of records are.
enum class RecordDecoder : std::uint8_t {
  kText,
  kMetadata,        // of the metadata log
  kOffsets,         // of __consumer_offsets
  kTransactionLog,  // of __transaction_state
  kShareState,      // of __share_group_state
};

struct DumpLogOptions {
  std::vector<std::string> files;
  bool deep = false;                             // a line for each record
  bool print_records = false;                    // … with its key and value
  RecordDecoder decoder = RecordDecoder::kText;  // any but kText prints them too
  bool skip_record_metadata = false;             // … and nothing else
  bool verify_index_only = false;                // entries of indexes are checked, not printed
  bool index_sanity_check = false;               // … only as a start checks them
  std::uint64_t bytes_max = UINT64_MAX;          // of a log: batches that end behind are not looked at
  bool json = false;

  [[nodiscard]] bool shows_content() const noexcept { return print_records || decoder != RecordDecoder::kText; }
};

struct DumpSinks {
  Function<void(std::string_view)> output;  // whole lines
  Function<void(std::string_view)> errors;
};

// The exit code.
[[nodiscard]] int dump_log(runtime::FileSystem& fs, const DumpLogOptions& options, DumpSinks sinks);

}  // namespace moldau::tools
