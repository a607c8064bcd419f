// A register of RECURRA_WIDTH floats and what every body does with it.
// The including isa_*.c defines RECURRA_WIDTH, RECURRA_REGISTERS and RECURRA_FMA, and what else it has:
// RECURRA_MASK_AVX512 or RECURRA_MASK_AVX2.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Constants among the parameters make a body of its own of each call, which takes inlining. Where the compiler does not
// optimise, that would put the variables of all of them into one frame of megabytes; functions are called there.
#ifdef __OPTIMIZE__
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif
#define WIDTH RECURRA_WIDTH

/// A loop whose bounds are known once it is inlined, so that what it counts are registers.
#define EACH(v, begin, end) _Pragma("clang loop unroll(full)") for (int v = begin; v < (end); v++)

typedef float Vector __attribute__((ext_vector_type(WIDTH)));
typedef float UnalignedVector __attribute__((ext_vector_type(WIDTH), aligned(4)));
typedef int32_t IntVector __attribute__((ext_vector_type(WIDTH)));

INLINE Vector broadcast(float value) { return (Vector)value; }

INLINE Vector load(const float *from) { return *(const UnalignedVector *)from; }

INLINE void store(float *to, Vector value) { *(UnalignedVector *)to = value; }

/// a*b + c; rounded once where the instruction set can.
INLINE Vector fma(Vector a, Vector b, Vector c) {
#if RECURRA_FMA
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

#if defined(RECURRA_MASK_AVX512)

INLINE __mmask16 lanesMask(ptrdiff_t lanes) { return (__mmask16)((1u << lanes) - 1); }

INLINE Vector loadPartial(const float *from, ptrdiff_t lanes) {
  return (Vector)_mm512_maskz_loadu_ps(lanesMask(lanes), from);
}

INLINE void storePartial(float *to, Vector value, ptrdiff_t lanes) {
  _mm512_mask_storeu_ps(to, lanesMask(lanes), (__m512)value);
}

#elif defined(RECURRA_MASK_AVX2)

INLINE __m256i lanesMask(ptrdiff_t lanes) {
  static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(window + 8 - lanes));
}

INLINE Vector loadPartial(const float *from, ptrdiff_t lanes) {
  return (Vector)_mm256_maskload_ps(from, lanesMask(lanes));
}

/// In pieces: a masked store is microcode on AMD.
INLINE void storePartial(float *to, Vector value, ptrdiff_t lanes) {
  __m128 rest = _mm256_castps256_ps128((__m256)value);
  if (lanes & 4) {
    _mm_storeu_ps(to, rest);
    to += 4;
    rest = _mm256_extractf128_ps((__m256)value, 1);
  }
  if (lanes & 2) {
    _mm_storel_pi((__m64 *)to, rest);
    to += 2;
    rest = _mm_movehl_ps(rest, rest);
  }
  if (lanes & 1) _mm_store_ss(to, rest);
}

#else

INLINE Vector loadPartial(const float *from, ptrdiff_t lanes) {
  Vector value = broadcast(0);
  EACH(lane, 0, WIDTH) {
    if (lane < lanes) value[lane] = from[lane];
  }
  return value;
}

INLINE void storePartial(float *to, Vector value, ptrdiff_t lanes) {
  EACH(lane, 0, WIDTH) {
    if (lane < lanes) to[lane] = value[lane];
  }
}

#endif

/// Loads the first `lanes` floats; with the constant WIDTH this is one plain load.
INLINE Vector loadLanes(const float *from, ptrdiff_t lanes) {
  return lanes >= WIDTH ? load(from) : loadPartial(from, lanes);
}

INLINE void storeLanes(float *to, Vector value, ptrdiff_t lanes) {
  if (lanes >= WIDTH)
    store(to, value);
  else
    storePartial(to, value, lanes);
}

/// Runs `body(unit, lanes)` over [0, count) so that the full vectors see a constant number of lanes.
#define FOR_LANES(unit, count, body)                               \
  do {                                                             \
    ptrdiff_t unit = 0;                                            \
    for (; unit + WIDTH <= (count); unit += WIDTH) body(unit, WIDTH); \
    if (unit < (count)) body(unit, (count) - unit);                \
  } while (0)

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

INLINE ptrdiff_t roundUp(ptrdiff_t value, ptrdiff_t multiple) { return (value + multiple - 1) / multiple * multiple; }
