#include "broker/node/listen_refusal.h"

#include <cerrno>
#include <cstring>

namespace moldau::broker {

std::string listen_refusal(const Error& error) {
  if (error.kind() == ErrorKind::kNotFound) {
    return "the host name cannot be resolved; write one of this machine's addresses, or no host for all of them";
  }
  switch (error.os_error()) {
    case 0: return error.context();
    case EADDRINUSE: return "another process listens there; stop that one, or choose another port";
    case EADDRNOTAVAIL:
      return "this machine does not have that address; write one that it has, or no host for all of them";
    case EACCES: return "not permitted to this user; choose a port from 1024 on";
    default: return std::strerror(error.os_error());  // NOLINT(concurrency-mt-unsafe): glibc's is per thread
  }
}

}  // namespace moldau::broker
