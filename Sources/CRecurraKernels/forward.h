// One timestep forwards: fill the sums, add the products, apply the gates while the sums are in L1.

/// First pass over `lanes` units of one row: the activations that wait for nothing, in place.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
/// Leaves c and o (LSTM) or the candidate's pre-activation and z (GRU) in the sums for the second pass. Whole vectors
/// go back there: of a panel's last units they reach only into slots that are done with, or are written next.
INLINE void activate(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t lanes,
  float *sums
) {
  float *gates = step->gates ? step->gates + row * step->gatesStride + unit : NULL;
  const ptrdiff_t units = step->units;
  if (cell == LSTM) {
    Vector ifoc[4] = {load(sums), load(sums + count), load(sums + 3 * count), load(sums + 2 * count)};
    activations(3, 4, ifoc);
    Vector c = fma(ifoc[1], loadLanes(step->c + row * step->cStride + unit, lanes), ifoc[0] * ifoc[3]);
    storeLanes(step->cNext + row * step->cNextStride + unit, c, lanes);
    store(sums, c);
    store(sums + 3 * count, ifoc[2]);
    if (gates) {
      storeLanes(gates, ifoc[0], lanes);
      storeLanes(gates + units, ifoc[1], lanes);
      storeLanes(gates + 2 * units, ifoc[3], lanes);
      storeLanes(gates + 3 * units, ifoc[2], lanes);
    }
  } else if (cell == GRU) {
    Vector zr[2] = {load(sums + count), load(sums + 2 * count)};
    Vector recurrent = load(sums + 3 * count);
    sigmoids(2, zr);
    store(sums, fma(zr[1], recurrent, load(sums)));
    store(sums + count, zr[0]);
    if (gates) {
      storeLanes(gates, zr[0], lanes);
      storeLanes(gates + units, zr[1], lanes);
      storeLanes(gates + 3 * units, recurrent, lanes);
    }
  }
}

/// Second pass: the new h of `rows` rows.
INLINE void emit(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t first, const int rows, ptrdiff_t unit, ptrdiff_t count,
  ptrdiff_t lanes, const float *sums
) {
  Vector h[bundle];
  EACH(r, 0, rows) h[r] = load(sums + r * sumsWidth);
  tanhs(rows, h);
  EACH(r, 0, rows) {
    const ptrdiff_t row = first + r;
    if (cell == LSTM) h[r] *= load(sums + r * sumsWidth + 3 * count);
    if (cell == GRU) {
      if (step->gates) storeLanes(step->gates + row * step->gatesStride + 2 * step->units + unit, h[r], lanes);
      Vector previous = loadLanes(step->h + row * step->hStride + unit, lanes);
      h[r] = fma(load(sums + r * sumsWidth + count), previous - h[r], h[r]);
    }
    storeLanes(step->hNext + row * step->hNextStride + unit, h[r], lanes);
    if (step->y) storeLanes(step->y + row * step->yStride + unit, h[r], lanes);
  }
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
  ptrdiff_t row = 0;
#define EMIT(rows, index, lanes) \
  emit(cell, step, first + row, rows, unit + index, count, lanes, sums + row * sumsWidth + index)
#define EMIT_BUNDLE(index, lanes) EMIT(bundle, index, lanes)
#define EMIT_ROW(index, lanes) EMIT(1, index, lanes)
  for (; row + bundle <= rows; row += bundle) FOR_LANES(index, count, EMIT_BUNDLE);
  for (; row < rows; row++) FOR_LANES(index, count, EMIT_ROW);
#undef EMIT
#undef EMIT_BUNDLE
#undef EMIT_ROW
}

/// Copies slots of init, units [unit, unit + count), into the sums; a slot's last vector may reach into the next slot,
/// which is filled later, or into the row's slack.
INLINE void fillSums(
  enum Cell cell, ptrdiff_t beginPosition, ptrdiff_t endPosition, const float *init, ptrdiff_t initStride,
  ptrdiff_t units, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows, float *sums
) {
  for (ptrdiff_t row = 0; row < rows; row++)
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = init + row * initStride + slotAt(cell, position) * units + unit;
      float *to = sums + row * sumsWidth + position * count;
#define COPY(index, lanes) store(to + index, loadLanes(from + index, lanes))
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
    for (ptrdiff_t index = panelBegin; index < panelEnd; index++) {
      const ptrdiff_t panel = step->descending ? panelBegin + panelEnd - 1 - index : index;
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
