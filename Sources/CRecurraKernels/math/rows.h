// What gates over whole rows ask for: layer normalisation, forward and back, and a line between two bounds.

/// What is summed of a row: a, (a - mean)^2, or a*b.
enum { sumOfValues, sumOfSquaredDistances, sumOfProducts };

INLINE Vector addRowTerm(
  const int kind, Vector sum, const float *a, const float *b, float mean, ptrdiff_t lanes
) {
  const Vector x = loadLanes(a, lanes);
  if (kind == sumOfValues) return sum + x;
  if (kind == sumOfProducts) return fma(x, loadLanes(b, lanes), sum);
  return fma(x - mean, x - mean, sum);
}

/// Sums in the lanes of a softmax's row, so that all sets with fused multiply-add come to the same bits.
INLINE float rowSum(const int kind, const float *a, const float *b, float mean, ptrdiff_t count) {
  Vector sums[softmaxVectors];
  EACH(v, 0, softmaxVectors) sums[v] = broadcast(0);
  const ptrdiff_t full = count / softmaxLanes * softmaxLanes;
  for (ptrdiff_t index = 0; index < full; index += softmaxLanes)
    EACH(v, 0, softmaxVectors) {
      const ptrdiff_t at = index + v * WIDTH;
      sums[v] = addRowTerm(kind, sums[v], a + at, b + at, mean, WIDTH);
    }
  float lanes[softmaxLanes];
  EACH(v, 0, softmaxVectors) store(lanes + v * WIDTH, sums[v]);
  for (ptrdiff_t lane = 0; full + lane < count; lane += WIDTH) {
    const ptrdiff_t own = smaller(WIDTH, count - full - lane);
    const Vector sum = loadLanes(lanes + lane, own);
    storeLanes(lanes + lane, addRowTerm(kind, sum, a + full + lane, b + full + lane, mean, own), own);
  }
  return folded(lanes, 0);
}

static float normalizeRow(const float *x, float *normal, size_t count, float epsilon) {
  const float mean = rowSum(sumOfValues, x, x, 0, (ptrdiff_t)count) / (float)count;
  const float variance = rowSum(sumOfSquaredDistances, x, x, mean, (ptrdiff_t)count) / (float)count;
  const float scale = 1 / __builtin_sqrtf(variance + epsilon);
#define NORMALIZE(index, lanes) storeLanes(normal + index, (loadLanes(x + index, lanes) - mean) * scale, lanes)
  FOR_LANES(index, (ptrdiff_t)count, NORMALIZE);
#undef NORMALIZE
  return scale;
}

static void normalizeRowBack(float *gradient, const float *normal, size_t count, float scale) {
  const float mean = rowSum(sumOfValues, gradient, gradient, 0, (ptrdiff_t)count) / (float)count;
  const float along = rowSum(sumOfProducts, gradient, normal, 0, (ptrdiff_t)count) / (float)count;
#define GO_BACK(index, lanes)                                                                              \
  storeLanes(                                                                                              \
    gradient + index,                                                                                      \
    scale * fma(loadLanes(normal + index, lanes), broadcast(-along), loadLanes(gradient + index, lanes) - mean), \
    lanes)
  FOR_LANES(index, (ptrdiff_t)count, GO_BACK);
#undef GO_BACK
}

static void mapLine(const RecurraLine *line, const float *input, float *output, size_t count) {
  const RecurraLine own = *line;
#define PUT(index, lanes)                                                                        \
  storeLanes(                                                                                    \
    output + index,                                                                              \
    atMost(atLeast(loadLanes(input + index, lanes) * own.factor / own.divisor + own.offset, own.low), own.high), lanes)
  FOR_LANES(index, (ptrdiff_t)count, PUT);
#undef PUT
}
