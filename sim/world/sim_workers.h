// Workers in virtual time: a job runs, whole, at one random moment after it was given, and is answered at a later one.
// Several jobs overlap in any order.
#pragma once

#include "runtime/workers.h"
#include "sim/world/process.h"

namespace moldau::sim {

class SimWorkers final : public runtime::Workers {
 public:
  explicit SimWorkers(Process& process) noexcept : process_(process) {}
  void run(Callback work, runtime::Shard& reply_to, Callback done) override;

 private:
  Process& process_;
};

}  // namespace moldau::sim
