#include "minhash61.h"

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define CORPUSMILL_X86_64 1
#endif
// The vector version of a loop is the plain one compiled again inside a function for other instructions.
#if defined(__GNUC__) || defined(__clang__)
#define CORPUSMILL_INLINE inline __attribute__((always_inline))
#else
#define CORPUSMILL_INLINE inline
#endif

namespace corpusmill::minhash61 {
namespace {

// Byte by byte, so that it reads the same on any processor; compilers make one load of it.
inline uint32_t little32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[3]) << 24;
}
inline uint64_t little64(const uint8_t* p) { return little32(p) | static_cast<uint64_t>(little32(p + 4)) << 32; }
inline uint32_t big32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 | static_cast<uint32_t>(p[2]) << 8 |
         static_cast<uint32_t>(p[3]);
}
inline uint32_t left(uint32_t x, int by) { return x << by | x >> (32 - by); }
inline uint64_t left(uint64_t x, int by) { return x << by | x >> (64 - by); }

// xxHash (Collet), seed 0: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

constexpr uint64_t kP1 = 0x9e3779b185ebca87, kP2 = 0xc2b2ae3d27d4eb4f, kP3 = 0x165667b19e3779f9,
                   kP4 = 0x85ebca77c2b2ae63, kP5 = 0x27d4eb2f165667c5;

inline uint64_t round64(uint64_t acc, uint64_t lane) { return left(acc + lane * kP2, 31) * kP1; }

uint64_t xxh64(const uint8_t* p, size_t length) {
  const uint8_t* const end = p + length;
  uint64_t h;
  if (length >= 32) {
    uint64_t acc[4] = {kP1 + kP2, kP2, 0, 0 - kP1};
    for (; end - p >= 32; p += 32) {
      for (int i = 0; i < 4; i++) acc[i] = round64(acc[i], little64(p + 8 * i));
    }
    h = left(acc[0], 1) + left(acc[1], 7) + left(acc[2], 12) + left(acc[3], 18);
    for (const uint64_t lane : acc) h = (h ^ round64(0, lane)) * kP1 + kP4;
  } else {
    h = kP5;
  }
  h += length;
  for (; end - p >= 8; p += 8) h = left(h ^ round64(0, little64(p)), 27) * kP1 + kP4;
  if (end - p >= 4) {
    h = left(h ^ little32(p) * kP1, 23) * kP2 + kP3;
    p += 4;
  }
  for (; p < end; p++) h = left(h ^ *p * kP5, 11) * kP1;
  h = (h ^ h >> 33) * kP2;
  h = (h ^ h >> 29) * kP3;
  return h ^ h >> 32;
}

constexpr uint32_t kQ1 = 0x9e3779b1, kQ2 = 0x85ebca77, kQ3 = 0xc2b2ae3d, kQ4 = 0x27d4eb2f, kQ5 = 0x165667b1;

uint32_t xxh32(const uint8_t* p, size_t length) {
  const uint8_t* const end = p + length;
  uint32_t h;
  if (length >= 16) {
    uint32_t acc[4] = {kQ1 + kQ2, kQ2, 0, 0 - kQ1};
    for (; end - p >= 16; p += 16) {
      for (int i = 0; i < 4; i++) acc[i] = left(acc[i] + little32(p + 4 * i) * kQ2, 13) * kQ1;
    }
    h = left(acc[0], 1) + left(acc[1], 7) + left(acc[2], 12) + left(acc[3], 18);
  } else {
    h = kQ5;
  }
  h += static_cast<uint32_t>(length);
  for (; end - p >= 4; p += 4) h = left(h + little32(p) * kQ3, 17) * kQ4;
  for (; p < end; p++) h = left(h + *p * kQ5, 11) * kQ1;
  h = (h ^ h >> 15) * kQ2;
  h = (h ^ h >> 13) * kQ3;
  return h ^ h >> 16;
}

// SHA-1 (FIPS 180-4), of which only the first two words of the digest are wanted.

void sha1_block(uint32_t state[5], const uint8_t* block) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++) w[i] = big32(block + 4 * i);
  for (int i = 16; i < 80; i++) w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  const auto step = [&](uint32_t f, uint32_t k, uint32_t word) {
    const uint32_t next = left(a, 5) + f + e + k + word;
    e = d;
    d = c;
    c = left(b, 30);
    b = a;
    a = next;
  };
  for (int i = 0; i < 20; i++) step((b & c) | (~b & d), 0x5a827999, w[i]);
  for (int i = 20; i < 40; i++) step(b ^ c ^ d, 0x6ed9eba1, w[i]);
  for (int i = 40; i < 60; i++) step((b & c) | (b & d) | (c & d), 0x8f1bbcdc, w[i]);
  for (int i = 60; i < 80; i++) step(b ^ c ^ d, 0xca62c1d6, w[i]);
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

uint64_t sha1_first8(const uint8_t* data, size_t length) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  size_t done = 0;
  for (; length - done >= 64; done += 64) sha1_block(state, data + done);
  uint8_t tail[128] = {};
  const size_t rest = length - done;
  if (rest > 0) std::memcpy(tail, data + done, rest);
  tail[rest] = 0x80;
  const size_t size = rest < 56 ? 64 : 128;
  const uint64_t bit_length = static_cast<uint64_t>(length) * 8;
  for (int i = 0; i < 8; i++) tail[size - 1 - i] = static_cast<uint8_t>(bit_length >> (8 * i));
  for (size_t at = 0; at < size; at += 64) sha1_block(state, tail + at);
  uint8_t digest[8];
  for (int i = 0; i < 8; i++) digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  return little64(digest);
}

constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;
constexpr uint64_t kNone = UINT64_MAX;
constexpr size_t kLanes = 32;

// One block of permutations over all hashes; `mask` is what stays of each value. Written so that a compiler with 64-bit
// vector multiplication vectorizes the inner loop.
CORPUSMILL_INLINE void block(const uint64_t* hashes, size_t count, const uint64_t* a, const uint64_t* b,
                             uint64_t* out, uint64_t mask) {
  uint64_t lowest[kLanes];
  std::fill_n(lowest, kLanes, kNone);
  for (size_t i = 0; i < count; i++) {
    const uint64_t h = hashes[i];
    for (size_t lane = 0; lane < kLanes; lane++) {
      const uint64_t v = a[lane] * h + b[lane];
      uint64_t x = (v & kPrime) + (v >> 61);
      // x < 2p, and the difference wraps to a large number when x < p.
      x = std::min(x, x - kPrime);
      lowest[lane] = std::min(lowest[lane], x & mask);
    }
  }
  std::memcpy(out, lowest, sizeof lowest);
}

using Block = void (*)(const uint64_t*, size_t, const uint64_t*, const uint64_t*, uint64_t*, uint64_t);

void portable_block(const uint64_t* hashes, size_t count, const uint64_t* a, const uint64_t* b, uint64_t* out,
                    uint64_t mask) {
  block(hashes, count, a, b, out, mask);
}

#ifdef CORPUSMILL_X86_64
__attribute__((target("avx512f,avx512dq"))) void avx512_block(const uint64_t* hashes, size_t count, const uint64_t* a,
                                                              const uint64_t* b, uint64_t* out, uint64_t mask) {
  block(hashes, count, a, b, out, mask);
}
#endif

Block best_block() {
#ifdef CORPUSMILL_X86_64
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return avx512_block;
#endif
  return portable_block;
}

}  // namespace

uint64_t hash(const uint8_t* data, size_t length, HashFunction function, int bits) {
  if (function == HashFunction::kSha1) {
    const uint64_t first = sha1_first8(data, length);
    return bits == 32 ? first & UINT32_MAX : first;
  }
  return bits == 32 ? xxh32(data, length) : xxh64(data, length);
}

size_t signature(const uint8_t* bytes, size_t length, size_t window, HashFunction function, int bits,
                 const uint64_t* multipliers, const uint64_t* increments, size_t permutations, uint64_t* signature) {
  // Where the last `window` words begin, as a ring; a window ends with the word that ends at a space.
  std::vector<size_t> starts(window);
  std::vector<uint64_t> hashes;
  size_t words = 0;
  for (size_t start = 0; start < length;) {
    const void* const space = std::memchr(bytes + start, ' ', length - start);
    const size_t end = space == nullptr ? length : static_cast<size_t>(static_cast<const uint8_t*>(space) - bytes);
    starts[words % window] = start;
    words++;
    if (words >= window) {
      const size_t first = starts[words % window];
      hashes.push_back(hash(bytes + first, end - first, function, bits));
    }
    start = end + 1;
  }

  static const Block run = best_block();
  const uint64_t mask = bits == 32 ? UINT32_MAX : UINT64_MAX;
  for (size_t done = 0; done < permutations; done += kLanes) {
    const size_t width = std::min(kLanes, permutations - done);
    uint64_t a[kLanes] = {}, b[kLanes] = {}, out[kLanes];
    std::memcpy(a, multipliers + done, width * sizeof *a);
    std::memcpy(b, increments + done, width * sizeof *b);
    run(hashes.data(), hashes.size(), a, b, out, mask);
    std::memcpy(signature + done, out, width * sizeof *out);
  }
  return hashes.size();
}

}  // namespace corpusmill::minhash61
