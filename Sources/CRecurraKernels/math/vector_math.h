// exp, tanh and sigmoid: one formula for every lane of every instruction set, in gates and in elementwise maps alike.

// A comparison with a NaN is false, so a NaN passes both clamps.
INLINE Vector atMost(Vector x, float bound) { return broadcast(bound) < x ? broadcast(bound) : x; }
INLINE Vector atLeast(Vector x, float bound) { return x < broadcast(bound) ? broadcast(bound) : x; }

INLINE Vector magnitude(Vector x) { return (Vector)((IntVector)x & 0x7fffffff); }
INLINE Vector withSign(Vector x, Vector sign) {
  return (Vector)((IntVector)x | ((IntVector)sign & (int32_t)0x80000000));
}

// Functions take bundles of vectors, stage by stage: one activation is a chain of 80 cycles, and a core's scheduler
// sees too few instructions ahead to overlap chains that come one after the other.
enum { bundle = 4 };

/// x = n ln2 + r by Cody and Waite, |r| <= ln2/2, with a high part of 15 bits, exact without FMA; `biased` is a float
/// whose low bits hold n + 127.
INLINE void reduceExponents(const int count, const Vector *x, Vector *biased, Vector *r) {
  const float magic = 0x1.8000fep23f;
  Vector clamped[bundle], n[bundle];
  EACH(v, 0, count) clamped[v] = atLeast(atMost(x[v], 89.0f), -104.5f);
  EACH(v, 0, count) biased[v] = fma(clamped[v], broadcast(0x1.715476p0f), broadcast(magic));
  EACH(v, 0, count) n[v] = biased[v] - magic;
  EACH(v, 0, count) r[v] = fma(n[v], broadcast(-0x1.62e4p-1f), clamped[v]);
  EACH(v, 0, count) r[v] = fma(n[v], broadcast(-0x1.7f7d1cp-20f), r[v]);
}

/// e^x = 2^n * (1 + fraction), with a polynomial of degree 6 in r, minimax in relative error (0.06 ULP before
/// rounding).
INLINE void exponentials(const int count, Vector *x) {
  Vector fraction[bundle], biased[bundle], r[bundle], p[bundle];
  reduceExponents(count, x, biased, r);
  EACH(v, 0, count) p[v] = fma(broadcast(0x1.6a4154p-10f), r[v], broadcast(0x1.1239c6p-7f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.5558bcp-5f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.555492p-3f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.fffffcp-2f));
  EACH(v, 0, count) p[v] = p[v] * r[v];
  EACH(v, 0, count) fraction[v] = fma(p[v], r[v], r[v]);
  EACH(v, 0, count) {
    // Two factors, because n reaches below the normal exponents and one above them.
    IntVector n = (IntVector)biased[v] - 0x4b400000;
    IntVector half = n >> 1;
    Vector first = (Vector)((half + 64) << 23);
    Vector second = (Vector)((n - half + 63) << 23);
    x[v] = fma(fraction[v], first, first) * second;
  }
}

/// x (sigmoid) or 2|x| (tanh) = 2s + n ln2. Returns 2s (sigmoid) or s (tanh), and 2^-n or 2^n.
INLINE void reduceActivations(
  const int sigmoids, const int count, const float least, const Vector *x, Vector *s, Vector *scale
) {
  const float magic = 0x1.8000fep23f;
  Vector n[bundle];
  EACH(v, 0, sigmoids) s[v] = atLeast(atMost(x[v], 87.0f), least);
  EACH(v, sigmoids, count) s[v] = atMost(magnitude(x[v]), 10.0f);
  EACH(v, 0, sigmoids) n[v] = fma(s[v], broadcast(-0x1.715476p0f), broadcast(magic));
  EACH(v, sigmoids, count) n[v] = fma(s[v] - 0.09f, broadcast(0x1.715476p1f), broadcast(magic));
  EACH(v, 0, count) scale[v] = (Vector)((IntVector)n[v] << 23);
  EACH(v, 0, count) n[v] -= magic;
  EACH(v, 0, sigmoids) s[v] = fma(n[v], broadcast(0x1.62e4p-1f), s[v]);
  EACH(v, 0, sigmoids) s[v] = fma(n[v], broadcast(0x1.7f7d1cp-20f), s[v]);
  // From n = 3 on, where the product is rounded without FMA, so small an error no longer shows.
  EACH(v, sigmoids, count) s[v] = fma(n[v], broadcast(-0x1.62e43p-2f), s[v]);
}

/// t = tanh(s), an odd polynomial (0.07 ULP before rounding); of sigmoids 2t of 2s.
INLINE void smallTangents(const int sigmoids, const int count, const Vector *s, Vector *t) {
  Vector square[bundle];
  EACH(v, 0, count) square[v] = s[v] * s[v];
#define SCALED(coefficient, power) broadcast(v < sigmoids ? coefficient / (1 << power) : coefficient)
  EACH(v, 0, count) t[v] = fma(square[v], SCALED(-0x1.a3add6p-5f, 6), SCALED(0x1.10d978p-3f, 4));
  EACH(v, 0, count) t[v] = fma(square[v], t[v], SCALED(-0x1.555506p-2f, 2));
  EACH(v, 0, count) t[v] = fma(square[v] * s[v], t[v], s[v]);
#undef SCALED
}

/// Sigmoids of the first vectors, tanh of the rest, as fractions. Sigmoids of less than `least` are that of it.
///
///   sigmoid(x) = (1 + t) / (1 + t + 2^-n (1 - t)): relative in both tails, subnormal results may be 0.
///   tanh|x| = p / (p + 2 - 2t), p = (2^n + 1) t + 2^n - 1: t itself where n is 0, and a rounding of p hardly matters
///   where it is large. n turns 1 only at |x| = 0.26, for just below 0.25 the quotient's roundings would add up.
INLINE void fractions(
  const int sigmoids, const int count, const float least, const Vector *x, Vector *top, Vector *bottom
) {
  Vector s[bundle], scale[bundle], t[bundle];
  reduceActivations(sigmoids, count, least, x, s, scale);
  smallTangents(sigmoids, count, s, t);
  EACH(v, 0, sigmoids) top[v] = t[v] + 2.0f;
  EACH(v, 0, sigmoids) bottom[v] = fma(scale[v], 2.0f - t[v], top[v]);
  EACH(v, sigmoids, count) top[v] = fma(scale[v] + 1.0f, t[v], scale[v] - 1.0f);
  EACH(v, sigmoids, count) bottom[v] = top[v] + fma(broadcast(-2.0f), t[v], broadcast(2.0f));
  EACH(v, sigmoids, count) top[v] = withSign(top[v], x[v]);
}

INLINE void activations(const int sigmoids, const int count, Vector *x) {
  Vector top[bundle], bottom[bundle];
  fractions(sigmoids, count, -88.8f, x, top, bottom);
  EACH(v, 0, count) x[v] = top[v] / bottom[v];
}

INLINE void tanhs(const int count, Vector *x) { activations(0, count, x); }
INLINE void sigmoids(const int count, Vector *x) { activations(count, count, x); }

/// The least pre-activation that an LSTM's gate tells from smaller ones: with it the product of two denominators is
/// finite.
enum { leastGate = -60 };

INLINE Vector tanhOne(Vector x) {
  tanhs(1, &x);
  return x;
}

#define MAP(name, function)                                                       \
  static void name(const float *input, float *output, size_t count) {             \
    const ptrdiff_t full = (ptrdiff_t)count / (bundle * WIDTH) * (bundle * WIDTH); \
    Vector x[bundle];                                                             \
    for (ptrdiff_t index = 0; index < full; index += bundle * WIDTH) {            \
      EACH(v, 0, bundle) x[v] = load(input + index + v * WIDTH);                  \
      function(bundle, x);                                                        \
      EACH(v, 0, bundle) store(output + index + v * WIDTH, x[v]);                 \
    }                                                                             \
    for (ptrdiff_t index = full; index < (ptrdiff_t)count; index += WIDTH) {      \
      const ptrdiff_t lanes = smaller(WIDTH, (ptrdiff_t)count - index);           \
      x[0] = loadLanes(input + index, lanes);                                     \
      function(1, x);                                                             \
      storeLanes(output + index, x[0], lanes);                                    \
    }                                                                             \
  }

MAP(mapExp, exponentials)
MAP(mapTanh, tanhs)
MAP(mapSigmoid, sigmoids)
