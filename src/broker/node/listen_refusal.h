// Why an address cannot be listened on, in words, with what to do. Pure.
#pragma once

#include <string>

#include "base/result.h"

namespace moldau::broker {

// Of an error of Network::listen(): "another process listens there; ...".
[[nodiscard]] std::string listen_refusal(const Error& error);

}  // namespace moldau::broker
