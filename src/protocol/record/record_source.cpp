#include "protocol/record/record_source.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "protocol/record/compressor.h"
#include "protocol/record/decompressor.h"

namespace moldau::record {

Scratch::Scratch() noexcept = default;
Scratch::~Scratch() = default;

void Scratch::release() noexcept {
  MOLDAU_ASSERT(!in_use_);
  window_ = ByteVector();
  decompressor_.reset();
  rebuilt_ = ByteVector();
  compressor_.reset();
}

void Scratch::trim() noexcept {
  rebuilt_.clear();
  if (rebuilt_.capacity() > kRebuiltKeptBytes) {
    rebuilt_ = ByteVector();
  }
}

RecordSource::RecordSource(Codec codec, Bytes compressed, Scratch& scratch, std::size_t bytes_max)
    : scratch_(&scratch), bytes_max_(bytes_max), ended_(false) {
  MOLDAU_ASSERT(!scratch.in_use_);
  scratch.in_use_ = true;
  if (scratch.window_.size() < kWindowBytes) {
    scratch.window_.resize(kWindowBytes);
  }
  if (!scratch.decompressor_) {
    scratch.decompressor_ = std::make_unique<Decompressor>();
  }
  scratch.decompressor_->start(codec, compressed, bytes_max);
  at = end = scratch.window_.data();
}

RecordSource::~RecordSource() {
  if (scratch_ == nullptr) {
    return;
  }
  scratch_->work_total_ += produced_;
  scratch_->decompressor_->finish();
  if (scratch_->window_.size() > kWindowKeptBytes) {
    scratch_->window_ = ByteVector();
  }
  scratch_->in_use_ = false;
}

bool RecordSource::refill(std::size_t count) {
  if (ended_) {
    return false;
  }
  ByteVector& window = scratch_->window_;
  std::size_t kept = available();
  if (kept > 0) {
    std::memmove(window.data(), at, kept);
  }
  while (kept < count) {
    if (kept == window.size()) {
      window.resize(window.size() * 2);  // all of it is full of bytes that arrived, and they count against bytes_max
    }
    const Result<std::size_t> read = scratch_->decompressor_->read(MutableBytes(window).subspan(kept));
    if (!read || *read == 0) {
      ended_ = true;
      ok_ = read.has_value();
      error_ = read ? error_ : read.error();
      break;
    }
    MOLDAU_ASSERT(*read <= window.size() - kept);
    produced_ += *read;
    if (produced_ > bytes_max_) {
      ended_ = true;
      ok_ = false;
      error_ = Error(ErrorKind::kTooLarge, "decompressed batch", 0, static_cast<std::int64_t>(bytes_max_));
      break;
    }
    kept += *read;
  }
  at = window.data();
  end = at + kept;
  return kept >= count;
}

bool RecordSource::skip(std::size_t count) {
  while (available() < count) {
    count -= available();
    at = end;
    if (!fill(1)) {
      return false;
    }
  }
  at += count;
  return true;
}

}  // namespace moldau::record
