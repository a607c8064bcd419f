// Where sums begin: a bias, rows of an earlier product, or rows that are looked up in a table.

/// Rows [slots * units] that sums begin with: row `first` and those behind it, or those that `places` names.
typedef struct {
  RecurraRows init;
  ptrdiff_t first;
  const int32_t *places;
} InitRows;

INLINE const float *initRow(const InitRows *of, ptrdiff_t row) {
  return elementAt(of->init, of->places ? of->places[of->first + row] : of->first + row, 0);
}

/// Stores a vector in some rows of the sums.
INLINE void spread(Vector value, ptrdiff_t rows, float *to) {
  for (ptrdiff_t row = 0; row < rows; row++) store(to + row * sumsWidth, value);
}

/// Copies slots of the initial rows, units [unit, unit + count), into the sums; a slot's last vector may reach into the
/// next slot, which is filled later, or into the row's slack.
INLINE void fillSums(
  const Columns columns, ptrdiff_t beginPosition, ptrdiff_t endPosition, const InitRows *inits, ptrdiff_t units,
  ptrdiff_t unit, ptrdiff_t count, ptrdiff_t rows, float *sums
) {
  // A bias is the same for every row, and read once.
  const ptrdiff_t together = inits->places || inits->init.stride ? 1 : rows;
  for (ptrdiff_t row = 0; row < rows; row += together) {
    const float *begin = initRow(inits, row) + unit;
    float *const first = sums + row * sumsWidth;
    for (ptrdiff_t position = beginPosition; position < endPosition; position++) {
      const float *from = begin + slotAt(columns, position) * units;
      float *to = first + position * count;
#define SPREAD(index, lanes) spread(loadLanes(from + index, lanes), together, to + index)
      FOR_LANES(index, count, SPREAD);
#undef SPREAD
    }
  }
}

/// Lets sums begin where the initial rows lie, if their slots are whole and in order, or else copies them into the
/// sums. Slots that the second operand has to itself are left out.
INLINE void beginSums(
  const Columns columns, const InitRows *inits, ptrdiff_t units, ptrdiff_t unit, ptrdiff_t count,
  ptrdiff_t rows, float *sums, TileStart *start
) {
  if (!start || groupsApart(columns) || count != columns.panelUnits) {
    fillSums(columns, 0, columns.groups, inits, units, unit, count, rows, sums);
    return;
  }
  for (ptrdiff_t row = 0; row < rows; row++) start->row[row] = initRow(inits, row) + unit;
  start->slot = columns.groups == 1 ? slotColumns : units;
}

/// Copies the initial values of the slots that the second operand has to itself into the sums: not before the first
/// operand has been multiplied, for its padding reaches there.
INLINE void beginSumsApart(
  const Columns columns, const InitRows *inits, ptrdiff_t units, ptrdiff_t unit, ptrdiff_t count,
  ptrdiff_t rows, float *sums
) {
  if (!groupsApart(columns)) return;
  fillSums(columns, columns.groups, columns.slots, inits, units, unit, count, rows, sums);
}
