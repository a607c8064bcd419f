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
#define EACH(v, begin, end) _Pragma("clang loop unroll(full)") for (int v = begin; v < (end); v++)

/// e^x = 2^n * (1 + fraction): the fraction and, in `biased`, a float whose low bits hold n + 127.
///
/// Cody-Waite reduction to |r| <= ln2/2 with a high part of 15 bits, exact without FMA; polynomial of degree 6,
/// minimax in relative error (0.06 ULP before rounding).
INLINE void exponentFractions(const int count, const Vector *x, Vector *fraction, Vector *biased) {
  const float magic = 0x1.8000fep23f;
  Vector r[bundle], p[bundle];
  EACH(v, 0, count) biased[v] = fma(x[v], broadcast(0x1.715476p0f), broadcast(magic));
  EACH(v, 0, count) p[v] = biased[v] - magic;
  EACH(v, 0, count) r[v] = fma(p[v], broadcast(-0x1.62e4p-1f), x[v]);
  EACH(v, 0, count) r[v] = fma(p[v], broadcast(-0x1.7f7d1cp-20f), r[v]);
  EACH(v, 0, count) p[v] = fma(broadcast(0x1.6a4154p-10f), r[v], broadcast(0x1.1239c6p-7f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.5558bcp-5f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.555492p-3f));
  EACH(v, 0, count) p[v] = fma(p[v], r[v], broadcast(0x1.fffffcp-2f));
  EACH(v, 0, count) p[v] = p[v] * r[v];
  EACH(v, 0, count) fraction[v] = fma(p[v], r[v], r[v]);
}

/// e^x.
INLINE void exponentials(const int count, Vector *x) {
  Vector fraction[bundle], biased[bundle];
  EACH(v, 0, count) x[v] = atLeast(atMost(x[v], 89.0f), -104.5f);
  exponentFractions(count, x, fraction, biased);
  EACH(v, 0, count) {
    // Two factors, because n reaches below the normal exponents and one above them.
    IntVector n = (IntVector)biased[v] - 0x4b400000;
    IntVector half = n >> 1;
    Vector first = (Vector)((half + 64) << 23);
    Vector second = (Vector)((n - half + 63) << 23);
    x[v] = fma(fraction[v], first, first) * second;
  }
}

/// Sigmoids of the first vectors, tanh of the rest.
///
/// sigmoid(x) = 1/(1 + e^-x): relative in both tails, subnormal results may be 0.
/// tanh(x) = x + x^3*P(x^2) below 0.6, 1 - 2/(1 + e^2x) above.
INLINE void activations(const int sigmoids, const int count, Vector *x) {
  Vector e[bundle], fraction[bundle], biased[bundle], a[bundle], p[bundle];
  EACH(v, 0, sigmoids) e[v] = atLeast(atMost(-x[v], 88.8f), -87.0f);
  EACH(v, sigmoids, count) {
    a[v] = magnitude(x[v]);
    e[v] = atMost(a[v] + a[v], 20.0f);
  }
  exponentFractions(count, e, fraction, biased);
  // Multiplied out, because 2^n may be Inf and the fraction negative.
  EACH(v, 0, count) e[v] = fma(fraction[v] + 1.0f, (Vector)((IntVector)biased[v] << 23), broadcast(1.0f));
  EACH(v, 0, sigmoids) x[v] = 1.0f / e[v];
  EACH(v, sigmoids, count) e[v] = 2.0f / e[v];
  EACH(v, sigmoids, count) fraction[v] = a[v] * a[v];
  EACH(v, sigmoids, count) p[v] = fma(broadcast(-0x1.828776p-8f), fraction[v], broadcast(0x1.54c3c2p-6f));
  EACH(v, sigmoids, count) p[v] = fma(p[v], fraction[v], broadcast(-0x1.b89abap-5f));
  EACH(v, sigmoids, count) p[v] = fma(p[v], fraction[v], broadcast(0x1.1109bep-3f));
  EACH(v, sigmoids, count) p[v] = fma(p[v], fraction[v], broadcast(-0x1.55553ep-2f));
  EACH(v, sigmoids, count) p[v] = fma(p[v], fraction[v] * a[v], a[v]);
  EACH(v, sigmoids, count) x[v] = withSign(a[v] < 0.6f ? p[v] : 1.0f - e[v], x[v]);
}

INLINE void tanhs(const int count, Vector *x) { activations(0, count, x); }
INLINE void sigmoids(const int count, Vector *x) { activations(count, count, x); }

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
