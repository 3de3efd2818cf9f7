#include "fasttext_centroids.h"

#include <limits>

#include "inline.h"

#ifdef CORPUSMILL_X86
#include <immintrin.h>
#endif

namespace corpusmill::fasttext {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void nearest_portable(const float* points, size_t count, size_t width, const float* by_column, uint8_t* codes) {
  for (size_t i = 0; i < count; i++) {
    float distances[kCentroids] = {};
    for (size_t k = 0; k < width; k++) {
      const float value = points[i * width + k];
      for (size_t c = 0; c < kCentroids; c++) {
        const float apart = value - by_column[k * kCentroids + c];
        distances[c] += apart * apart;
      }
    }
    size_t best = 0;
    for (size_t c = 1; c < kCentroids; c++) {
      if (distances[c] < distances[best]) best = c;
    }
    codes[i] = static_cast<uint8_t>(distances[best] < kInfinity ? best : 0);
  }
}

#ifdef CORPUSMILL_X86
// Each lane remembers its nearest; the nearest of the lanes, and of equals the first centroid, is the answer.
uint8_t nearest_lane(const float* distances, const int32_t* numbers, size_t lanes) {
  size_t best = 0;
  for (size_t lane = 1; lane < lanes; lane++) {
    const bool is_nearer = distances[lane] < distances[best];
    if (is_nearer || (distances[lane] == distances[best] && numbers[lane] < numbers[best])) best = lane;
  }
  return static_cast<uint8_t>(numbers[best]);
}

__attribute__((target("avx2"))) void nearest_avx2(const float* points, size_t count, size_t width,
                                                  const float* by_column, uint8_t* codes) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (size_t i = 0; i < count; i++) {
    __m256 nearest = _mm256_set1_ps(kInfinity);
    __m256i numbers = _mm256_setzero_si256();
    for (size_t first = 0; first < kCentroids; first += 8) {
      __m256 distance = _mm256_setzero_ps();
      for (size_t k = 0; k < width; k++) {
        const __m256 apart =
            _mm256_sub_ps(_mm256_set1_ps(points[i * width + k]), _mm256_loadu_ps(by_column + k * kCentroids + first));
        distance = _mm256_add_ps(distance, _mm256_mul_ps(apart, apart));
      }
      const __m256 is_nearer = _mm256_cmp_ps(distance, nearest, _CMP_LT_OQ);
      const __m256i here = _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<int>(first)));
      nearest = _mm256_blendv_ps(nearest, distance, is_nearer);
      numbers = _mm256_blendv_epi8(numbers, here, _mm256_castps_si256(is_nearer));
    }
    float distances[8];
    int32_t found[8];
    _mm256_storeu_ps(distances, nearest);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(found), numbers);
    codes[i] = nearest_lane(distances, found, 8);
  }
}

__attribute__((target("avx512f"))) void nearest_avx512(const float* points, size_t count, size_t width,
                                                       const float* by_column, uint8_t* codes) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (size_t i = 0; i < count; i++) {
    __m512 nearest = _mm512_set1_ps(kInfinity);
    __m512i numbers = _mm512_setzero_si512();
    for (size_t first = 0; first < kCentroids; first += 16) {
      __m512 distance = _mm512_setzero_ps();
      for (size_t k = 0; k < width; k++) {
        const __m512 apart =
            _mm512_sub_ps(_mm512_set1_ps(points[i * width + k]), _mm512_loadu_ps(by_column + k * kCentroids + first));
        distance = _mm512_add_ps(distance, _mm512_mul_ps(apart, apart));
      }
      const __mmask16 is_nearer = _mm512_cmp_ps_mask(distance, nearest, _CMP_LT_OQ);
      const __m512i here = _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(first)));
      nearest = _mm512_mask_mov_ps(nearest, is_nearer, distance);
      numbers = _mm512_mask_mov_epi32(numbers, is_nearer, here);
    }
    float distances[16];
    int32_t found[16];
    _mm512_storeu_ps(distances, nearest);
    _mm512_storeu_si512(found, numbers);
    codes[i] = nearest_lane(distances, found, 16);
  }
}
#endif

using Nearest = void (*)(const float*, size_t, size_t, const float*, uint8_t*);

Nearest best() {
#ifdef CORPUSMILL_X86
  if (__builtin_cpu_supports("avx512f")) return nearest_avx512;
  if (__builtin_cpu_supports("avx2")) return nearest_avx2;
#endif
  return nearest_portable;
}

}  // namespace

void nearest_centroids(const float* points, size_t count, size_t width, const float* centroids, uint8_t* codes) {
  float by_column[kWidestPoint * kCentroids];
  for (size_t c = 0; c < kCentroids; c++) {
    for (size_t k = 0; k < width; k++) by_column[k * kCentroids + c] = centroids[c * width + k];
  }
  best()(points, count, width, by_column, codes);
}

}  // namespace corpusmill::fasttext
