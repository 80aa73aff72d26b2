// What to tell a user whose directory cannot be used: the error, and where its cause is the user's to remove, what to
// do.
#pragma once

#include <string>

#include "base/result.h"

namespace moldau::runtime {

[[nodiscard]] std::string fs_refusal(const Error& error);

}  // namespace moldau::runtime
