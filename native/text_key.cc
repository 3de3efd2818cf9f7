#include "text_key.h"

#include <bit>

namespace corpusmill::text_key {
namespace {

constexpr uint64_t kPrime1 = 0x9e3779b185ebca87, kPrime2 = 0xc2b2ae3d27d4eb4f, kPrime3 = 0x165667b19e3779f9,
                   kPrime4 = 0x85ebca77c2b2ae63, kPrime5 = 0x27d4eb2f165667c5;

// Little-endian reads, whatever the machine; compilers make one load of each.
uint64_t read32(const uint8_t* p) {
  return static_cast<uint64_t>(p[0]) | static_cast<uint64_t>(p[1]) << 8 | static_cast<uint64_t>(p[2]) << 16 |
         static_cast<uint64_t>(p[3]) << 24;
}

uint64_t read64(const uint8_t* p) { return read32(p) | read32(p + 4) << 32; }

// `product` is input · kPrime2, which both seeds share.
uint64_t round_of(uint64_t lane, uint64_t product) { return std::rotl(lane + product, 31) * kPrime1; }

uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ round_of(0, lane * kPrime2)) * kPrime1 + kPrime4; }

uint64_t finish(uint64_t hash, const uint8_t* p, const uint8_t* end) {
  for (; end - p >= 8; p += 8) hash = std::rotl(hash ^ round_of(0, read64(p) * kPrime2), 27) * kPrime1 + kPrime4;
  if (end - p >= 4) {
    hash = std::rotl(hash ^ (read32(p) * kPrime1), 23) * kPrime2 + kPrime3;
    p += 4;
  }
  for (; p < end; p++) hash = std::rotl(hash ^ (*p * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

void xxh64_twice(const uint8_t* bytes, size_t length, const uint64_t seeds[2], uint64_t hashes[2]) {
  const uint8_t* p = bytes;
  const uint8_t* const end = bytes + length;
  if (length < 32) {
    for (int s = 0; s < 2; s++) hashes[s] = finish(seeds[s] + kPrime5 + length, p, end);
    return;
  }
  uint64_t lanes[2][4];
  for (int s = 0; s < 2; s++) {
    lanes[s][0] = seeds[s] + kPrime1 + kPrime2;
    lanes[s][1] = seeds[s] + kPrime2;
    lanes[s][2] = seeds[s];
    lanes[s][3] = seeds[s] - kPrime1;
  }
  for (; end - p >= 32; p += 32) {
    for (int lane = 0; lane < 4; lane++) {
      const uint64_t product = read64(p + 8 * lane) * kPrime2;
      lanes[0][lane] = round_of(lanes[0][lane], product);
      lanes[1][lane] = round_of(lanes[1][lane], product);
    }
  }
  for (int s = 0; s < 2; s++) {
    const auto& [a, b, c, d] = lanes[s];
    uint64_t hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    for (const uint64_t lane : lanes[s]) hash = merge(hash, lane);
    hashes[s] = finish(hash + length, p, end);
  }
}

}  // namespace corpusmill::text_key
