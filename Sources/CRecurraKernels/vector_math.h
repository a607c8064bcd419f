// exp, tanh and sigmoid: one formula for every lane of every instruction set, in gates and in elementwise maps alike.

// A comparison with a NaN is false, so a NaN passes both clamps.
INLINE Vector atMost(Vector x, float bound) { return broadcast(bound) < x ? broadcast(bound) : x; }
INLINE Vector atLeast(Vector x, float bound) { return x < broadcast(bound) ? broadcast(bound) : x; }

INLINE Vector magnitude(Vector x) { return (Vector)((IntVector)x & 0x7fffffff); }
INLINE Vector withSign(Vector x, Vector sign) { return (Vector)((IntVector)x | ((IntVector)sign & (int32_t)0x80000000)); }

/// e^x = 2^n * (1 + fraction): returns the fraction and, in `biased`, a float whose low bits hold n + 127.
///
/// Cody-Waite reduction to |r| <= ln2/2 with a high part of 15 bits, exact without FMA; polynomial of degree 6,
/// minimax in relative error (0.06 ULP before rounding).
INLINE Vector exponentFraction(Vector x, Vector *biased) {
  const float magic = 0x1.8000fep23f;
  *biased = fma(x, broadcast(0x1.715476p0f), broadcast(magic));
  Vector n = *biased - magic;
  Vector r = fma(n, broadcast(-0x1.62e4p-1f), x);
  r = fma(n, broadcast(-0x1.7f7d1cp-20f), r);
  Vector p = fma(broadcast(0x1.6a4154p-10f), r, broadcast(0x1.1239c6p-7f));
  p = fma(p, r, broadcast(0x1.5558bcp-5f));
  p = fma(p, r, broadcast(0x1.555492p-3f));
  p = fma(p, r, broadcast(0x1.fffffcp-2f));
  return fma(p, r * r, r);
}

/// 1 + e^x for x that keeps 2^n normal or Inf: -87 <= x <= 88.8.
INLINE Vector onePlusExp(Vector x) {
  Vector biased;
  Vector fraction = exponentFraction(x, &biased);
  Vector scale = (Vector)((IntVector)biased << 23);
  return fma(fraction, scale, scale) + 1.0f;
}

INLINE Vector expVector(Vector x) {
  Vector biased;
  Vector fraction = exponentFraction(atLeast(atMost(x, 89.0f), -104.5f), &biased);
  // Two factors, because n reaches below the normal exponents and one above them.
  IntVector n = (IntVector)biased - 0x4b400000;
  IntVector half = n >> 1;
  Vector first = (Vector)((half + 64) << 23);
  Vector second = (Vector)((n - half + 63) << 23);
  return fma(fraction, first, first) * second;
}

/// 1 / (1 + e^-x): relative in both tails; subnormal results may be 0.
INLINE Vector sigmoidVector(Vector x) { return 1.0f / onePlusExp(atLeast(atMost(-x, 88.8f), -87.0f)); }

/// x + x^3*P(x^2) below 0.6, 1 - 2/(1 + e^2x) above.
INLINE Vector tanhVector(Vector x) {
  Vector a = magnitude(x);
  Vector square = a * a;
  Vector p = fma(broadcast(-0x1.828776p-8f), square, broadcast(0x1.54c3c2p-6f));
  p = fma(p, square, broadcast(-0x1.b89abap-5f));
  p = fma(p, square, broadcast(0x1.1109bep-3f));
  p = fma(p, square, broadcast(-0x1.55553ep-2f));
  Vector small = fma(p, square * a, a);
  Vector clamped = atMost(a, 10.0f);
  Vector large = 1.0f - 2.0f / onePlusExp(clamped + clamped);
  return withSign(a < 0.6f ? small : large, x);
}

#define MAP(name, function)                                                       \
  static void name(const float *input, float *output, size_t count) {             \
    size_t index = 0;                                                             \
    for (; index + WIDTH <= count; index += WIDTH)                                \
      store(output + index, function(load(input + index)));                       \
    if (index < count)                                                            \
      storePartial(output + index, function(loadPartial(input + index, (ptrdiff_t)(count - index))), \
                   (ptrdiff_t)(count - index));                                   \
  }

MAP(mapExp, expVector)
MAP(mapTanh, tanhVector)
MAP(mapSigmoid, sigmoidVector)
