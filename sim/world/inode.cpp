#include "sim/world/inode.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace moldau::sim {
namespace {

constexpr std::uint64_t kSectorSizes[] = {512, 4096};

void copy_into(ByteVector& image, std::uint64_t position, Bytes data) {
  if (data.empty()) {
    return;
  }
  if (image.size() < position + data.size()) {
    image.resize(position + data.size());
  }
  std::memcpy(image.data() + position, data.data(), data.size());
}

// Which version of each sector reached the disk: `versions` counts the operations that may be in it.
class SectorVersions {
 public:
  SectorVersions(std::uint64_t versions, SimRandom& random) : versions_(versions), random_(random) {
    style_ = random.below(4);
  }

  // Sectors below `position` hold all operations (a write-back that went in order).
  void keep_below(std::uint64_t position) noexcept { kept_below_ = position; }

  // Whether sector number `sector` (starting at `position`) holds operation `index`.
  [[nodiscard]] bool holds(std::uint64_t sector, std::uint64_t position, std::uint64_t index) {
    if (position < kept_below_) {
      return true;
    }
    auto [place, fresh] = chosen_.try_emplace(sector, 0);
    if (fresh) {
      place->second = choose();
    }
    return index < place->second;
  }

 private:
  std::uint64_t choose() {
    switch (style_) {
      case 0: return 0;                                      // nothing but what keep_below() says: a torn tail
      case 1: return versions_;                              // everything
      case 2: return random_.below(2) == 0 ? 0 : versions_;  // holes
      default: return random_.below(versions_ + 1);          // any version
    }
  }

  std::uint64_t versions_;
  SimRandom& random_;
  std::uint64_t style_;
  std::uint64_t kept_below_ = 0;
  std::map<std::uint64_t, std::uint64_t> chosen_;
};

}  // namespace

void FileContent::resize_cached(std::uint64_t size) {
  *used_bytes_ += size;
  *used_bytes_ -= cached_.size();
  cached_.resize(size);
}

void FileContent::write(std::uint64_t position, Bytes data) {
  if (data.empty()) {
    return;
  }
  if (cached_.size() < position + data.size()) {
    resize_cached(position + data.size());
  }
  std::memcpy(cached_.data() + position, data.data(), data.size());
  pending_.push_back({false, false, position, cached_.size(), to_vector(data)});
}

void FileContent::truncate(std::uint64_t size) {
  const bool shrinking = size < cached_.size();
  resize_cached(size);
  pending_.push_back({true, shrinking, 0, size, {}});
}

void FileContent::flip_bit(std::uint64_t position, unsigned bit) {
  const auto mask = std::byte{1} << bit;
  if (position < cached_.size()) {
    cached_[position] ^= mask;
  }
  if (position < durable_.size()) {
    durable_[position] ^= mask;
  }
}

void FileContent::sync() {
  for (const Operation& operation : pending_) {
    if (operation.truncation) {
      durable_.resize(operation.size_after);
    } else {
      copy_into(durable_, operation.position, operation.data);
    }
  }
  pending_.clear();
}

void FileContent::fail_sync(CrashModel model, SimRandom& random) {
  durable_ = survivor(model, random);
  pending_.clear();
}

void FileContent::restore(Bytes content) {
  durable_.assign(content.begin(), content.end());
  pending_.clear();
  resize_cached(durable_.size());
  std::ranges::copy(durable_, cached_.begin());
}

void FileContent::crash(CrashModel model, SimRandom& random) {
  restore(survivor(model, random));
}

ByteVector FileContent::survivor(CrashModel model, SimRandom& random) const {
  if (pending_.empty()) {
    return durable_;
  }
  const std::uint64_t count = pending_.size();
  const std::uint64_t size_version = random.below(3) == 0 ? random.below(count + 1) : count;  // operations in the size
  std::uint64_t size = size_version == 0 ? durable_.size() : pending_[size_version - 1].size_after;
  std::uint64_t base_size = durable_.size();  // after the last visible truncation: bytes below are old blocks
  std::uint64_t usable = count;               // operations before the first truncation that is not visible
  for (std::uint64_t i = 0; i < count; ++i) {
    if (pending_[i].shrinking) {
      if (i >= size_version) {
        usable = i;
        break;
      }
      base_size = pending_[i].size_after;
    }
  }

  const std::uint64_t sector_size = kSectorSizes[random.below(std::size(kSectorSizes))];
  SectorVersions versions(usable, random);
  if (size > base_size) {
    std::uint64_t written_back = random.between(base_size, size);
    written_back = random.below(3) == 0 ? size : std::max(base_size, written_back / sector_size * sector_size);
    if (model == CrashModel::kOrdered) {
      size = written_back;  // new blocks are on the disk before the size that shows them
      versions.keep_below(written_back);
    } else if (random.below(2) == 0) {
      versions.keep_below(written_back);
    }
  }

  ByteVector image = durable_;
  for (std::uint64_t i = 0; i < usable; ++i) {
    const Operation& operation = pending_[i];
    if (operation.truncation) {
      if (i < size_version && operation.shrinking) {
        image.resize(std::min<std::uint64_t>(image.size(), operation.size_after));
      }
      continue;
    }
    const Bytes data = operation.data;
    for (std::uint64_t done = 0; done < data.size();) {
      const std::uint64_t position = operation.position + done;
      const std::uint64_t sector = position / sector_size;
      const std::uint64_t step = std::min<std::uint64_t>(data.size() - done, (sector + 1) * sector_size - position);
      if (versions.holds(sector, sector * sector_size, i)) {
        copy_into(image, position, data.subspan(done, step));
      }
      done += step;
    }
  }
  image.resize(size);
  return image;
}

}  // namespace moldau::sim
