// Entry-by-entry kernels for one instruction set: see elementwise_kernels.h.
//
// The functions are computed so that their relative error stays small where results are small: the normal distribution by
// erfc, log(1 + e) by Higham's correction, slopes of saturated functions by e^-|x| and never by 1 - (almost 1)².
// At training shapes all of these are bound by memory: that is why each is one pass.
namespace corpusmill::tensor::CORPUSMILL_ISA {

CORPUSMILL_INLINE static Mask is_number(Vec x) { return at_most(x, x); }
CORPUSMILL_INLINE static Vec minus(Vec x) { return sub(zero(), x); }
CORPUSMILL_INLINE static Vec one() { return broadcast(1.0f); }

// The natural logarithm of any x: of 0 minus infinity, below it not a number, subnormals too.
CORPUSMILL_INLINE static Vec log_of_any(Vec x) {
  const Mask subnormal = less(x, broadcast(1.17549435e-38f));
  Vec y = log(choose(subnormal, mul(x, broadcast(33554432.0f)), x));
  y = add(y, choose(subnormal, broadcast(-17.3286795f), zero()));
  const Vec infinity = broadcast(__builtin_inff());
  y = choose(less(x, infinity), y, infinity);
  y = choose(at_most(x, zero()), choose(less(x, zero()), broadcast(__builtin_nanf("")), minus(infinity)), y);
  return choose(is_number(x), y, x);
}

// log(1 + e) for e in [0, 1]: what 1 + e lost in rounding is put back by the factor (Higham, Accuracy and Stability, 1.14.1).
CORPUSMILL_INLINE static Vec log1p(Vec e) {
  const Vec u = add(one(), e), d = sub(u, one());
  const Vec y = mul(log(u), divide(e, choose(less(zero(), d), d, one())));
  return choose(less(zero(), d), y, e);
}

// Φ(x), the normal distribution, from erfc(z)·e^(z²) = t·P(t), t = 1 / (1 + 0.35 z): our fit, relative error 6.6e-9 in exact arithmetic.
CORPUSMILL_INLINE static Vec normal_distribution(Vec x) {
  const Vec z = mul(absolute(x), broadcast(0.707106781f));
  const Vec t = divide(one(), fma(z, broadcast(0.35f), one()));
  Vec p = fma(broadcast(0.0376077933952f), t, broadcast(-0.154469511339f));
  p = fma(p, t, broadcast(0.170571179518f));
  p = fma(p, t, broadcast(-0.0125613342585f));
  p = fma(p, t, broadcast(0.0738257602454f));
  p = fma(p, t, broadcast(0.1534958855f));
  p = fma(p, t, broadcast(0.148459573078f));
  p = fma(p, t, broadcast(0.188524201072f));
  p = fma(p, t, broadcast(0.197058242226f));
  p = fma(p, t, broadcast(0.197488217158f));
  const Vec half = mul(mul(broadcast(0.5f), mul(t, p)), exp(mul(mul(x, x), broadcast(-0.5f))));
  return choose(less(x, zero()), half, sub(one(), half));
}

// √(2/π)·(x + 0.044715 x³), doubled: GPT-2's gelu is x·sigmoid of it.
CORPUSMILL_INLINE static Vec gelu_tanh_argument(Vec x) {
  return mul(x, fma(mul(x, x), broadcast(0.0713548162726f), broadcast(1.59576912161f)));
}

// sigmoid(x)·sigmoid(-x).
CORPUSMILL_INLINE static Vec sigmoid_slope(Vec x) {
  const Vec e = exp(minus(absolute(x))), u = add(one(), e);
  return divide(e, mul(u, u));
}

// `f` of x and `slope`, its derivative.
struct Negate {
  CORPUSMILL_INLINE static Vec f(Vec x) { return mul(x, broadcast(-1.0f)); }
  CORPUSMILL_INLINE static Vec slope(Vec) { return broadcast(-1.0f); }
};
struct Exp {
  CORPUSMILL_INLINE static Vec f(Vec x) { return exp(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return exp(x); }
};
struct Log {
  CORPUSMILL_INLINE static Vec f(Vec x) { return log_of_any(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return divide(one(), x); }
};
struct Square {
  CORPUSMILL_INLINE static Vec f(Vec x) { return mul(x, x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return add(x, x); }
};
struct Sqrt {
  CORPUSMILL_INLINE static Vec f(Vec x) { return square_root(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return divide(broadcast(0.5f), square_root(x)); }
};
struct Reciprocal {
  CORPUSMILL_INLINE static Vec f(Vec x) { return divide(one(), x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return divide(broadcast(-1.0f), mul(x, x)); }
};
struct Sigmoid {
  CORPUSMILL_INLINE static Vec f(Vec x) { return sigmoid(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return sigmoid_slope(x); }
};
struct LogSigmoid {
  CORPUSMILL_INLINE static Vec f(Vec x) { return sub(minimum(zero(), x), log1p(exp(minus(absolute(x))))); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return sigmoid(minus(x)); }
};
struct Tanh {
  CORPUSMILL_INLINE static Vec f(Vec x) { return tanh(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return mul(broadcast(4.0f), sigmoid_slope(add(x, x))); }
};
struct Silu {
  CORPUSMILL_INLINE static Vec f(Vec x) { return divide(x, add(one(), exp(minus(x)))); }
  CORPUSMILL_INLINE static Vec slope(Vec x) {
    const Vec s = sigmoid(x);
    return mul(s, fma(x, sub(one(), s), one()));
  }
};
struct Gelu {
  CORPUSMILL_INLINE static Vec f(Vec x) { return mul(x, normal_distribution(x)); }
  CORPUSMILL_INLINE static Vec slope(Vec x) {
    const Vec density = mul(broadcast(0.398942280401f), exp(mul(mul(x, x), broadcast(-0.5f))));
    return fma(x, density, normal_distribution(x));
  }
};
struct GeluTanh {
  CORPUSMILL_INLINE static Vec f(Vec x) { return divide(x, add(one(), exp(minus(gelu_tanh_argument(x))))); }
  CORPUSMILL_INLINE static Vec slope(Vec x) {
    const Vec u = gelu_tanh_argument(x);
    const Vec du = fma(mul(x, x), broadcast(0.214064448818f), broadcast(1.59576912161f));
    return fma(mul(x, du), sigmoid_slope(u), sigmoid(u));
  }
};
struct Relu {
  CORPUSMILL_INLINE static Vec f(Vec x) { return maximum(zero(), x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return choose(less(zero(), x), one(), zero()); }
};
struct Relu2 {
  CORPUSMILL_INLINE static Vec f(Vec x) {
    const Vec y = maximum(zero(), x);
    return mul(y, y);
  }
  CORPUSMILL_INLINE static Vec slope(Vec x) { return choose(less(zero(), x), add(x, x), zero()); }
};
struct Abs {
  CORPUSMILL_INLINE static Vec f(Vec x) { return absolute(x); }
  CORPUSMILL_INLINE static Vec slope(Vec x) {
    return choose(less(zero(), x), one(), choose(less(x, zero()), broadcast(-1.0f), zero()));
  }
};

struct Add {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return add(a, b); }
};
struct Subtract {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return sub(a, b); }
};
struct Multiply {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return mul(a, b); }
};
struct Divide {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return divide(a, b); }
};
// What is not a number stays so on either side.
struct Minimum {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return choose(is_number(a), minimum(a, b), a); }
};
struct Maximum {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return choose(is_number(a), maximum(a, b), a); }
};
struct Less {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return choose(less(a, b), one(), zero()); }
};
struct Equal {
  CORPUSMILL_INLINE static Vec f(Vec a, Vec b) { return choose(both(at_most(a, b), at_most(b, a)), one(), zero()); }
};

template <typename F>
static void unary_map(const float* x, size_t count, float* y) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, F::f(load(x + i)));
  if (i < count) store_first(y + i, F::f(load_first(x + i, count - i)), count - i);
}

template <typename F>
static void unary_grad_map(const float* dy, const float* x, size_t count, float* dx) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(dx + i, mul(load(dy + i), F::slope(load(x + i))));
  if (i == count) return;
  const size_t n = count - i;
  store_first(dx + i, mul(load_first(dy + i, n), F::slope(load_first(x + i, n))), n);
}

template <typename F>
static void binary_map(const float* a, const float* b, size_t count, float* out) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, F::f(load(a + i), load(b + i)));
  if (i < count) store_first(out + i, F::f(load_first(a + i, count - i), load_first(b + i, count - i)), count - i);
}

template <typename F>
static void binary_number_map(const float* a, float b, size_t count, float* out) {
  const Vec number = broadcast(b);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, F::f(load(a + i), number));
  if (i < count) store_first(out + i, F::f(load_first(a + i, count - i), number), count - i);
}

static void affine_map(const float* x, float scale, float shift, size_t count, float* y) {
  const Vec factor = broadcast(scale), summand = broadcast(shift);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, fma(load(x + i), factor, summand));
  if (i < count) store_first(y + i, fma(load_first(x + i, count - i), factor, summand), count - i);
}

static void clamp_map(const float* x, float low, float high, size_t count, float* y) {
  const Vec least = broadcast(low), most = broadcast(high);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, minimum(most, maximum(least, load(x + i))));
  if (i < count) store_first(y + i, minimum(most, maximum(least, load_first(x + i, count - i))), count - i);
}

static void clamp_grad_map(const float* dy, const float* x, float low, float high, size_t count, float* dx) {
  const Vec least = broadcast(low), most = broadcast(high);
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec at = load(x + i);
    store(dx + i, choose(both(at_most(least, at), at_most(at, most)), load(dy + i), zero()));
  }
  if (i == count) return;
  const Vec at = load_first(x + i, count - i);
  const Mask within = both(at_most(least, at), at_most(at, most));
  store_first(dx + i, choose(within, load_first(dy + i, count - i), zero()), count - i);
}

static void select_map(const float* condition, const float* a, const float* b, size_t count, float* out) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const Vec c = load(condition + i);
    store(out + i, choose(both(at_most(c, zero()), at_most(zero(), c)), load(b + i), load(a + i)));
  }
  for (; i < count; i++) out[i] = condition[i] != 0 ? a[i] : b[i];
}

static void swiglu_map(const float* gate, const float* up, size_t count, float* y) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, mul(Silu::f(load(gate + i)), load(up + i)));
  if (i == count) return;
  const size_t n = count - i;
  store_first(y + i, mul(Silu::f(load_first(gate + i, n)), load_first(up + i, n)), n);
}

CORPUSMILL_INLINE static void swiglu_slopes(Vec dy, Vec gate, Vec up, Vec& dgate, Vec& dup) {
  const Vec s = sigmoid(gate), y = mul(gate, s);
  dup = mul(dy, y);
  // silu' = s + y·(1 - s).
  dgate = mul(mul(dy, up), fma(y, sub(one(), s), s));
}

static void swiglu_grad_map(const float* dy, const float* gate, const float* up, size_t count, float* dgate, float* dup) {
  Vec g, u;
  g = u = zero();
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    swiglu_slopes(load(dy + i), load(gate + i), load(up + i), g, u);
    store(dgate + i, g);
    store(dup + i, u);
  }
  if (i == count) return;
  const size_t n = count - i;
  swiglu_slopes(load_first(dy + i, n), load_first(gate + i, n), load_first(up + i, n), g, u);
  store_first(dgate + i, g, n);
  store_first(dup + i, u, n);
}

// The next two are loops for the compiler's own vectors. Adding 0x7fff plus the lowest kept bit rounds to nearest, ties to even.
static void round_bf16(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    const uint32_t kept = (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x00400000u : rounded;
    const uint32_t high = kept & 0xffff0000u;
    memcpy(y + i, &high, sizeof high);
  }
}

static void round_f16(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const uint32_t sign = bits & 0x80000000u, size = bits & 0x7fffffffu;
    uint32_t normal = (size + 0xfffu + ((size >> 13) & 1u)) & 0xffffe000u;
    normal = normal > 0x477fe000u ? 0x7f800000u : normal;
    // Below 2^-14 the steps of float16 are 2^-24, which are those of float32 from 0.5 to 1.
    float small;
    memcpy(&small, &size, sizeof small);
    small = (small + 0.75f) - 0.75f;
    uint32_t small_bits;
    memcpy(&small_bits, &small, sizeof small_bits);
    uint32_t kept = size < 0x38800000u ? small_bits : normal;
    kept = size > 0x7f800000u ? (size | 0x00400000u) & 0xffffe000u : kept;
    kept |= sign;
    memcpy(y + i, &kept, sizeof kept);
  }
}

static void fill_map(float value, size_t count, float* y) {
  for (size_t i = 0; i < count; i++) y[i] = value;
}

constexpr ElementwiseKernels kElementwiseKernels{
    {unary_map<Negate>, unary_map<Exp>, unary_map<Log>, unary_map<Square>, unary_map<Sqrt>, unary_map<Reciprocal>,
     unary_map<Sigmoid>, unary_map<LogSigmoid>, unary_map<Tanh>, unary_map<Silu>, unary_map<Gelu>, unary_map<GeluTanh>,
     unary_map<Relu>, unary_map<Relu2>, unary_map<Abs>},
    {unary_grad_map<Negate>, unary_grad_map<Exp>, unary_grad_map<Log>, unary_grad_map<Square>, unary_grad_map<Sqrt>,
     unary_grad_map<Reciprocal>, unary_grad_map<Sigmoid>, unary_grad_map<LogSigmoid>, unary_grad_map<Tanh>,
     unary_grad_map<Silu>, unary_grad_map<Gelu>, unary_grad_map<GeluTanh>, unary_grad_map<Relu>, unary_grad_map<Relu2>,
     unary_grad_map<Abs>},
    {binary_map<Add>, binary_map<Subtract>, binary_map<Multiply>, binary_map<Divide>, binary_map<Minimum>,
     binary_map<Maximum>, binary_map<Less>, binary_map<Equal>},
    {binary_number_map<Add>, binary_number_map<Subtract>, binary_number_map<Multiply>, binary_number_map<Divide>,
     binary_number_map<Minimum>, binary_number_map<Maximum>, binary_number_map<Less>, binary_number_map<Equal>},
    affine_map, clamp_map, clamp_grad_map, select_map, swiglu_map, swiglu_grad_map, {round_bf16, round_f16}, fill_map};

}  // namespace corpusmill::tensor::CORPUSMILL_ISA
