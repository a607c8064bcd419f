// A row of a softmax: exponentials without overflow, and their sum.

/// Sums, largest values and exponentials go through a row in 32 lanes whatever the width, so that all sets with fused
/// multiply-add come to the same bits.
enum { softmaxLanes = 32, softmaxVectors = softmaxLanes / WIDTH };

/// Folds 32 lanes by halves.
INLINE float folded(const float *lanes, const int takesLargest) {
  float left[softmaxLanes];
  memcpy(left, lanes, sizeof left);
  for (int half = softmaxLanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++)
      left[lane] = takesLargest ? (left[lane] < left[lane + half] ? left[lane + half] : left[lane])
                                : left[lane] + left[lane + half];
  return left[0];
}

static float largestOfRow(const float *input, ptrdiff_t count) {
  float lanes[softmaxLanes];
  Vector largest[softmaxVectors];
  EACH(v, 0, softmaxVectors) largest[v] = broadcast(input[0]);
  ptrdiff_t index = 0;
  for (; index + softmaxLanes <= count; index += softmaxLanes)
    EACH(v, 0, softmaxVectors) {
      const Vector x = load(input + index + v * WIDTH);
      largest[v] = largest[v] < x ? x : largest[v];
    }
  EACH(v, 0, softmaxVectors) store(lanes + v * WIDTH, largest[v]);
  for (int lane = 0; index + lane < count; lane++)
    if (lanes[lane] < input[index + lane]) lanes[lane] = input[index + lane];
  return folded(lanes, 1);
}

static float rowExponentials(const float *input, float *output, size_t count, float *largest) {
  if (count == 0) return 0;
  const ptrdiff_t full = (ptrdiff_t)count / softmaxLanes * softmaxLanes, rest = (ptrdiff_t)count - full;
  const float most = largestOfRow(input, (ptrdiff_t)count);
  *largest = most;
  Vector sums[softmaxVectors], x[bundle];
  EACH(v, 0, softmaxVectors) sums[v] = broadcast(0);
  for (ptrdiff_t index = 0; index < full; index += softmaxLanes)
    EACH(first, 0, (softmaxVectors + bundle - 1) / bundle) {
      enum { together = softmaxVectors < bundle ? softmaxVectors : bundle };
      const ptrdiff_t at = index + first * bundle * WIDTH;
      EACH(v, 0, together) x[v] = load(input + at + v * WIDTH) - most;
      exponentials(together, x);
      EACH(v, 0, together) sums[first * bundle + v] += x[v];
      if (output) EACH(v, 0, together) store(output + at + v * WIDTH, x[v]);
    }
  float lanes[softmaxLanes];
  EACH(v, 0, softmaxVectors) store(lanes + v * WIDTH, sums[v]);
  for (ptrdiff_t lane = 0; lane < rest; lane += WIDTH) {
    const ptrdiff_t count = smaller(WIDTH, rest - lane);
    Vector last = loadLanes(input + full + lane, count) - most;
    exponentials(1, &last);
    if (output) storeLanes(output + full + lane, last, count);
    storeLanes(lanes + lane, loadLanes(lanes + lane, count) + last, count);
  }
  return folded(lanes, 0);
}

static void scaleRow(const float *input, float *output, size_t count, float factor) {
#define SCALE(index, lanes) storeLanes(output + index, loadLanes(input + index, lanes) * factor, lanes)
  FOR_LANES(index, (ptrdiff_t)count, SCALE);
#undef SCALE
}
