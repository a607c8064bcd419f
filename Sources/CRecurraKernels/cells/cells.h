// Every cell, and which functions are its own.
#include "recurra_cells.h"

#include "cells/cell.h"
#include "cells/rnn.h"
#include "cells/lstm.h"
#include "cells/gru.h"
#include "cells/peephole.h"

#define CELL_TAG(name) name##Cell,
enum Cell { RECURRA_CELLS(CELL_TAG) };

INLINE CellTraits traitsOf(enum Cell cell) {
#define CELL_TRAITS(name) \
  if (cell == name##Cell) return name##Traits;
  RECURRA_CELLS(CELL_TRAITS)
  return (CellTraits){.pairsPanels = 0};
}

INLINE Columns columnsOf(enum Cell cell) { return traitsOf(cell).columns; }

/// First pass of the gates: the activations that wait for nothing.
///
/// Two passes, because one chain from the gates through c to tanh(c) is longer than a core looks ahead.
INLINE void activate(enum Cell cell, const RecurraForwardStep *step, const Units at) {
#define CELL_ACTIVATE(name) \
  if (cell == name##Cell) name##Activate(step, &at);
  RECURRA_CELLS(CELL_ACTIVATE)
}

/// Second pass: the new h of some vectors, together.
INLINE void emit(enum Cell cell, const RecurraForwardStep *step, const int vectors, const Units *at) {
#define CELL_EMIT(name) \
  if (cell == name##Cell) name##Emit(step, vectors, at);
  RECURRA_CELLS(CELL_EMIT)
}

/// Takes dh of some vectors of a row through the gates; leaves there what reaches the h before without a product.
INLINE void derive(enum Cell cell, const BackwardUnits *first, const int vectors, Vector *dh) {
#define CELL_DERIVE(name) \
  if (cell == name##Cell) name##Derive(first, vectors, dh);
  RECURRA_CELLS(CELL_DERIVE)
}
