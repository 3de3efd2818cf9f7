// A table that folds texts among the arguments of a call from JavaScript.
#pragma once

#include <napi.h>

#include "arguments.h"
#include "fold_table.h"

namespace corpusmill {

// Two arguments: entries, expansions.
inline FoldTable read_fold_table(Arguments& arguments) {
  FoldTable table;
  table.entries = arguments.own_array<int32_t>(napi_int32_array, kFoldUnits);
  table.expansions = arguments.own_array<uint16_t>(napi_uint16_array, 0, &table.expansion_units);
  return table;
}

}  // namespace corpusmill
