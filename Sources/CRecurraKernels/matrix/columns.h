// Columns of weights: groups of them, how panels take them, and in which order their sums lie in scratch.
//
// A row of weights has `groups` groups of `units` columns each; a panel holds the same few units of every group, one
// group behind the other. A row of results has a slot for each group. Where there are more slots than groups, the last
// groups take their first operand and their second apart: then sums lie in the order "those of the first operand apart,
// the groups that both share, those of the second apart", so that each operand sees one window of `groups` positions.
// A transposed panel holds 64 rows of weights as its columns.

typedef struct {
  ptrdiff_t groups, slots, panelUnits;
} Columns;

/// Columns in one group, as of a dense layer.
enum { plainPanelUnits = 64 };

static const Columns plainColumns = {.groups = 1, .slots = 1, .panelUnits = plainPanelUnits};

enum { sumsWidth = 64, transposedWidth = RECURRA_TRANSPOSED_COLUMNS, rowsPerBlock = 64 };

/// Floats of scratch for the sums of a block of rows; the last slots of the last row are loaded as whole vectors.
INLINE ptrdiff_t sumsFloats(ptrdiff_t rows) { return smaller(rows, rowsPerBlock) * sumsWidth + 4 * WIDTH; }

static size_t scratchSize(ptrdiff_t rows) { return (size_t)sumsFloats(rows); }

INLINE ptrdiff_t panelCount(ptrdiff_t units, ptrdiff_t unitsPerPanel) {
  return (units + unitsPerPanel - 1) / unitsPerPanel;
}

/// Groups whose operands have slots of their own, and the position at which the second operand's window begins.
INLINE ptrdiff_t groupsApart(const Columns columns) { return columns.slots - columns.groups; }

/// Columns of a panel of `units` units, padded to whole vectors; only the last panel needs padding.
INLINE ptrdiff_t panelFloats(const Columns columns, ptrdiff_t units) { return roundUp(columns.groups * units, WIDTH); }

/// Floats of all panels; each is [depth][columns].
INLINE size_t packedSize(const Columns columns, ptrdiff_t depth, ptrdiff_t units) {
  const ptrdiff_t full = units / columns.panelUnits, rest = units % columns.panelUnits;
  const ptrdiff_t floats = full * panelFloats(columns, columns.panelUnits) + (rest ? panelFloats(columns, rest) : 0);
  return (size_t)(floats * depth);
}

/// Where a panel begins.
INLINE ptrdiff_t panelStart(const Columns columns, ptrdiff_t panel, ptrdiff_t depth) {
  return panel * panelFloats(columns, columns.panelUnits) * depth;
}

/// Floats of the transpose of `rows` rows of weights, whose depth are their columns.
INLINE size_t packedTransposeSize(const Columns columns, ptrdiff_t rows, ptrdiff_t units) {
  return (size_t)(roundUp(rows, WIDTH) * columns.groups * units);
}

/// The group at a position of a row of packed weights.
INLINE ptrdiff_t groupAt(const Columns columns, ptrdiff_t position, int isFirstOperand) {
  return isFirstOperand ? (position + columns.groups - groupsApart(columns)) % columns.groups : position;
}

/// The slot at a position of scratch.
INLINE ptrdiff_t slotAt(const Columns columns, ptrdiff_t position) {
  return position < columns.groups ? groupAt(columns, position, 1) : position;
}

/// Where a column of a row lies.
INLINE float *elementAt(const RecurraRows rows, ptrdiff_t row, ptrdiff_t column) {
  return rows.base + row * rows.stride + column;
}
