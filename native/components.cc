#include "components.h"

#include <numeric>

#include "mix.h"

namespace corpusmill {

Components::Components(UnionFind sets, size_t rows) : parents_(rows), sets_(sets), components_(parents_.data()) {
  std::iota(parents_.begin(), parents_.end(), 0u);
}

void Components::join(const uint32_t* pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t minor = pairs[2 * i], major = pairs[2 * i + 1];
    components_.join(major, minor);
    // What was joined before hangs together too.
    components_.join(major, sets_.find(major));
    components_.join(minor, sets_.find(minor));
  }
}

void Components::group(const uint32_t* pairs, size_t count, size_t groups, uint32_t* grouped, uint32_t* ends) {
  places_.resize(count);
  std::vector<uint32_t> next(groups);
  for (size_t i = 0; i < count; i++) {
    const size_t place = mix32(components_.find(pairs[2 * i + 1])) % groups;
    places_[i] = static_cast<uint8_t>(place);
    next[place]++;
  }
  uint32_t begin = 0;
  for (size_t place = 0; place < groups; place++) {
    ends[place] = begin + next[place];
    next[place] = begin;
    begin = ends[place];
  }
  for (size_t i = 0; i < count; i++) {
    uint32_t* const to = grouped + 2 * static_cast<size_t>(next[places_[i]]++);
    to[0] = pairs[2 * i];
    to[1] = pairs[2 * i + 1];
  }
}

}  // namespace corpusmill
