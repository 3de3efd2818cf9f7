#include "pair_sweep.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace corpusmill {
namespace {

void add(PairWords& words, uint32_t major, uint32_t minor) {
  words.push_back(minor);
  words.push_back(major);
}

size_t bin_of(double similarity) {
  const auto bin = static_cast<size_t>(std::floor(similarity * PairSweep::kBins + 1e-9));
  return std::min(bin, PairSweep::kBins - 1);
}

}  // namespace

PairSweep::PairSweep(const likeness::Rule& rule, Limits limits, size_t groups, uint32_t* parents, uint32_t* sizes,
                     size_t rows)
    : limits_(limits),
      sets_(parents),
      sizes_(sizes),
      is_jaccard_(rule.is_jaccard),
      open_(rule),
      place_(rows),
      last_member_(rows) {
  groups_.reserve(groups);
  for (size_t i = 0; i < groups; i++) groups_.emplace_back(limits.held_values);
}

void PairSweep::begin() {
  std::fill(place_.begin(), place_.end(), uint8_t{0});
  std::fill(last_member_.begin(), last_member_.end(), 0u);
  for (Group& group : groups_) {
    group.held.clear();
    group.pairs.clear();
    group.at = 0;
  }
  std::swap(kept_, failed_);
  kept_.at = 0;
  failed_.order.clear();
  failed_.end = 0;
}

void PairSweep::note(size_t group, const uint32_t* pairs, size_t count) {
  const auto place = static_cast<uint8_t>(group + 1);
  for (size_t i = 0; i < count; i++) {
    const uint32_t representative = pairs[2 * i], member = pairs[2 * i + 1];
    // Joined meanwhile by other pairs: the answer is known.
    if (sets_.find(member) == sets_.find(representative)) continue;
    place_[member] = place_[representative] = place;
    last_member_[representative] = member;
  }
}

void PairSweep::give(size_t group, const uint32_t* pairs, size_t count) {
  PairWords& words = groups_[group].pairs;
  size_t& at = groups_[group].at;
  words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(at));
  at = 0;
  words.insert(words.end(), pairs, pairs + 2 * count);
}

PairSweep::Need PairSweep::need(size_t first, size_t rows) const {
  Need need = Need::kNothing;
  size_t kept = kept_.at;
  for (size_t ordinal = first; ordinal < first + rows; ordinal++) {
    if (place_[ordinal] == 0) continue;
    need = Need::kKeptSets;
    while (kept < kept_.order.size() && kept_.order[kept].ordinal < ordinal) kept++;
    if (kept == kept_.order.size() || kept_.order[kept].ordinal != ordinal) return Need::kTexts;
  }
  return need;
}

PairSweep::Visited PairSweep::visit(const Part& part, size_t* row) {
  for (; *row < part.rows; ++*row) {
    const uint8_t place = place_[part.first + *row];
    if (place == 0) continue;
    const Visited visited = visit_document(part, *row, groups_[place - 1]);
    if (visited != Visited::kAll) return visited;
  }
  return Visited::kAll;
}

// Compares a document with the representatives it is a candidate of, and holds it for its own members. The document is
// opened when it is first asked for; where that fails nothing is lost: the next visit goes on with the same pair.
PairSweep::Visited PairSweep::visit_document(const Part& part, size_t row, Group& group) {
  const auto ordinal = static_cast<uint32_t>(part.first + row);
  const PairWords& pairs = group.pairs;
  is_open_ = has_failed_ = false;
  while (group.at < pairs.size() && pairs[group.at + 1] < ordinal) group.at += 2;
  for (; group.at < pairs.size() && pairs[group.at + 1] == ordinal; group.at += 2) {
    const uint32_t representative = pairs[group.at];
    const StoredSet* const held = group.held.find(representative);
    if (sets_.find(ordinal) != sets_.find(representative)) {
      if (held == nullptr) {
        add(group.waiting, ordinal, representative);
      } else {
        const Visited opened = open(part, row);
        if (opened != Visited::kAll) return opened;
        const Visited compared = compare(group, ordinal, representative, *held);
        if (compared != Visited::kAll) return compared;
      }
    }
    if (held != nullptr && last_member_[representative] == ordinal) group.held.release(held);
  }
  if (last_member_[ordinal] > ordinal && (group.held.sets() == 0 || group.held.values() <= limits_.held_values)) {
    const Visited opened = open(part, row);
    if (opened != Visited::kAll) return opened;
    const likeness::Held* const sets = open_.sets();
    if (sets == nullptr) return Visited::kNoMemory;
    const size_t size = sets->shingle_count + sets->token_count;
    if (group.held.sets() == 0 || group.held.values() + size <= limits_.held_values) {
      if (!group.held.put(ordinal, *sets)) return Visited::kNoMemory;
    }
  }
  return !has_failed_ || keep(ordinal) ? Visited::kAll : Visited::kNoMemory;
}

// Joins the open document with a held one, or notes why not.
PairSweep::Visited PairSweep::compare(Group& group, uint32_t ordinal, uint32_t representative, const StoredSet& held) {
  likeness::Relation relation;
  if (!open_.compare(group.held.values_of(held), &relation)) return Visited::kNoMemory;
  counts_.checked++;
  // A fragment goes with its container: accepted.
  auto& bins = relation == likeness::Relation::kApart ? counts_.rejected_bins : counts_.accepted_bins;
  bins[bin_of(open_.similarity())]++;
  if (relation == likeness::Relation::kAlike) {
    sets_.join(representative, ordinal);
    return Visited::kAll;
  }
  if (relation == likeness::Relation::kApart) counts_.rejected++;
  if (relation == likeness::Relation::kFragmentOfHeld) {
    sizes_[representative] = static_cast<uint32_t>(held.size());
    add(fragments_, ordinal, representative);
  }
  if (relation == likeness::Relation::kFragmentOfOpen) {
    const likeness::Held* const sets = open_.sets();
    if (sets == nullptr) return Visited::kNoMemory;
    sizes_[ordinal] = static_cast<uint32_t>(sets->shingle_count + sets->token_count);
    add(fragments_, representative, ordinal);
  }
  add(group.failures, representative, ordinal);
  has_failed_ = true;
  return Visited::kAll;
}

PairSweep::Visited PairSweep::open(const Part& part, size_t row) {
  if (is_open_) return Visited::kAll;
  likeness::Opened opened;
  if (const StoredSet* const kept = kept_of(static_cast<uint32_t>(part.first + row))) {
    opened = open_.reopen(kept->in(kept_.store));
  } else if (part.offsets == nullptr) {
    return Visited::kNoText;
  } else {
    const auto start = static_cast<size_t>(part.offsets[row]), end = static_cast<size_t>(part.offsets[row + 1]);
    opened = open_.open(part.bytes + start, end - start);
  }
  is_open_ = opened == likeness::Opened::kYes;
  if (is_open_) return Visited::kAll;
  return opened == likeness::Opened::kUnknownCharacter ? Visited::kUnknownCharacter : Visited::kNoMemory;
}

const StoredSet* PairSweep::kept_of(uint32_t ordinal) {
  while (kept_.at < kept_.order.size() && kept_.order[kept_.at].ordinal < ordinal) kept_.at++;
  if (kept_.at == kept_.order.size() || kept_.order[kept_.at].ordinal != ordinal) return nullptr;
  return &kept_.order[kept_.at];
}

// Keeps the open document for the next sweep, where there is room. False when there is no memory.
bool PairSweep::keep(uint32_t ordinal) {
  const likeness::Held* const sets = open_.sets();
  if (sets == nullptr) return false;
  const StoredSet kept{ordinal, static_cast<uint32_t>(sets->shingle_count), static_cast<uint32_t>(sets->token_count),
                       failed_.end};
  if (kept.size() > limits_.kept_values - failed_.end) return true;
  if (!failed_.store.reserve(limits_.kept_values, failed_.end)) return false;
  uint32_t* const to = failed_.store.data() + kept.start;
  if (kept.shingles > 0) std::memcpy(to, sets->shingles, kept.shingles * sizeof(uint32_t));
  if (kept.tokens > 0) std::memcpy(to + kept.shingles, sets->tokens, kept.tokens * sizeof(uint32_t));
  failed_.end += kept.size();
  failed_.order.push_back(kept);
  return true;
}

void PairSweep::begin_regrouping() {
  regrouped_ = kNobody;
  first_ = kNobody;
}

void PairSweep::regroup(const uint32_t* pairs, size_t count, PairWords* regrouped) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t member = pairs[2 * i], representative = pairs[2 * i + 1];
    if (representative != regrouped_) {
      regrouped_ = representative;
      first_ = kNobody;
    }
    if (sets_.find(member) == sets_.find(representative)) continue;
    if (first_ == kNobody) first_ = member;
    else if (sets_.find(first_) != sets_.find(member)) add(*regrouped, member, first_);
  }
}

}  // namespace corpusmill
