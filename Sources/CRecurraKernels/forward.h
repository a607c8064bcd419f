// One timestep forwards: fill the sums, add the products, apply the gates while the sums are in L1.

/// Applies the gates of one row to `lanes` units; `sums[slot]` points at the first of them.
INLINE void forwardUnits(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t lanes,
  const float *const sums[4]
) {
  float *gates = step->gates ? step->gates + row * step->gatesStride + unit : NULL;
  const ptrdiff_t units = step->units;
  Vector h;
  if (cell == RNN) {
    h = tanhVector(loadLanes(sums[0], lanes));
  } else if (cell == LSTM) {
    Vector i = sigmoidVector(loadLanes(sums[0], lanes));
    Vector f = sigmoidVector(loadLanes(sums[1], lanes));
    Vector candidate = tanhVector(loadLanes(sums[2], lanes));
    Vector o = sigmoidVector(loadLanes(sums[3], lanes));
    Vector c = fma(f, loadLanes(step->c + row * step->cStride + unit, lanes), i * candidate);
    storeLanes(step->cNext + row * step->cNextStride + unit, c, lanes);
    h = o * tanhVector(c);
    if (gates) {
      storeLanes(gates, i, lanes);
      storeLanes(gates + units, f, lanes);
      storeLanes(gates + 2 * units, candidate, lanes);
      storeLanes(gates + 3 * units, o, lanes);
    }
  } else {
    Vector z = sigmoidVector(loadLanes(sums[0], lanes));
    Vector r = sigmoidVector(loadLanes(sums[1], lanes));
    Vector recurrent = loadLanes(sums[3], lanes);
    Vector candidate = tanhVector(fma(r, recurrent, loadLanes(sums[2], lanes)));
    h = fma(z, loadLanes(step->h + row * step->hStride + unit, lanes) - candidate, candidate);
    if (gates) {
      storeLanes(gates, z, lanes);
      storeLanes(gates + units, r, lanes);
      storeLanes(gates + 2 * units, candidate, lanes);
      storeLanes(gates + 3 * units, recurrent, lanes);
    }
  }
  storeLanes(step->hNext + row * step->hNextStride + unit, h, lanes);
  if (step->y) storeLanes(step->y + row * step->yStride + unit, h, lanes);
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

INLINE void forwardStep(enum Cell cell, const RecurraForwardStep *step) {
  const ptrdiff_t units = step->units, depth = step->inputs + units;
  const ptrdiff_t blocks = (step->rows + rowsPerBlock - 1) / rowsPerBlock;
  // One vector more: the last slot of the last row is loaded as a whole vector.
  _Alignas(64) float sums[rowsPerBlock * sumsWidth + WIDTH];
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks;
    const ptrdiff_t rows = step->rows * (block + 1) / blocks - first;
    const float *init = step->init + first * step->initStride;
    for (ptrdiff_t panel = step->panelBegin; panel < step->panelEnd; panel++) {
      const ptrdiff_t unit = panel * panelUnits(cell);
      const ptrdiff_t count = smaller(panelUnits(cell), units - unit);
      const ptrdiff_t floats = panelFloats(cell, count);
      const float *weights = forwardPanel(cell, step->packed, panel, depth);
      fillSums(cell, 0, gateCount(cell), init, step->initStride, units, unit, count, rows, sums);
      if (!step->hoisted)
        accumulate(
          rows, step->x + first * step->xStride, step->xStride, step->inputs, weights, depth, 0, floats, sums,
          sumsWidth);
      // The GRU's padding behind nx reaches into nh, so nh is filled after the inputs.
      if (cell == GRU) fillSums(cell, 3, 4, init, step->initStride, units, unit, count, rows, sums);
      accumulate(
        rows, step->h + first * step->hStride, step->hStride, units, weights, depth, step->inputs, floats,
        sums + (cell == GRU ? count : 0), sumsWidth);
      for (ptrdiff_t row = 0; row < rows; row++) {
        const float *slots = sums + row * sumsWidth;
#define UNITS(index, lanes)                                                                                       \
  forwardUnits(                                                                                                   \
    cell, step, first + row, unit + index, lanes,                                                                 \
    cell == GRU ? (const float *const[4]){slots + count + index, slots + 2 * count + index, slots + index,        \
                                          slots + 3 * count + index}                                              \
                : (const float *const[4]){slots + index, slots + count + index, slots + 2 * count + index,        \
                                          slots + 3 * count + index})
        FOR_LANES(index, count, UNITS);
#undef UNITS
      }
    }
  }
}

INLINE void forwardGates(enum Cell cell, const RecurraForwardStep *step) {
  const ptrdiff_t units = step->units;
  for (ptrdiff_t row = 0; row < step->rows; row++) {
    const float *slots = step->init + row * step->initStride;
#define UNITS(unit, lanes)                                                            \
  forwardUnits(                                                                       \
    cell, step, row, unit, lanes,                                                     \
    (const float *const[4]){slots + unit, slots + units + unit, slots + 2 * units + unit, slots + 3 * units + unit})
    FOR_LANES(unit, units, UNITS);
#undef UNITS
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
