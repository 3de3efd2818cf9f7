// The loops behind a table of pieces. In JavaScript they took 3.4 µs a piece of a shard of 50,000, much of it for compiling the
// library's many functions anew in each worker; garbage not counted.

#include "parquet_pages.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace corpusmill::parquet {
namespace {

constexpr size_t kBlock = 128, kMiniblock = 32, kMiniblocks = kBlock / kMiniblock;

void varint(uint32_t value, std::vector<uint8_t>& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

void zigzag(int32_t value, std::vector<uint8_t>& out) {
  varint((static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31), out);
}

// Snappy's matches are looked for through a table of the places of four bytes, by their hash.
constexpr int kMostTableBits = 14;
constexpr size_t kMostOffset = 0xffff;
// The matcher looks so many bytes ahead of where it is.
constexpr size_t kMargin = 15;

uint32_t load32(const uint8_t* at) {
  if constexpr (std::endian::native == std::endian::little) {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  return at[0] | at[1] << 8 | at[2] << 16 | static_cast<uint32_t>(at[3]) << 24;
}

void literal(const uint8_t* bytes, size_t length, std::vector<uint8_t>& out) {
  const size_t value = length - 1;
  if (length <= 60) {
    out.push_back(static_cast<uint8_t>(value << 2));
  } else {
    const int width = value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x1000000 ? 3 : 4;
    out.push_back(static_cast<uint8_t>((59 + width) << 2));
    for (int i = 0; i < width; i++) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  out.insert(out.end(), bytes, bytes + length);
}

void copy_below_64(size_t offset, size_t length, std::vector<uint8_t>& out) {
  if (length < 12 && offset < 2048) {
    out.push_back(static_cast<uint8_t>(1 + ((length - 4) << 2) + ((offset >> 8) << 5)));
    out.push_back(static_cast<uint8_t>(offset));
  } else {
    out.push_back(static_cast<uint8_t>(2 + ((length - 1) << 2)));
    out.push_back(static_cast<uint8_t>(offset));
    out.push_back(static_cast<uint8_t>(offset >> 8));
  }
}

void copy(size_t offset, size_t length, std::vector<uint8_t>& out) {
  for (; length >= 68; length -= 64) copy_below_64(offset, 64, out);
  if (length > 64) {
    copy_below_64(offset, 60, out);
    length -= 60;
  }
  copy_below_64(offset, length, out);
}

}  // namespace

void delta_binary_packed(const int32_t* values, size_t count, std::vector<uint8_t>& out) {
  varint(kBlock, out);
  varint(kMiniblocks, out);
  varint(static_cast<uint32_t>(count), out);
  zigzag(values[0], out);
  for (size_t first = 1; first < count; first += kBlock) {
    const size_t size = std::min(kBlock, count - first);
    // Differences wrap around at 32 bits, as the format has it.
    int32_t deltas[kBlock];
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (size_t i = 0; i < size; i++) {
      const auto delta = static_cast<int32_t>(static_cast<uint32_t>(values[first + i]) -
                                              static_cast<uint32_t>(values[first + i - 1]));
      deltas[i] = delta;
      least = std::min(least, delta);
      most = std::max(most, delta);
    }
    zigzag(least, out);
    if (least == most) {
      out.insert(out.end(), kMiniblocks, 0);
      continue;
    }
    uint32_t adjusted[kBlock] = {};
    int widths[kMiniblocks] = {};
    for (size_t i = 0; i < size; i++) {
      adjusted[i] = static_cast<uint32_t>(deltas[i]) - static_cast<uint32_t>(least);
      widths[i / kMiniblock] = std::max(widths[i / kMiniblock], static_cast<int>(std::bit_width(adjusted[i])));
    }
    for (const int width : widths) out.push_back(static_cast<uint8_t>(width));
    for (size_t miniblock = 0; miniblock < kMiniblocks; miniblock++) {
      const int width = widths[miniblock];
      uint64_t pending = 0;
      int bits = 0;
      for (size_t i = 0; width > 0 && i < kMiniblock; i++) {
        pending |= static_cast<uint64_t>(adjusted[miniblock * kMiniblock + i]) << bits;
        for (bits += width; bits >= 8; bits -= 8, pending >>= 8) out.push_back(static_cast<uint8_t>(pending));
      }
    }
  }
}

void plain_string(const uint8_t* bytes, size_t length, std::vector<uint8_t>& out) {
  for (int i = 0; i < 4; i++) out.push_back(static_cast<uint8_t>(length >> (8 * i)));
  out.insert(out.end(), bytes, bytes + length);
}

void snappy(const uint8_t* input, size_t size, std::vector<uint8_t>& out) {
  varint(static_cast<uint32_t>(size), out);
  int table_bits = 1;
  while (table_bits <= kMostTableBits && (size_t{1} << table_bits) <= size) table_bits++;
  table_bits--;
  size_t emitted = 0;
  if (size >= kMargin) {
    std::vector<uint32_t> table(size_t{1} << table_bits);
    const size_t limit = size - kMargin;
    const auto hash = [&](size_t at) { return load32(input + at) * 0x1e35a7bdu >> (32 - table_bits); };
    size_t at = 1;
    uint32_t next_hash = hash(at);
    while (true) {
      // The longer nothing is found the larger the steps.
      size_t candidate = 0;
      size_t next = at;
      bool is_found = false;
      for (size_t skip = 32; !is_found; skip++) {
        at = next;
        const uint32_t here = next_hash;
        next = at + (skip >> 5);
        if (at > limit) break;
        next_hash = hash(next);
        candidate = table[here];
        table[here] = static_cast<uint32_t>(at);
        is_found = at - candidate <= kMostOffset && load32(input + at) == load32(input + candidate);
      }
      if (!is_found) break;
      literal(input + emitted, at - emitted, out);
      bool is_over = false;
      do {
        const size_t start = at;
        size_t matched = 4;
        while (at + matched < size && input[at + matched] == input[candidate + matched]) matched++;
        at += matched;
        copy(start - candidate, matched, out);
        emitted = at;
        is_over = at >= limit;
        if (is_over) break;
        table[hash(at - 1)] = static_cast<uint32_t>(at - 1);
        const uint32_t here = hash(at);
        candidate = table[here];
        table[here] = static_cast<uint32_t>(at);
      } while (at - candidate <= kMostOffset && load32(input + at) == load32(input + candidate));
      if (is_over) break;
      at++;
      next_hash = hash(at);
    }
  }
  if (emitted < size) literal(input + emitted, size - emitted, out);
}

}  // namespace corpusmill::parquet
