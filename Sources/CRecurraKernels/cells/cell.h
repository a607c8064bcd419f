// What the steps of all cells have in common, and what the gates of a cell are given.

/// What a step must know of a cell beside its gates.
typedef struct {
  Columns columns;
  /// Whether there is a memory c beside h.
  int hasMemory;
  /// Whether activated gates are kept for the way back, and whether it reads the h before a step as well.
  int keepsGates, readsPreviousState;
  /// Whether two panels of a single row may go together.
  int pairsPanels;
} CellTraits;

/// Some units of a row, at most a vector of them, and where their sums lie.
typedef struct {
  ptrdiff_t row, unit, count, lanes;
  float *sums;
} Units;

/// How far apart the positions lie that hold something between two passes. Where a vector is all that there is, its
/// sums have been read by then and it is kept as a whole. Where no panel is wider than that, the compiler knows.
INLINE ptrdiff_t keptStride(const Columns columns, ptrdiff_t count) {
  return columns.panelUnits <= WIDTH || count <= WIDTH ? WIDTH : count;
}

/// Loads the units' sums at a position.
INLINE Vector sumsAt(const Units *at, ptrdiff_t position) { return load(at->sums + position * at->count); }

/// Loads and stores the units of a matrix whose columns are units, or slots of them.
INLINE Vector loadUnits(const RecurraRows from, const Units *at) {
  return loadLanes(elementAt(from, at->row, at->unit), at->lanes);
}

INLINE void storeUnits(const RecurraRows to, const Units *at, Vector value) {
  storeLanes(elementAt(to, at->row, at->unit), value, at->lanes);
}

/// Keeps an activated gate for the way back.
INLINE void keepGate(const RecurraForwardStep *step, const Units *at, ptrdiff_t slot, Vector value) {
  storeLanes(elementAt(step->gates, at->row, slot * step->units + at->unit), value, at->lanes);
}

/// Puts the new h where it goes.
INLINE void putState(const RecurraForwardStep *step, const Units *at, Vector h) {
  storeUnits(step->hNext, at, h);
  if (step->y.base) storeUnits(step->y, at, h);
}

/// A vector of a row's units on the way back, and its gates.
typedef struct {
  const RecurraBackwardStep *step;
  ptrdiff_t row, unit, lanes;
} BackwardUnits;

INLINE Vector loadBack(const RecurraRows from, const BackwardUnits *at) {
  return loadLanes(elementAt(from, at->row, at->unit), at->lanes);
}

/// Loads what forward kept of a gate.
INLINE Vector loadGate(const BackwardUnits *at, ptrdiff_t slot) {
  return loadLanes(elementAt(at->step->gates, at->row, slot * at->step->units + at->unit), at->lanes);
}

/// Puts the gradient of a slot's pre-activation in the gate's place.
INLINE void putGradient(const BackwardUnits *at, ptrdiff_t slot, Vector value) {
  storeLanes(elementAt(at->step->gates, at->row, slot * at->step->units + at->unit), value, at->lanes);
}

/// Finds a vector of several that follow each other, the last with `lanes` units.
INLINE BackwardUnits vectorOf(const BackwardUnits *first, int v, int vectors) {
  return (BackwardUnits){first->step, first->row, first->unit + v * WIDTH, v == vectors - 1 ? first->lanes : WIDTH};
}
