// Reads a partition's directory as a clean stop left it, and holds every file to what it promises:
//
// - .log: whole batches with a matching CRC, contiguous over all segments, epochs never falling (I13), from where
//   clients began to read, or below, to where they ended; below that start, segments may be missing;
// - .index: each entry names the last offset of a batch and the place where that batch begins;
// - .timeindex: each entry names the last offset of a batch, up to which no record is younger;
// - .snapshot: each producer's last batch below the file's offset, as a walk over the log finds it (I17);
// - leader-epoch-checkpoint: each epoch starts where its first batch is.
//
// Two ways to the same facts: the product wrote the files as it appended; this walks the log.
#pragma once

#include <string>

#include "base/callback.h"
#include "base/ids.h"
#include "runtime/fs.h"

namespace moldau::sim {

// What clients read last.
struct ReadRange {
  Offset start{0};
  Offset end{0};
  bool compacted = false;  // offsets may be missing, and what older snapshots say of batches that went
};

// Each contradiction becomes one line through `report`. `fs` belongs to no running process.
void check_stored_log(runtime::FileSystem& fs, const std::string& directory, const ReadRange& read,
                      Function<void(std::string)>& report);

}  // namespace moldau::sim
