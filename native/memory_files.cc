#include "memory_files.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <unordered_map>

#include "large_pages.h"

namespace corpusmill::memory_files {
namespace {

// Address space is taken by the block, memory by the page as it is written to.
constexpr size_t kBlockBytes = size_t{64} << 20;
constexpr size_t kAlignment = 64;

struct Block {
  std::unique_ptr<uint8_t[]> bytes;
  size_t size = 0;
  size_t used = 0;
  size_t files = 0;
};

struct File {
  // Null: no file has the number.
  std::shared_ptr<Block> block;
  const uint8_t* bytes = nullptr;
  size_t size = 0;
};

struct Store {
  std::shared_mutex mutex;
  std::unordered_map<std::string, int> numbers;
  std::vector<File> files;
  // The one that has room left.
  std::shared_ptr<Block> open;
  size_t kept = 0;
};

Store& store() {
  // Never destroyed: threads may end after the process has begun to.
  static Store* const all = new Store();
  return *all;
}

std::shared_ptr<Block> block_for(size_t bytes) {
  auto block = std::make_shared<Block>();
  block->size = std::max(kBlockBytes, bytes);
  block->bytes.reset(new (std::nothrow) uint8_t[block->size]);
  if (block->bytes == nullptr) return nullptr;
  ask_for_large_pages(block->bytes.get(), block->size);
  return block;
}

void remove(Store& all, int number) {
  File& file = all.files[static_cast<size_t>(number)];
  all.kept -= file.size;
  file = File{};
}

}  // namespace

bool keep(const std::string& name, const std::vector<Piece>& pieces, size_t most) {
  size_t size = 0;
  for (const Piece& piece : pieces) size += piece.length;
  Store& all = store();
  File file;
  uint8_t* to = nullptr;
  {
    const std::unique_lock lock(all.mutex);
    if (all.kept > most || size > most - all.kept) return false;
    const size_t taken = (size + kAlignment - 1) / kAlignment * kAlignment;
    if (all.open == nullptr || all.open->size - all.open->used < taken) {
      all.open = block_for(taken);
      if (all.open == nullptr) return false;
    }
    to = all.open->bytes.get() + all.open->used;
    all.open->used += taken;
    all.kept += size;
    file = {all.open, to, size};
  }
  // Its place is its own, and nobody knows it yet.
  for (const Piece& piece : pieces) {
    if (piece.length > 0) std::memcpy(to, piece.bytes, piece.length);
    to += piece.length;
  }
  const std::unique_lock lock(all.mutex);
  const auto [known, is_new] = all.numbers.try_emplace(name, static_cast<int>(all.files.size()));
  if (is_new) {
    all.files.push_back(std::move(file));
  } else {
    remove(all, known->second);
    all.files[static_cast<size_t>(known->second)] = std::move(file);
  }
  return true;
}

int number_of(const std::string& name) {
  Store& all = store();
  const std::shared_lock lock(all.mutex);
  const auto known = all.numbers.find(name);
  return known == all.numbers.end() ? -1 : known->second;
}

size_t size_of(int number) {
  Store& all = store();
  const std::shared_lock lock(all.mutex);
  return number >= 0 && static_cast<size_t>(number) < all.files.size() ? all.files[static_cast<size_t>(number)].size : 0;
}

size_t read(int number, size_t position, size_t bytes, uint8_t* into) {
  Store& all = store();
  File file;
  {
    const std::shared_lock lock(all.mutex);
    if (number < 0 || static_cast<size_t>(number) >= all.files.size()) return 0;
    file = all.files[static_cast<size_t>(number)];
  }
  if (position >= file.size) return 0;
  const size_t count = std::min(bytes, file.size - position);
  std::memcpy(into, file.bytes + position, count);
  return count;
}

void forget(const std::string& prefix) {
  Store& all = store();
  const std::unique_lock lock(all.mutex);
  for (auto known = all.numbers.begin(); known != all.numbers.end();) {
    if (known->first.compare(0, prefix.size(), prefix) != 0) {
      ++known;
      continue;
    }
    remove(all, known->second);
    known = all.numbers.erase(known);
  }
  if (all.numbers.empty()) {
    // Numbers begin anew, and the last block goes too.
    all.files.clear();
    all.open = nullptr;
  }
}

}  // namespace corpusmill::memory_files
