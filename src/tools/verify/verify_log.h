// moldau log verify: holds every file of a log directory, or of one partition's directory, to what it promises, and
// names each fault with its file and position. Changes nothing.
//
// Shard:   none: a tool. Blocks.
// Checked: .log        whole batches one behind the other, their checksums, records that fill them (decompressed),
// offsets
//                      that go on from batch to batch and file to file (gaps only where a cleaner was), epochs that
//                      never fall;
//          .index, .timeindex, .txnindex   every entry against the log, and the log's aborted transactions against the
//          last; .snapshot   its checksum, and its producers against the log below it; leader-epoch-checkpoint,
//          partition.metadata, meta.properties, the offset checkpoints, moldau.durable-ends and
//                      -heirs, .kafka_cleanshutdown, quorum-state, snapshots of the metadata log: their form, and what
//                      they say of logs: that these hold what was on the disk.
// Result:  kExitDone: sound; kExitRefused: faults; kExitWrongUsage: a directory is none, or cannot be read.
//          What a start after a crash puts right is a note, no fault: a torn tail of the newest segment above the
//          recovery point and the durable end, an index of that segment that is behind. A directory whose node runs, or
//          stopped uncleanly, has no .kafka_cleanshutdown: notes are possible only there.
// Bound:   one pass over each log; memory is one batch (up to kDecompressedBytesMax of it plain: piece by piece), the
// indexes
//          of one segment, and an entry for each producer and open transaction of one partition.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "runtime/fs.h"

namespace moldau::tools {

struct VerifyOptions {
  std::vector<std::string> directories;
  bool json = false;
};

struct VerifySinks {
  Function<void(std::string_view)> output;  // whole lines
  Function<void(std::string_view)> errors;
};

// The exit code.
[[nodiscard]] int verify_logs(runtime::FileSystem& fs, const VerifyOptions& options, VerifySinks sinks);

}  // namespace moldau::tools
