// Components of what pairs tie together, and pairs put into groups of such components: src/dedup/component-groups.ts says
// what for, and has the twin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "union_find.h"

namespace corpusmill {

class Components {
 public:
  // Of so many ordinals, those that are one set in `sets` being tied together where a pair has one of them.
  Components(UnionFind sets, size_t rows);

  // Ties together what each pair has, (minor, major).
  void join(const uint32_t* pairs, size_t count);
  // Copies pairs to `grouped`, those of one group behind each other and in their order; group g ends at pair ends[g]. A pair's
  // group goes by its component. 256 groups at most.
  void group(const uint32_t* pairs, size_t count, size_t groups, uint32_t* grouped, uint32_t* ends);

 private:
  std::vector<uint32_t> parents_;
  const UnionFind sets_;
  const UnionFind components_;
  std::vector<uint8_t> places_;
};

}  // namespace corpusmill
