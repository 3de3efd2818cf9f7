// Attention of a block of queries, forward, for one instruction set: see attention_kernels.h.
namespace corpusmill::tensor::CORPUSMILL_ISA::attention {

// Keys of a block: scores of a group of queries, keys and values of a block and the output so far fit the first cache.
constexpr size_t kKeyBlock = 64;

constexpr float kLog2E = 1.44269504088896341f;
constexpr float kLn2 = 0.693147180559945309f;
// Scores of pairs that do not see each other, and the maximum before the first score, which is above them: 2 to their
// difference is exactly 0, and no infinity minus infinity comes up.
constexpr float kHidden = -1e30f;
constexpr float kLeast = -1e29f;

// Scratch: lanes of three rotations of queries, scores, output lanes, and state by lane.
static size_t forward_scratch(size_t head_size) {
  return 4 * head_size * kQueryBlock + kKeyBlock * kGroup + 3 * kQueryBlock + 16;
}

// 2^score of a group of queries and keys [first, end), of which it leaves those that lanes do not see at 0.
static void forward_scores(const AttentionHead& head, const GroupView& view, const float* lanes, size_t first, size_t end,
                           float* scores, Vec (&most)[kTileVectors]) {
  const bool all = first >= view.all_first && end <= view.all_end;
  Vec best[kTileVectors];
#pragma GCC unroll 4
  for (size_t c = 0; c < kTileVectors; c++) best[c] = most[c];
  for_tiles<kTileRows>(end - first, [&](auto tile, size_t at) CORPUSMILL_INLINE_LAMBDA {
    constexpr size_t R = decltype(tile)::value;
    Vec sums[R][kTileVectors];
    clear(sums);
    multiply<false>(head.head_size, head.k + (first + at) * head.key_stride, head.key_stride, 1, lanes, kGroup, 0, sums);
    if (!all) {
      for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (size_t c = 0; c < kTileVectors; c++) {
          sums[r][c] = choose(sees(view, c, first + at + r), sums[r][c], broadcast(kHidden));
        }
      }
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
      for (size_t c = 0; c < kTileVectors; c++) {
        best[c] = maximum(best[c], sums[r][c]);
        store(scores + (at + r) * kGroup + c * kLanes, sums[r][c]);
      }
    }
  });
#pragma GCC unroll 4
  for (size_t c = 0; c < kTileVectors; c++) most[c] = best[c];
}

static void forward(const AttentionHead& head, size_t row, const VisibleKeys& visible, size_t chunk, float* scratch) {
  const size_t width = head.head_size, rows = visible.rows, groups = (rows + kGroup - 1) / kGroup;
  float* const lanes = scratch;
  float* const scores = lanes + 3 * width * kQueryBlock;
  float* const outs = scores + kKeyBlock * kGroup;
  float* const most = outs + width * kQueryBlock;
  float* const total = most + kQueryBlock;
  float* const factor = total + kQueryBlock;
  bool packed[3] = {false, false, false};
  bool started[kGroups];
  GroupView views[kGroups];
  for (size_t g = 0; g < groups; g++) {
    view_group(visible, g, &views[g]);
    started[g] = false;
  }

  const size_t stop = static_cast<size_t>(visible.hull_end);
  for (size_t key = static_cast<size_t>(visible.hull_first), next; key < stop; key = next) {
    next = key + kKeyBlock < stop ? key + kKeyBlock : stop;
    size_t kind = 0;
    if (head.chunk_length != 0) {
      const size_t key_chunk = key / head.chunk_length, chunk_end = (key_chunk + 1) * head.chunk_length;
      if (chunk_end < next) next = chunk_end;
      kind = key_chunk >= chunk ? 0 : chunk - key_chunk == 1 ? 1 : 2;
    }
    float* const kind_lanes = lanes + kind * width * kQueryBlock;
    for (size_t g = 0; g < groups; g++) {
      size_t first = key, end = next;
      if (!cut_to_view(views[g], &first, &end)) continue;
      if (!packed[kind]) {
        to_lanes(head.q[kind] + row * head.query_stride, head.query_stride, rows, width, head.scale * kLog2E, kind_lanes);
        packed[kind] = true;
      }
      float* const out = outs + g * width * kGroup;
      const bool has_state = started[g];
      started[g] = true;
      Vec before[kTileVectors], now[kTileVectors], shrink[kTileVectors], sum[kTileVectors];
#pragma GCC unroll 4
      for (size_t c = 0; c < kTileVectors; c++) {
        before[c] = now[c] = has_state ? load(most + g * kGroup + c * kLanes) : broadcast(kLeast);
        sum[c] = zero();
      }
      forward_scores(head, views[g], kind_lanes + g * width * kGroup, first, end, scores, now);
      for (size_t j = 0; j < end - first; j++) {
#pragma GCC unroll 4
        for (size_t c = 0; c < kTileVectors; c++) {
          float* const at = scores + j * kGroup + c * kLanes;
          const Vec weight = exp2_of_negative(sub(load(at), now[c]));
          store(at, weight);
          sum[c] = add(sum[c], weight);
        }
      }
#pragma GCC unroll 4
      for (size_t c = 0; c < kTileVectors; c++) {
        const size_t at = g * kGroup + c * kLanes;
        shrink[c] = exp2_of_negative(sub(before[c], now[c]));
        store(most + at, now[c]);
        store(total + at, has_state ? fma(load(total + at), shrink[c], sum[c]) : sum[c]);
      }
      const float* const values = head.v + first * head.key_stride;
      for_tiles<kTileRows>(width, [&](auto tile, size_t d) CORPUSMILL_INLINE_LAMBDA {
        constexpr size_t R = decltype(tile)::value;
        Vec sums[R][kTileVectors];
        if (has_state) {
#pragma GCC unroll 16
          for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
            for (size_t c = 0; c < kTileVectors; c++) {
              sums[r][c] = mul(shrink[c], load(out + (d + r) * kGroup + c * kLanes));
            }
          }
        } else {
          clear(sums);
        }
        multiply<false>(end - first, values + d, 1, head.key_stride, scores, kGroup, 0, sums);
#pragma GCC unroll 16
        for (size_t r = 0; r < R; r++) {
#pragma GCC unroll 4
          for (size_t c = 0; c < kTileVectors; c++) store(out + (d + r) * kGroup + c * kLanes, sums[r][c]);
        }
      });
    }
  }

  for (size_t g = 0; g < groups; g++) {
    const size_t some = rows - g * kGroup < kGroup ? rows - g * kGroup : kGroup;
    float* const group_total = total + g * kGroup;
    for (size_t i = 0; i < some; i++) {
      if (!started[g]) group_total[i] = 0;
      // A sum that is not a number is no 0: it goes on into the output.
      factor[i] = group_total[i] == 0 ? 0 : 1 / group_total[i];
    }
    for (size_t i = some; i < kGroup; i++) factor[i] = 0;
    if (!started[g]) memset(outs + g * width * kGroup, 0, width * kGroup * sizeof(float));
    from_lanes(outs + g * width * kGroup, factor, some, width, head.out + (row + g * kGroup) * head.query_stride,
               head.query_stride);
    if (head.lse == nullptr) continue;
    for (size_t i = 0; i < some; i++) {
      const float sum = group_total[i];
      head.lse[(row + g * kGroup + i) * head.lse_stride] =
          sum == 0 ? -HUGE_VALF : most[g * kGroup + i] * kLn2 + logf(sum);
    }
  }
}

}  // namespace corpusmill::tensor::CORPUSMILL_ISA::attention
