// Removes the files of deleted segments off the loop.
#pragma once

#include <string>
#include <vector>

#include "runtime/world.h"

namespace moldau::broker {

// What cannot be removed now is logged; the next opening of the log removes it.
void remove_files(const runtime::World& world, runtime::Shard& shard, std::vector<std::string> paths);

}  // namespace moldau::broker
