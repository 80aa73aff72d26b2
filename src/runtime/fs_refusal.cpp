#include "runtime/fs_refusal.h"

#include <cerrno>

namespace moldau::runtime {

std::string fs_refusal(const Error& error) {
  switch (error.os_error()) {
    case EACCES:
    case EPERM: return error.message() + "; let the user who runs this write there, or name another directory";
    case EROFS: return error.message() + "; mount it writable, or name another directory";
    case ENOSPC:
    case EDQUOT: return error.message() + "; make room there, or name another directory";
    case ENOTDIR:
    case EEXIST: return error.message() + "; something else has that name: move it away, or name another directory";
    default: return error.message();
  }
}

}  // namespace moldau::runtime
