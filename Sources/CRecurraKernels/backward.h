// One timestep backwards: dh from the next step's gradients, then the derivatives of the gates.

/// Takes dh of one row and `lanes` units through the gates.
INLINE void backwardUnits(
  enum Cell cell, const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t lanes, Vector dh
) {
  if (!step->gates) {
    storeLanes(step->dhOut + row * step->dhOutStride + unit, dh, lanes);
    return;
  }
  float *gates = step->gates + row * step->gatesStride + unit;
  float *carry = step->dhCarry ? step->dhCarry + row * step->dhCarryStride + unit : NULL;
  const ptrdiff_t units = step->units;
  Vector direct = broadcast(0);
  if (cell == RNN) {
    Vector h = loadLanes(step->h + row * step->hStride + unit, lanes);
    storeLanes(gates, dh * fma(-h, h, broadcast(1)), lanes);
  } else if (cell == LSTM) {
    float *dcPointer = step->dc + row * step->dcStride + unit;
    Vector i = loadLanes(gates, lanes), f = loadLanes(gates + units, lanes);
    Vector candidate = loadLanes(gates + 2 * units, lanes), o = loadLanes(gates + 3 * units, lanes);
    Vector tanhC = tanhOne(loadLanes(step->c + row * step->cStride + unit, lanes));
    Vector dc = fma(dh * o, fma(-tanhC, tanhC, broadcast(1)), loadLanes(dcPointer, lanes));
    Vector previous = loadLanes(step->cPrevious + row * step->cPreviousStride + unit, lanes);
    storeLanes(gates, dc * candidate * fma(-i, i, i), lanes);
    storeLanes(gates + units, dc * previous * fma(-f, f, f), lanes);
    storeLanes(gates + 2 * units, dc * i * fma(-candidate, candidate, broadcast(1)), lanes);
    storeLanes(gates + 3 * units, dh * tanhC * fma(-o, o, o), lanes);
    storeLanes(dcPointer, dc * f, lanes);
  } else {
    Vector z = loadLanes(gates, lanes), r = loadLanes(gates + units, lanes);
    Vector candidate = loadLanes(gates + 2 * units, lanes), recurrent = loadLanes(gates + 3 * units, lanes);
    Vector previous = loadLanes(step->hPrevious + row * step->hPreviousStride + unit, lanes);
    Vector dCandidate = fma(-z, dh, dh) * fma(-candidate, candidate, broadcast(1));
    storeLanes(gates, dh * (previous - candidate) * fma(-z, z, z), lanes);
    storeLanes(gates + units, dCandidate * recurrent * fma(-r, r, r), lanes);
    storeLanes(gates + 2 * units, dCandidate, lanes);
    storeLanes(gates + 3 * units, dCandidate * r, lanes);
    direct = dh * z;
  }
  if (carry) storeLanes(carry, direct, lanes);
}

/// dhCarry + dy, whichever there are.
INLINE Vector incomingGradient(const RecurraBackwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t lanes) {
  Vector dh = broadcast(0);
  if (step->dhCarry) dh = loadLanes(step->dhCarry + row * step->dhCarryStride + unit, lanes);
  if (step->dy) dh += loadLanes(step->dy + row * step->dyStride + unit, lanes);
  return dh;
}

INLINE void backwardStep(enum Cell cell, const RecurraBackwardStep *step) {
  const ptrdiff_t units = step->units, depth = gateCount(cell) * units;
  const ptrdiff_t blocks = (step->rows + rowsPerBlock - 1) / rowsPerBlock;
  _Alignas(64) float sums[rowsPerBlock * sumsWidth + WIDTH];
  for (ptrdiff_t block = 0; block < blocks; block++) {
    const ptrdiff_t first = step->rows * block / blocks;
    const ptrdiff_t rows = step->rows * (block + 1) / blocks - first;
    const ptrdiff_t productRows = smaller(rows, step->productRows - first);
    const float *next = step->dgatesNext + first * step->dgatesNextStride;
    for (ptrdiff_t index = step->panelBegin; index < step->panelEnd; index++) {
      const ptrdiff_t panel = step->descending ? step->panelBegin + step->panelEnd - 1 - index : index;
      const ptrdiff_t unit = panel * backwardPanelUnits;
      const ptrdiff_t count = smaller(backwardPanelUnits, units - unit), floats = roundUp(count, WIDTH);
      const float *weights = step->packed + unit * depth;
      for (ptrdiff_t row = 0; row < rows; row++) {
#define FILL(index, lanes) \
  store(sums + row * sumsWidth + index, incomingGradient(step, first + row, unit + index, lanes))
        FOR_LANES(index, count, FILL);
#undef FILL
      }
      if (productRows > 0) {
        // The GRU's gradient of nx, slot 2, does not reach h: z and r, then nh.
        const ptrdiff_t contiguous = cell == GRU ? 2 * units : depth;
        accumulate(
          productRows, next, step->dgatesNextStride, contiguous, weights, depth, 0, floats, sums, sumsWidth);
        if (cell == GRU)
          accumulate(
            productRows, next + 3 * units, step->dgatesNextStride, units, weights, depth, contiguous, floats, sums,
            sumsWidth);
      }
      for (ptrdiff_t row = 0; row < rows; row++) {
#define UNITS(index, lanes) \
  backwardUnits(cell, step, first + row, unit + index, lanes, load(sums + row * sumsWidth + index))
        FOR_LANES(index, count, UNITS);
#undef UNITS
      }
    }
  }
}

INLINE void backwardGates(enum Cell cell, const RecurraBackwardStep *step) {
  for (ptrdiff_t row = 0; row < step->rows; row++) {
#define UNITS(unit, lanes) backwardUnits(cell, step, row, unit, lanes, incomingGradient(step, row, unit, lanes))
    FOR_LANES(unit, step->units, UNITS);
#undef UNITS
  }
}
