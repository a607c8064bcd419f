// What a timestep does with its sums: fill them, and apply the gates while they are in L1.

/// Some units of a row, at most a vector of them, and where their sums lie.
typedef struct {
  ptrdiff_t row, unit, count, lanes;
  float *sums;
} Units;

/// Positions of the LSTM's sums that hold o between two passes.
enum { oBottom = 2, oTop = 3 };

/// How far apart the positions lie that hold something between two passes. Where a vector is all that there is, its
/// sums have been read by then and it is kept as a whole. Where no panel is wider than that, the compiler knows.
INLINE ptrdiff_t keptStride(enum Cell cell, ptrdiff_t count) {
  return panelUnits(cell) <= WIDTH || count <= WIDTH ? WIDTH : count;
}

/// First pass: the activations that wait for nothing.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
/// Leaves c and o (LSTM) or the candidate's pre-activation and z (GRU) in the sums for the second pass; o as a
/// fraction, because one division serves for two factors. The GRU's whole vectors reach, of a panel's last units, only
/// into slots that are done with, or are written next, but for its candidates: behind them z of the first units is
/// kept, because there nh is 0, filled up with zeros.
INLINE void activate(enum Cell cell, const RecurraForwardStep *step, const Units at) {
  const ptrdiff_t units = step->units, count = at.count, lanes = at.lanes, next = keptStride(cell, count);
  float *const sums = at.sums;
  float *const gates = step->gates ? step->gates + at.row * step->gatesStride + at.unit : NULL;
#define SUMS(position) load(sums + (position)*count)
#define KEEP_GATE(slot, value) storeLanes(gates + (slot) * units, value, lanes)
  if (cell == LSTM) {
    const Vector ifoc[4] = {SUMS(0), SUMS(1), SUMS(3), SUMS(2)};
    Vector top[4], bottom[4];
    fractions(3, 4, leastGate, ifoc, top, bottom);
    const Vector f = top[1] / bottom[1], ic = top[0] * top[3] / (bottom[0] * bottom[3]);
    const Vector c = fma(f, loadLanes(step->c + at.row * step->cStride + at.unit, lanes), ic);
    storeLanes(step->cNext + at.row * step->cNextStride + at.unit, c, lanes);
    const ptrdiff_t kept = next == WIDTH ? WIDTH : lanes;
    storeLanes(sums, c, kept);
    storeLanes(sums + oTop * next, top[2], kept);
    storeLanes(sums + oBottom * next, bottom[2], kept);
    if (gates) {
      // Each by itself, so that a gate that is wide open is 1.
      KEEP_GATE(0, top[0] / bottom[0]);
      KEEP_GATE(1, f);
      KEEP_GATE(2, top[3] / bottom[3]);
      KEEP_GATE(3, top[2] / bottom[2]);
    }
  } else if (cell == GRU) {
    const Vector input = SUMS(0), recurrent = SUMS(3);
    Vector zr[2] = {SUMS(1), SUMS(2)};
    sigmoids(2, zr);
    store(sums, fma(zr[1], recurrent, input));
    store(sums + next, zr[0]);
    if (gates) {
      KEEP_GATE(0, zr[0]);
      KEEP_GATE(1, zr[1]);
      KEEP_GATE(3, recurrent);
    }
  }
#undef SUMS
#undef KEEP_GATE
}

/// Second pass: the new h of some vectors, together.
INLINE void emit(enum Cell cell, const RecurraForwardStep *step, const int vectors, const Units *at) {
  Vector h[bundle], top[bundle], bottom[bundle];
  EACH(v, 0, vectors) h[v] = load(at[v].sums);
  if (cell == LSTM)
    fractions(0, vectors, 0, h, top, bottom);
  else
    tanhs(vectors, h);
  EACH(v, 0, vectors) {
    const ptrdiff_t row = at[v].row, unit = at[v].unit, lanes = at[v].lanes, next = keptStride(cell, at[v].count);
    if (cell == LSTM) {
      const Vector oTops = load(at[v].sums + oTop * next), oBottoms = load(at[v].sums + oBottom * next);
      h[v] = top[v] * oTops / (bottom[v] * oBottoms);
    }
    if (cell == GRU) {
      float *gates = step->gates ? step->gates + row * step->gatesStride + 2 * step->units + unit : NULL;
      if (gates) storeLanes(gates, h[v], lanes);
      const Vector previous = loadLanes(step->h + row * step->hStride + unit, lanes);
      h[v] = fma(load(at[v].sums + next), previous - h[v], h[v]);
    }
    storeLanes(step->hNext + row * step->hNextStride + unit, h[v], lanes);
    if (step->y) storeLanes(step->y + row * step->yStride + unit, h[v], lanes);
  }
}

/// The second pass over the same units of some rows.
INLINE void emitRows(enum Cell cell, const RecurraForwardStep *step, const int rows, const Units first) {
  Units at[bundle];
  EACH(v, 0, rows) {
    at[v] = first;
    at[v].row += v, at[v].sums += v * sumsWidth;
  }
  emit(cell, step, rows, at);
}

/// Applies the gates of a panel to rows [first, first + rows), both passes.
INLINE void applyGates(
  ptrdiff_t count, enum Cell cell, const RecurraForwardStep *whole, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t unit,
  float *sums
) {
  // A copy, which the stores of vectors cannot be taken to change: otherwise each makes the compiler read it again.
  const RecurraForwardStep own = *whole, *const step = &own;
#define UNITS(index, lanes) ((Units){first + row, unit + index, count, lanes, sums + row * sumsWidth + index})
#define ACTIVATE(index, lanes) activate(cell, step, UNITS(index, lanes))
#define EMIT_4(index, lanes) emitRows(cell, step, 4, UNITS(index, lanes))
#define EMIT_3(index, lanes) emitRows(cell, step, 3, UNITS(index, lanes))
#define EMIT_2(index, lanes) emitRows(cell, step, 2, UNITS(index, lanes))
#define EMIT_1(index, lanes) emitRows(cell, step, 1, UNITS(index, lanes))
  if (cell != RNN)
    for (ptrdiff_t row = 0; row < rows; row++) FOR_LANES(index, count, ACTIVATE);
  // Never a single row where two can be had: one chain alone waits for itself.
  for (ptrdiff_t row = 0; row < rows;) {
    const ptrdiff_t left = rows - row, next = left == 5 || left == 6 ? 3 : smaller(left, 4);
    switch (next) {
    case 4: FOR_LANES(index, count, EMIT_4); break;
    case 3: FOR_LANES(index, count, EMIT_3); break;
    case 2: FOR_LANES(index, count, EMIT_2); break;
    default: FOR_LANES(index, count, EMIT_1);
    }
    row += next;
  }
#undef UNITS
#undef ACTIVATE
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
    float *const first = sums + row * sumsWidth;
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = begin + slotAt(cell, position) * units;
      float *to = first + position * count;
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
  const int isAlone = !step->ahead[0].from;
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
