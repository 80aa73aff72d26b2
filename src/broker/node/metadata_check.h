// Judges whether this release can read what the metadata in a log directory says, before anything is written there: a
// directory of a later release must stay as it is.
//
// Reads the newest snapshot and the log behind it: feature levels, and records that this release does not know. Damage
// is not judged here; recovery does that.
// Bound: one batch in memory.
#pragma once

#include <optional>
#include <string>

#include "metadata/controller/controller_result.h"
#include "runtime/fs.h"

namespace moldau::broker {

// Why not, in one line for the operator; nullopt: it can. `bootstrap` is what bootstrap.checkpoint holds: it counts
// where the log says nothing else. Blocks.
[[nodiscard]] std::optional<std::string> refuse_metadata(runtime::FileSystem& fs, const std::string& log_directory,
                                                         const metadata::RecordBatch& bootstrap);

}  // namespace moldau::broker
