// Abort: asks running work to stop. Waits register a callback; long loops poll requested(). Shard-local.
#pragma once

#include <cstdint>
#include <vector>

#include "base/callback.h"

namespace moldau::runtime {

class Abort {
 public:
  // Unregisters on destruction.
  class Registration {
   public:
    Registration() noexcept = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Abort;
    Registration(Abort* abort, std::uint64_t id) noexcept : abort_(abort), id_(id) {}
    Abort* abort_ = nullptr;
    std::uint64_t id_ = 0;
  };

  Abort() = default;
  Abort(const Abort&) = delete;
  Abort& operator=(const Abort&) = delete;

  [[nodiscard]] bool requested() const noexcept { return requested_; }
  // Runs `on_abort` at once if already requested. The Abort outlives the registration.
  [[nodiscard]] Registration on_request(Callback on_abort);
  // Runs each registered callback once, in the order of registration.
  void request();

 private:
  struct Entry {
    std::uint64_t id;
    Callback run;
  };
  std::vector<Entry> entries_;
  std::uint64_t next_id_ = 1;
  bool requested_ = false;
};

}  // namespace moldau::runtime
