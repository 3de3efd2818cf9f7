// Sweeps through the documents that compare candidate pairs and join those that are near-copies. What a sweep is, what it
// must find and the twin that finds the same are in src/dedup/pair-sweep.ts.
// Idea: the texts of a part come as they lie in its file, so that nothing is made of a document but its sets, and those of
// documents alone that are compared or held.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "held_sets.h"
#include "likeness.h"
#include "union_find.h"

namespace corpusmill {

// Words of pairs: minor, then major.
using PairWords = std::vector<uint32_t>;

class PairSweep {
 public:
  static constexpr size_t kBins = 20;
  // Places are bytes, 0 for none.
  static constexpr size_t kMostGroups = 255;

  struct Limits {
    // Values held of one group's representatives, and kept of what failed in all.
    size_t held_values;
    size_t kept_values;
  };

  struct Counts {
    uint64_t checked = 0;
    uint64_t rejected = 0;
    std::array<uint64_t, kBins> accepted_bins{};
    std::array<uint64_t, kBins> rejected_bins{};
  };

  // `parents` of a union-find in which no parent is above its child, and `sizes`: memory of others, `rows` words each.
  PairSweep(const likeness::Rule& rule, Limits limits, size_t groups, uint32_t* parents, uint32_t* sizes, size_t rows);

  // Begins a sweep. Sets that were kept in the last stay for this one.
  void begin();
  // Tells it pairs of a group: all of them, ascending, before the first part. Minors are below majors, majors below rows.
  void note(size_t group, const uint32_t* pairs, size_t count);
  // Gives it pairs of a group, ascending: before a part is visited, all whose majors lie in it, or more.
  void give(size_t group, const uint32_t* pairs, size_t count);

  enum class Need { kNothing, kKeptSets, kTexts };
  // What it needs of the documents [first, first + rows).
  Need need(size_t first, size_t rows) const;

  struct Part {
    size_t first;
    size_t rows;
    // Row r is bytes[offsets[r], offsets[r + 1]); null where the part needs no texts.
    const uint8_t* bytes;
    const int32_t* offsets;
  };
  enum class Visited { kAll, kUnknownCharacter, kNoText, kNoMemory };
  // Goes through a part from *row on; where it stops before the end, *row says at which row: to be called again with it
  // when folded_tokens was told of the row's characters.
  Visited visit(const Part& part, size_t* row);

  // Makes of a group's failures, (representative, member) ascending, given in as many stretches as they come, the candidates of
  // the next round: of each representative those that are not joined with it, as a star around the first of them.
  void begin_regrouping();
  void regroup(const uint32_t* failures, size_t count, PairWords* regrouped);

  // What was found since it was last taken; whoever takes it clears it.
  PairWords& waiting(size_t group) { return groups_[group].waiting; }
  PairWords& failures(size_t group) { return groups_[group].failures; }
  PairWords& fragments() { return fragments_; }
  const Counts& counts() const { return counts_; }

 private:
  struct Group {
    explicit Group(size_t held_values) : held(held_values) {}
    HeldSets held;
    // What was given and is not done with begins at `at`.
    PairWords pairs;
    size_t at = 0;
    PairWords waiting;
    PairWords failures;
  };

  // Sets in the ascending order of their ordinals.
  struct KeptSets {
    ValueStore store;
    std::vector<StoredSet> order;
    size_t end = 0;
    // The first that was not passed.
    size_t at = 0;
  };

  const StoredSet* kept_of(uint32_t ordinal);
  Visited open(const Part& part, size_t row);
  Visited visit_document(const Part& part, size_t row, Group& group);
  Visited compare(Group& group, uint32_t ordinal, uint32_t representative, const StoredSet& held);
  bool keep(uint32_t ordinal);

  const Limits limits_;
  const UnionFind sets_;
  uint32_t* const sizes_;
  const bool is_jaccard_;
  std::vector<Group> groups_;
  likeness::OpenDocument open_;
  bool is_open_ = false;
  bool has_failed_ = false;
  // By ordinal: 1 + the group that needs the document, and with which member a representative is done with.
  std::vector<uint8_t> place_;
  std::vector<uint32_t> last_member_;
  // Of members that failed in the sweep before, so that they need not be read again, and of those of this sweep.
  KeptSets kept_;
  KeptSets failed_;
  PairWords fragments_;
  static constexpr uint32_t kNobody = UINT32_MAX;
  // Whose failures are regrouped, and the first of them.
  uint32_t regrouped_ = kNobody;
  uint32_t first_ = kNobody;
  Counts counts_;
};

}  // namespace corpusmill
