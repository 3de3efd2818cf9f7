// JavaScript's door to components.cc.

#include <napi.h>

#include <memory>

#include "arguments.h"
#include "components.h"

namespace {

using corpusmill::Arguments;
using corpusmill::Components;
using corpusmill::UnionFind;

constexpr double kMostGroups = 256;

class ComponentsWrap : public Napi::ObjectWrap<ComponentsWrap> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Components",
                       {InstanceMethod<&ComponentsWrap::Join>("join"), InstanceMethod<&ComponentsWrap::Group>("group")});
  }

  // new Components(parents)
  explicit ComponentsWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ComponentsWrap>(info) {
    Arguments arguments(info, "Components");
    uint32_t* const parents = arguments.array<uint32_t>(napi_uint32_array, 0, &rows_);
    if (!arguments.ok()) return;
    if (!corpusmill::is_union_find(parents, rows_)) {
      arguments.fail("has a parent above its child");
      return;
    }
    parents_ = Napi::Persistent(info[0].As<Napi::Object>());
    components_ = std::make_unique<Components>(UnionFind(parents), rows_);
  }

 private:
  // join(pairs): void
  Napi::Value Join(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "join");
    size_t count = 0;
    const uint32_t* const pairs = pairs_of(arguments, &count);
    if (arguments.ok()) components_->join(pairs, count);
    return info.Env().Undefined();
  }

  // group(pairs, groups, grouped, ends): void
  Napi::Value Group(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "group");
    size_t count = 0;
    const uint32_t* const pairs = pairs_of(arguments, &count);
    const size_t groups = arguments.integer(kMostGroups);
    if (arguments.ok() && groups == 0) arguments.fail("must be 1 or more");
    uint32_t* const grouped = arguments.own_array<uint32_t>(napi_uint32_array, 2 * count);
    uint32_t* const ends = arguments.own_array<uint32_t>(napi_uint32_array, groups);
    if (arguments.ok()) components_->group(pairs, count, groups, grouped, ends);
    return info.Env().Undefined();
  }

  const uint32_t* pairs_of(Arguments& arguments, size_t* count) const {
    size_t words = 0;
    const uint32_t* const pairs = arguments.own_array<uint32_t>(napi_uint32_array, 0, &words);
    *count = words / 2;
    if (!arguments.ok()) return nullptr;
    for (size_t i = 0; i < 2 * *count; i++) {
      if (pairs[i] >= rows_) return arguments.fail<uint32_t>("has an ordinal of no document");
    }
    return pairs;
  }

  std::unique_ptr<Components> components_;
  size_t rows_ = 0;
  Napi::ObjectReference parents_;
};

}  // namespace

void RegisterComponents(Napi::Env env, Napi::Object exports) {
  exports.Set("Components", ComponentsWrap::define(env));
}
