// A panel of a step forward: where its sums begin, and the gates on them.

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

/// A panel of a step for the rows from `first` on.
typedef struct {
  const RecurraForwardStep *step;
  ptrdiff_t first, unit, count;
  /// Whether other threads make a part of h, which then is fetched while the inputs are multiplied.
  int isFetched;
  /// Whether the sums have been begun with.
  int isBegun;
} ForwardPanel;

/// Whether the inputs' product lies in `init`, so that a step multiplies h alone.
INLINE int isHoisted(const RecurraForwardStep *step) { return !step->x.base; }

/// Whether a step is for some of the units only.
INLINE int sharesUnits(enum Cell cell, const RecurraForwardStep *step) {
  return step->panels.end - step->panels.begin < panelCount(step->units, columnsOf(cell).panelUnits);
}

/// Fetches some columns of some rows of a matrix.
INLINE void fetchRows(
  const RecurraRows of, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t column, ptrdiff_t columns, const int writes
) {
  fetch(elementAt(of, first, column), of.stride, rows, columns, writes);
}

/// Fetches what the gates will read and write, which comes while the product is computed.
INLINE void fetchForward(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, ptrdiff_t row, ptrdiff_t rows
) {
  const RecurraForwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, unit = panel->unit;
  // Training keeps the states of every step, so those of the next lie in memory that was last used long ago.
  const int keepsStates = step->gates.base != NULL;
  if (traitsOf(cell).hasMemory) fetchRows(keepsStates ? step->cNext : step->c, first, rows, unit, count, 1);
  if (step->y.base) fetchRows(step->y, first, rows, unit, count, 1);
  // Or other threads have read what hNext held.
  if (keepsStates || sharesUnits(cell, step)) fetchRows(step->hNext, first, rows, unit, count, 1);
  if (step->gates.base && step->gates.base != step->init.base)
    for (ptrdiff_t slot = 0; slot < columnsOf(cell).slots; slot++)
      fetchRows(step->gates, first, rows, slot * step->units + unit, count, 1);
}

/// Fetches what the next step begins with, which lies far from what this one does.
INLINE void fetchNext(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, ptrdiff_t row, ptrdiff_t rows
) {
  const RecurraForwardStep *step = panel->step;
  const ptrdiff_t first = panel->first + row, unit = panel->unit;
  if (step->x.base && unit == 0)
    fetch(elementAt(step->x, first, 0) + step->run.x, step->x.stride, rows, step->inputs, 0);
  if (!step->initRows) return;
  const InitRows next = {step->init, first, step->initRows + step->run.initRows};
  for (ptrdiff_t index = 0; index < rows; index++)
    fetch(initRow(&next, index) + unit, step->units, columnsOf(cell).slots, count, 0);
}

/// Sets the sums before the product of an operand: the inputs', where there are any, or else that of h.
INLINE void prepareForward(
  ptrdiff_t count, enum Cell cell, const ForwardPanel *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums,
  TileStart *start
) {
  const RecurraForwardStep *step = panel->step;
  const Columns columns = columnsOf(cell);
  const ptrdiff_t first = panel->first + row, units = step->units, unit = panel->unit;
  const InitRows init = {step->init, first, step->initRows};
  if (panel->isFetched && operand == 0) fetchRows(step->h, first, rows, 0, units, 0);
  if (operand == 0 && !panel->isBegun) {
    fetchForward(count, cell, panel, row, rows);
    if (step->run.isFollowed) fetchNext(count, cell, panel, row, rows);
    beginSums(columns, &init, units, unit, count, rows, sums, start);
  }
  if (isHoisted(step) || operand == 1) beginSumsApart(columns, &init, units, unit, count, rows, sums);
}
