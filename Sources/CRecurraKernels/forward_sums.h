// What a timestep does with its sums: fill them, and apply the gates while they are in L1.

/// Positions of the LSTM's sums that hold o between two passes.
enum { oBottom = 2, oTop = 3 };

/// First pass over `lanes` units of one row: the activations that wait for nothing.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
/// Leaves c and o (LSTM) or the candidate's pre-activation and z (GRU) in the sums for the second pass; o as a
/// fraction, because one division serves for two factors. The GRU's whole vectors reach, of a panel's last units, only
/// into slots that are done with, or are written next, but for its candidates: behind them z of the first units is
/// kept, because there nh is 0, filled up with zeros.
INLINE void activate(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t row, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t lanes,
  float *sums
) {
  float *gates = step->gates ? step->gates + row * step->gatesStride + unit : NULL;
  const ptrdiff_t units = step->units;
  if (cell == LSTM) {
    const Vector ifoc[4] = {load(sums), load(sums + count), load(sums + 3 * count), load(sums + 2 * count)};
    Vector top[4], bottom[4];
    fractions(3, 4, leastGate, ifoc, top, bottom);
    const Vector f = top[1] / bottom[1], ic = top[0] * top[3] / (bottom[0] * bottom[3]);
    Vector c = loadLanes(step->c + row * step->cStride + unit, lanes);
    c = fma(f, c, ic);
    storeLanes(step->cNext + row * step->cNextStride + unit, c, lanes);
    storeLanes(sums, c, lanes);
    storeLanes(sums + oTop * count, top[2], lanes);
    storeLanes(sums + oBottom * count, bottom[2], lanes);
    if (gates) {
      // Each by itself, so that a gate that is wide open is 1.
      storeLanes(gates, top[0] / bottom[0], lanes);
      storeLanes(gates + units, f, lanes);
      storeLanes(gates + 2 * units, top[3] / bottom[3], lanes);
      storeLanes(gates + 3 * units, top[2] / bottom[2], lanes);
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

/// A vector of a row's units, and where its panel's sums of them lie.
typedef struct {
  ptrdiff_t row, unit, count, lanes;
  const float *sums;
} Units;

/// Second pass: the new h of some vectors, together.
INLINE void emit(enum Cell cell, const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector h[bundle], top[bundle], bottom[bundle];
  EACH(v, 0, vectors) h[v] = load(at[v].sums);
  if (cell == LSTM)
    fractions(0, vectors, 0, h, top, bottom);
  else
    tanhs(vectors, h);
  EACH(v, 0, vectors) {
    const ptrdiff_t row = at[v].row, unit = at[v].unit, lanes = at[v].lanes;
    if (cell == LSTM) {
      const Vector oTops = load(at[v].sums + oTop * at[v].count), oBottoms = load(at[v].sums + oBottom * at[v].count);
      h[v] = top[v] * oTops / (bottom[v] * oBottoms);
    }
    if (cell == GRU) {
      if (step->gates) storeLanes(step->gates + row * step->gatesStride + 2 * step->units + unit, h[v], lanes);
      Vector previous = loadLanes(step->h + row * step->hStride + unit, lanes);
      h[v] = fma(load(at[v].sums + at[v].count), previous - h[v], h[v]);
    }
    storeLanes(step->hNext + row * step->hNextStride + unit, h[v], lanes);
    if (step->y) storeLanes(step->y + row * step->yStride + unit, h[v], lanes);
  }
}

/// The second pass over the same units of `rows` rows.
INLINE void emitRows(
  enum Cell cell, const RecurraForwardStep *step, ptrdiff_t first, const int rows, ptrdiff_t unit, ptrdiff_t count,
  ptrdiff_t lanes, const float *sums
) {
  Units at[bundle];
  EACH(r, 0, rows) at[r] = (Units){first + r, unit, count, lanes, sums + r * sumsWidth};
  emit(cell, step, rows, at);
}

/// Applies the gates of a panel to rows [first, first + rows).
INLINE void applyGates(
  ptrdiff_t count, enum Cell cell, const RecurraForwardStep *whole, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit,
  float *sums
) {
  // A copy, which the stores of vectors cannot be taken to change: otherwise each makes the compiler read it again.
  const RecurraForwardStep own = *whole, *const step = &own;
  if (cell != RNN)
    for (ptrdiff_t row = 0; row < rows; row++) {
#define ACTIVATE(index, lanes) \
  activate(cell, step, first + row, unit + index, count, lanes, sums + row * sumsWidth + index)
      FOR_LANES(index, count, ACTIVATE);
#undef ACTIVATE
    }
#define EMIT(rows, index, lanes) \
  emitRows(cell, step, first + row, rows, unit + index, count, lanes, sums + row * sumsWidth + index)
#define EMIT_4(index, lanes) EMIT(4, index, lanes)
#define EMIT_3(index, lanes) EMIT(3, index, lanes)
#define EMIT_2(index, lanes) EMIT(2, index, lanes)
#define EMIT_1(index, lanes) EMIT(1, index, lanes)
  // Never a single row where two can be had: one chain alone waits for itself.
  for (ptrdiff_t row = 0; row < rows;) {
    const ptrdiff_t left = rows - row, together = left == 5 || left == 6 ? 3 : smaller(left, 4);
    switch (together) {
    case 4: FOR_LANES(index, count, EMIT_4); break;
    case 3: FOR_LANES(index, count, EMIT_3); break;
    case 2: FOR_LANES(index, count, EMIT_2); break;
    default: FOR_LANES(index, count, EMIT_1);
    }
    row += together;
  }
#undef EMIT
#undef EMIT_4
#undef EMIT_3
#undef EMIT_2
#undef EMIT_1
}

/// Where the sums of some rows begin: at row `first` and those behind it, or where `places` says.
typedef struct {
  const float *init;
  ptrdiff_t stride, first;
  const int32_t *places;
} Beginnings;

INLINE const float *beginning(const Beginnings *of, ptrdiff_t row) {
  return of->init + (of->places ? of->places[of->first + row] : of->first + row) * of->stride;
}

/// Stores a vector in some rows of the sums.
INLINE void spread(Vector value, ptrdiff_t rows, float *to) {
  for (ptrdiff_t row = 0; row < rows; row++) store(to + row * sumsWidth, value);
}

/// Copies slots of the beginnings, units [unit, unit + count), into the sums; a slot's last vector may reach into the
/// next slot, which is filled later, or into the row's slack.
INLINE void fillSums(
  enum Cell cell, ptrdiff_t beginPosition, ptrdiff_t endPosition, const Beginnings *beginnings, ptrdiff_t units,
  ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows, float *sums
) {
  // A bias is the same for every row, and read once.
  const ptrdiff_t together = beginnings->places || beginnings->stride ? 1 : rows;
  for (ptrdiff_t row = 0; row < rows; row += together) {
    const float *begin = beginning(beginnings, row) + unit;
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = begin + slotAt(cell, position) * units;
      float *to = sums + row * sumsWidth + position * count;
#define SPREAD(index, lanes) spread(loadLanes(from + index, lanes), together, to + index)
      FOR_LANES(index, count, SPREAD);
#undef SPREAD
    }
  }
}

/// A panel of a step for the rows from `first` on.
typedef struct {
  const RecurraForwardStep *step;
  ptrdiff_t first, unit, count;
  /// Whether it is the step's last panel.
  int isLast;
  /// Whether others make a part of h, which then comes while the inputs are multiplied.
  int isFetched;
  /// Whether the sums have been begun with.
  int isBegun;
} ForwardPanel;

/// Whether a step is for some of the units only.
INLINE int sharesUnits(enum Cell cell, const RecurraForwardStep *step) {
  return step->panelEnd - step->panelBegin < panelCount(step->units, panelUnits(cell));
}

/// Asks for what the gates will read and write, which comes while the product is computed.
INLINE void fetchForward(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, ptrdiff_t row, ptrdiff_t rows
) {
  const RecurraForwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, units = step->units, unit = panel->unit;
  // Unless the step before has asked for it bit by bit.
  const int isAlone = RECURRA_MATRIX_UNIT || !step->ahead[0].from;
  if (cell == LSTM && isAlone) fetch(step->c + first * step->cStride + unit, step->cStride, rows, count, 1);
  if (step->y) fetch(step->y + first * step->yStride + unit, step->yStride, rows, count, 1);
  // Others have read what hNext held.
  if (sharesUnits(cell, step))
    fetch(step->hNext + first * step->hNextStride + unit, step->hNextStride, rows, count, 1);
  if (step->gates && step->gates != step->init && isAlone)
    for (ptrdiff_t slot = 0; slot < slotCount(cell); slot++)
      fetch(step->gates + first * step->gatesStride + slot * units + unit, step->gatesStride, rows, count, 1);
}

/// Lets sums begin where the beginnings lie, if their slots are whole and in order, or else copies them into the sums.
INLINE void beginSums(
  enum Cell cell, const Beginnings *beginnings, ptrdiff_t units, ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows,
  float *sums, TileStart *start
) {
  if (!start || cell == GRU || count != panelUnits(cell)) {
    fillSums(cell, 0, gateCount(cell), beginnings, units, unit, count, rows, sums);
    return;
  }
  for (ptrdiff_t row = 0; row < rows; row++) start->row[row] = beginning(beginnings, row) + unit;
  start->slot = cell == RNN ? slotColumns : units;
}

/// Sets the sums before the first product; the GRU's padding behind nx reaches into nh, so nh is set after the inputs.
INLINE void prepareForward(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums,
  TileStart *start
) {
  const RecurraForwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, units = step->units, unit = panel->unit;
  const Beginnings init = {step->init, step->initStride, first, step->initRows};
  const int isFirst = operand == 0 && !panel->isBegun, isLast = step->hoisted || operand == 1;
  if (panel->isFetched && operand == 0) fetch(step->h + first * step->hStride, step->hStride, rows, units, 0);
  if (isFirst) {
    fetchForward(count, cell, panel, row, rows);
    if (panel->isLast && step->xAhead)
      fetch(step->xAhead + first * step->xAheadStride, step->xAheadStride, rows, step->inputs, 0);
    if (step->initRowsAhead) {
      const Beginnings next = {step->init, step->initStride, first, step->initRowsAhead};
      for (ptrdiff_t index = 0; index < rows; index++)
        fetch(beginning(&next, index) + unit, units, slotCount(cell), count, 0);
    }
    beginSums(cell, &init, units, unit, count, rows, sums, start);
  }
  if (cell == GRU && isLast) fillSums(cell, 3, 4, &init, units, unit, count, rows, sums);
}
