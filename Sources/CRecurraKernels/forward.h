// One timestep forwards: fill the sums, add the products, apply the gates while the sums are in L1.

/// First pass over `lanes` units of one row: the activations that wait for nothing, in place.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
/// Leaves c and o (LSTM) or z and the candidate's pre-activation (GRU) in the sums for the second pass.
INLINE void activate(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t lanes,
  float *sums
) {
  float *gates = step->gates ? step->gates + row * step->gatesStride + unit : NULL;
  const ptrdiff_t units = step->units;
  if (cell == LSTM) {
    Vector i = sigmoidVector(load(sums));
    Vector f = sigmoidVector(load(sums + count));
    Vector candidate = tanhVector(load(sums + 2 * count));
    Vector o = sigmoidVector(load(sums + 3 * count));
    Vector c = fma(f, loadLanes(step->c + row * step->cStride + unit, lanes), i * candidate);
    storeLanes(step->cNext + row * step->cNextStride + unit, c, lanes);
    storeLanes(sums, c, lanes);
    storeLanes(sums + 3 * count, o, lanes);
    if (gates) {
      storeLanes(gates, i, lanes);
      storeLanes(gates + units, f, lanes);
      storeLanes(gates + 2 * units, candidate, lanes);
      storeLanes(gates + 3 * units, o, lanes);
    }
  } else if (cell == GRU) {
    Vector z = sigmoidVector(load(sums + count));
    Vector r = sigmoidVector(load(sums + 2 * count));
    Vector recurrent = load(sums + 3 * count);
    storeLanes(sums, fma(r, recurrent, load(sums)), lanes);
    storeLanes(sums + count, z, lanes);
    if (gates) {
      storeLanes(gates, z, lanes);
      storeLanes(gates + units, r, lanes);
      storeLanes(gates + 3 * units, recurrent, lanes);
    }
  }
}

/// Second pass: the new h.
INLINE void emit(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t lanes,
  const float *sums
) {
  Vector h = tanhVector(load(sums));
  if (cell == LSTM) h *= load(sums + 3 * count);
  if (cell == GRU) {
    if (step->gates) storeLanes(step->gates + row * step->gatesStride + 2 * step->units + unit, h, lanes);
    h = fma(load(sums + count), loadLanes(step->h + row * step->hStride + unit, lanes) - h, h);
  }
  storeLanes(step->hNext + row * step->hNextStride + unit, h, lanes);
  if (step->y) storeLanes(step->y + row * step->yStride + unit, h, lanes);
}

/// Applies the gates of a panel to rows [first, first + rows).
INLINE void finish(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit, ptrdiff_t count,
  float *sums
) {
  if (cell != RNN)
    for (ptrdiff_t row = 0; row < rows; row++) {
#define ACTIVATE(index, lanes) \
  activate(cell, step, first + row, unit + index, count, lanes, sums + row * sumsWidth + index)
      FOR_LANES(index, count, ACTIVATE);
#undef ACTIVATE
    }
  for (ptrdiff_t row = 0; row < rows; row++) {
#define EMIT(index, lanes) emit(cell, step, first + row, unit + index, count, lanes, sums + row * sumsWidth + index)
    FOR_LANES(index, count, EMIT);
#undef EMIT
  }
}

/// Copies slots of init, rows [first, first + rows) and units [unit, unit + count), into the sums.
INLINE void fillSums(
  enum Cell cell, ptrdiff_t beginPosition, ptrdiff_t endPosition, const float *init, ptrdiff_t initStride,
  ptrdiff_t units, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows, float *sums
) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = init + row * initStride + slotAt(cell, position) * units + unit;
      float *to = sums + row * sumsWidth + position * count;
#define COPY(index, lanes) storeLanes(to + index, loadLanes(from + index, lanes), lanes)
      FOR_LANES(index, count, COPY);
#undef COPY
    }
}

INLINE void forwardStep(enum Cell cell, const RecurraForwardStep *step, int multiply) {
  const ptrdiff_t units = step->units, depth = step->inputs + units;
  const ptrdiff_t blocks = (step->rows + rowsPerBlock - 1) / rowsPerBlock;
  const ptrdiff_t panelBegin = multiply ? step->panelBegin : 0;
  const ptrdiff_t panelEnd = multiply ? step->panelEnd : panelCount(units, panelUnits(cell));
  // Some vectors more: the last slots of the last row are loaded as whole vectors.
  _Alignas(64) float sums[rowsPerBlock * sumsWidth + 4 * WIDTH];
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks;
    const ptrdiff_t rows = step->rows * (block + 1) / blocks - first;
    const float *init = step->init + first * step->initStride;
    for (ptrdiff_t panel = panelBegin; panel < panelEnd; panel++) {
      const ptrdiff_t unit = panel * panelUnits(cell);
      const ptrdiff_t count = smaller(panelUnits(cell), units - unit);
      const ptrdiff_t floats = panelFloats(cell, count);
      const float *weights = multiply ? forwardPanel(cell, step->packed, panel, depth) : NULL;
      fillSums(cell, 0, gateCount(cell), init, step->initStride, units, unit, count, rows, sums);
      if (multiply && !step->hoisted)
        accumulate(
          rows, step->x + first * step->xStride, step->xStride, step->inputs, weights, depth, 0, floats, sums,
          sumsWidth);
      // The GRU's padding behind nx reaches into nh, so nh is filled after the inputs.
      if (cell == GRU) fillSums(cell, 3, 4, init, step->initStride, units, unit, count, rows, sums);
      if (multiply)
        accumulate(
          rows, step->h + first * step->hStride, step->hStride, units, weights, depth, step->inputs, floats,
          sums + (cell == GRU ? count : 0), sumsWidth);
      finish(cell, step, first, rows, unit, count, sums);
    }
  }
}

INLINE void product(enum Cell cell, const RecurraProduct *job) {
  const ptrdiff_t units = job->units, depth = job->inputs + units;
  const ptrdiff_t blocks = (job->rows + rowsPerBlock - 1) / rowsPerBlock;
  _Alignas(64) float sums[rowsPerBlock * sumsWidth + WIDTH];
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = job->rows * block / blocks;
    const ptrdiff_t rows = job->rows * (block + 1) / blocks - first;
    const float *init = job->init + first * job->initStride;
    for (ptrdiff_t panel = job->panelBegin; panel < job->panelEnd; panel++) {
      const ptrdiff_t unit = panel * panelUnits(cell);
      const ptrdiff_t count = smaller(panelUnits(cell), units - unit);
      fillSums(cell, 0, gateCount(cell), init, job->initStride, units, unit, count, rows, sums);
      accumulate(
        rows, job->x + first * job->xStride, job->xStride, job->inputs, forwardPanel(cell, job->packed, panel, depth),
        depth, 0, panelFloats(cell, count), sums, sumsWidth);
      if (cell == GRU) fillSums(cell, 3, 4, init, job->initStride, units, unit, count, rows, sums);
      for (ptrdiff_t row = 0; row < rows; row++)
        for (ptrdiff_t position = 0; position < slotCount(cell); position++) {
          const float *from = sums + row * sumsWidth + position * count;
          float *to = job->out + (first + row) * job->outStride + slotAt(cell, position) * units + unit;
#define COPY(index, lanes) storeLanes(to + index, loadLanes(from + index, lanes), lanes)
          FOR_LANES(index, count, COPY);
#undef COPY
        }
    }
  }
}
