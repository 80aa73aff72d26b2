#include "runtime/abort.h"

#include <utility>

namespace moldau::runtime {

Abort::Registration::Registration(Registration&& other) noexcept
    : abort_(std::exchange(other.abort_, nullptr)), id_(other.id_) {}

Abort::Registration& Abort::Registration::operator=(Registration&& other) noexcept {
  std::swap(abort_, other.abort_);
  std::swap(id_, other.id_);
  return *this;
}

Abort::Registration::~Registration() {
  if (abort_ != nullptr) {
    std::erase_if(abort_->entries_, [this](const Entry& entry) { return entry.id == id_; });
  }
}

Abort::Registration Abort::on_request(Callback on_abort) {
  if (requested_) {
    on_abort();
    return {};
  }
  entries_.push_back({next_id_, std::move(on_abort)});
  return Registration(this, next_id_++);
}

void Abort::request() {
  if (std::exchange(requested_, true)) {
    return;
  }
  while (!entries_.empty()) {  // a callback may drop registrations of others
    Callback run = std::move(entries_.front().run);
    entries_.erase(entries_.begin());
    run();
  }
}

}  // namespace moldau::runtime
