#include "sim/crash/crash_images.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"

namespace moldau::sim {
namespace {

using Kind = DiskOperation::Kind;

constexpr std::uint64_t kRoot = 1;
constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kSectors[] = {512, 4096};

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

void put(ByteVector& image, std::uint64_t position, Bytes data) {
  if (image.size() < position + data.size()) {
    image.resize(position + data.size());
  }
  std::memcpy(image.data() + position, data.data(), data.size());
}

}  // namespace

std::string to_string(const ImageChoice& choice) {
  switch (choice.kind) {
    case ImageKind::kAll: return "all";
    case ImageKind::kSynced: return "synced";
    case ImageKind::kWithout: return fmt::format("without {},{}", choice.first, choice.second);
    case ImageKind::kTorn: return fmt::format("torn {} at {}", choice.first, choice.border);
    case ImageKind::kZeros: return fmt::format("zeros {}", choice.first);
    case ImageKind::kEmpty: return fmt::format("empty {}", choice.first);
  }
  MOLDAU_ASSERT(false);
}

std::optional<ImageChoice> parse_image_choice(std::string_view text) {
  if (text == "all") {
    return ImageChoice{};
  }
  if (text == "synced") {
    return ImageChoice{.kind = ImageKind::kSynced};
  }
  ImageChoice choice;
  if (take_word(text, "without ")) {
    choice.kind = ImageKind::kWithout;
  } else if (take_word(text, "torn ")) {
    choice.kind = ImageKind::kTorn;
  } else if (take_word(text, "zeros ")) {
    choice.kind = ImageKind::kZeros;
  } else if (take_word(text, "empty ")) {
    choice.kind = ImageKind::kEmpty;
  } else {
    return std::nullopt;
  }
  const auto first = take_number(text);
  std::optional<std::uint64_t> second = 0;
  if (first && choice.kind == ImageKind::kWithout) {
    second = take_word(text, ",") ? take_number(text) : std::nullopt;
  } else if (first && choice.kind == ImageKind::kTorn) {
    second = take_word(text, " at ") ? take_number(text) : std::nullopt;
  }
  if (!first || !second || !text.empty()) {
    return std::nullopt;
  }
  choice.first = *first;
  (choice.kind == ImageKind::kTorn ? choice.border : choice.second) = *second;
  return choice;
}

CrashImages::CrashImages(const DiskJournal& journal) : journal_(journal), directories_{kRoot} {}

bool CrashImages::advance() {
  if (prefix_ == journal_.operations.size()) {
    return false;
  }
  const DiskOperation& operation = at(prefix_);
  switch (operation.kind) {
    case Kind::kWrite:
    case Kind::kTruncate: files_[operation.inode].pending.push_back(prefix_); break;
    case Kind::kSync: {
      FileState& file = files_[operation.inode];
      file.durable = survivor(file, {});
      file.pending.clear();
      break;
    }
    case Kind::kName:
      if (operation.directory) {
        directories_.insert(operation.inode);
      }
      pending_names_.push_back(prefix_);
      break;
    case Kind::kSyncDir: commit_names(operation.inode); break;
  }
  ++prefix_;
  return true;
}

// What the sync of a directory makes durable: its name operations and the earlier ones they stand on.
void CrashImages::commit_names(std::uint64_t directory) {
  std::set<std::uint64_t> inodes;
  std::set<std::pair<std::uint64_t, std::string>> names;
  std::vector<bool> kept(pending_names_.size());
  for (std::size_t i = kept.size(); i-- > 0;) {
    const DiskOperation& operation = at(pending_names_[i]);
    kept[i] = operation.from == directory || operation.to == directory || inodes.contains(operation.inode) ||
              names.contains({operation.from, operation.from_name}) ||
              names.contains({operation.to, operation.to_name});
    if (kept[i]) {
      inodes.insert(operation.inode);
      if (operation.from != 0) {
        names.emplace(operation.from, operation.from_name);
      }
      if (operation.to != 0) {
        names.emplace(operation.to, operation.to_name);
      }
    }
  }
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const DiskOperation& operation = at(pending_names_[i]);
    if (!kept[i]) {
      left.push_back(pending_names_[i]);
      continue;
    }
    if (operation.from != 0) {
      durable_names_[operation.from].erase(operation.from_name);
    }
    if (operation.to != 0) {
      durable_names_[operation.to][operation.to_name] = operation.inode;
    }
  }
  pending_names_ = std::move(left);
}

std::vector<std::size_t> CrashImages::pending() const {
  std::vector<std::size_t> all = pending_names_;
  for (const auto& [inode, file] : files_) {
    all.insert(all.end(), file.pending.begin(), file.pending.end());
  }
  std::ranges::sort(all);
  return all;
}

std::vector<ImageChoice> CrashImages::choices(SimRandom& random, const ImageLimits& limits) const {
  std::vector<ImageChoice> chosen = {{.kind = ImageKind::kAll}, {.kind = ImageKind::kSynced}};
  const std::vector<std::size_t> open = pending();
  // The newest and, of the others, some.
  std::vector<std::size_t> singles(open.rbegin(), open.rend());
  if (singles.size() > limits.singles_max) {
    for (std::size_t i = limits.singles_max / 2; i < limits.singles_max; ++i) {
      std::swap(singles[i], singles[random.between(i, singles.size() - 1)]);
    }
    singles.resize(limits.singles_max);
  }
  for (const std::size_t index : singles) {
    chosen.push_back({.kind = ImageKind::kWithout, .first = index, .second = index});
    const DiskOperation& operation = at(index);
    if (operation.kind == Kind::kName && operation.from != 0 && operation.to != 0 && !operation.directory) {
      chosen.push_back({.kind = ImageKind::kEmpty, .first = index});
    }
  }
  for (std::size_t i = 0; i < limits.pairs_max && open.size() > 1; ++i) {
    const std::size_t a = random.between(0, open.size() - 1);
    const std::size_t b = random.between(0, open.size() - 1);
    if (a != b) {
      chosen.push_back({.kind = ImageKind::kWithout, .first = open[std::min(a, b)], .second = open[std::max(a, b)]});
    }
  }
  const std::size_t last = prefix_ - 1;
  const DiskOperation& operation = at(last);
  if (operation.kind == Kind::kWrite) {
    chosen.push_back({.kind = ImageKind::kZeros, .first = last});
    const std::uint64_t end = operation.position + operation.data.size();
    for (const std::uint64_t sector : kSectors) {
      const std::uint64_t first = (operation.position / sector + 1) * sector;
      const std::uint64_t final_border = (end - 1) / sector * sector;
      for (const std::uint64_t border : {first, (first + final_border) / 2 / sector * sector, final_border}) {
        if (border > operation.position && border < end) {
          chosen.push_back({.kind = ImageKind::kTorn, .first = last, .border = border});
        }
      }
    }
  }
  return chosen;
}

ByteVector CrashImages::survivor(const FileState& file, const Losses& losses) const {
  if (file.pending.empty() || (!losses.files.empty() && losses.files.contains(at(file.pending.front()).inode))) {
    return file.durable;
  }
  // Nothing that follows a cut which is not visible can be: it would lie in blocks that the cut freed.
  std::size_t usable = file.pending.size();
  std::uint64_t size = file.durable.size();
  std::map<std::uint64_t, std::size_t> limits;  // by sector: the first write that it lacks
  for (std::size_t i = 0; i < usable; ++i) {
    const std::size_t index = file.pending[i];
    const DiskOperation& operation = at(index);
    const bool lost = losses.operations.contains(index) || losses.zeros == index;
    if (operation.kind == Kind::kTruncate) {
      if (lost && operation.position < size) {
        usable = i;
        break;
      }
      size = operation.position;
      continue;
    }
    size = std::max<std::uint64_t>(size, operation.position + operation.data.size());
    for (std::uint64_t sector = operation.position / kSector;
         lost && sector * kSector < operation.position + operation.data.size(); ++sector) {
      limits.try_emplace(sector, i);
    }
  }
  ByteVector image = file.durable;
  size = image.size();
  for (std::size_t i = 0; i < usable; ++i) {
    const std::size_t index = file.pending[i];
    const DiskOperation& operation = at(index);
    if (operation.kind == Kind::kTruncate) {
      if (!losses.operations.contains(index)) {
        size = operation.position;
        image.resize(std::min<std::uint64_t>(image.size(), size));
      }
      continue;
    }
    Bytes data = operation.data;
    if (losses.torn && losses.torn->first == index) {
      data = data.first(losses.torn->second - operation.position);
    }
    if (!losses.operations.contains(index)) {
      size = std::max<std::uint64_t>(size, operation.position + data.size());
    }
    for (std::uint64_t done = 0; done < data.size();) {
      const std::uint64_t position = operation.position + done;
      const std::uint64_t sector = position / kSector;
      const std::uint64_t step = std::min<std::uint64_t>(data.size() - done, (sector + 1) * kSector - position);
      const auto limit = limits.find(sector);
      if (limit == limits.end() || i < limit->second) {
        put(image, position, data.subspan(done, step));
      }
      done += step;
    }
  }
  image.resize(size);
  return image;
}

CrashImages::NamesOf CrashImages::surviving_names(const Losses& losses) const {
  NamesOf names = durable_names_;
  std::set<std::uint64_t> lost_inodes;
  std::set<std::pair<std::uint64_t, std::string>> lost_names;
  for (const std::size_t index : pending_names_) {
    const DiskOperation& operation = at(index);
    if (losses.operations.contains(index) || lost_inodes.contains(operation.inode) ||
        lost_names.contains({operation.from, operation.from_name}) ||
        lost_names.contains({operation.to, operation.to_name})) {
      lost_inodes.insert(operation.inode);
      if (operation.from != 0) {
        lost_names.emplace(operation.from, operation.from_name);
      }
      if (operation.to != 0) {
        lost_names.emplace(operation.to, operation.to_name);
      }
      continue;
    }
    if (operation.from != 0) {
      names[operation.from].erase(operation.from_name);
    }
    if (operation.to != 0) {
      names[operation.to][operation.to_name] = operation.inode;
    }
  }
  return names;
}

DiskImage CrashImages::tree(std::uint64_t directory, const NamesOf& names, const Losses& losses) const {
  DiskImage image;
  const auto found = names.find(directory);
  if (found == names.end()) {
    return image;
  }
  for (const auto& [name, inode] : found->second) {
    if (directories_.contains(inode)) {
      image.names.emplace(name, tree(inode, names, losses));
      continue;
    }
    const auto file = files_.find(inode);
    image.names.emplace(
        name,
        DiskImage{.directory = false, .content = file == files_.end() ? ByteVector() : survivor(file->second, losses)});
  }
  return image;
}

DiskImage CrashImages::build(const ImageChoice& choice) const {
  Losses losses;
  switch (choice.kind) {
    case ImageKind::kAll: break;
    case ImageKind::kSynced: {
      const std::vector<std::size_t> open = pending();
      losses.operations.insert(open.begin(), open.end());
      break;
    }
    case ImageKind::kWithout: losses.operations = {choice.first, choice.second}; break;
    case ImageKind::kTorn: losses.torn = std::pair(choice.first, choice.border); break;
    case ImageKind::kZeros: losses.zeros = choice.first; break;
    case ImageKind::kEmpty: losses.files = {at(choice.first).inode}; break;
  }
  return tree(kRoot, surviving_names(losses), losses);
}

namespace {

void mix(std::uint64_t& hash, Bytes bytes) {
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3ULL;
  }
  hash = (hash ^ bytes.size()) * 0x100000001b3ULL;
}

void mix(std::uint64_t& hash, const DiskImage& image) {
  mix(hash, image.content);
  for (const auto& [name, child] : image.names) {
    mix(hash, as_bytes(name));
    mix(hash, child);
  }
  hash = (hash ^ (image.directory ? 1U : 2U)) * 0x100000001b3ULL;
}

}  // namespace

std::uint64_t hash_of(const DiskImage& image) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  mix(hash, image);
  return hash;
}

}  // namespace moldau::sim
