// Stamps every body for the instruction set of the including isa_*.c and gathers them in its table.
#include "vector.h"
#include "math/vector_math.h"
#include "math/softmax.h"
#include "math/rows.h"
#include "math/optimizers.h"
#include "matrix/columns.h"
#include "matrix/blocks.h"
#include "matrix/packing.h"
#include "matrix/tiles.h"
#include "matrix/panel_product.h"
#include "matrix/sums.h"
#include "matrix/column_product.h"
#include "matrix/transposed_product.h"
#include "matrix/weight_gradient.h"
#include "matrix/row_sums.h"
#include "cells/cells.h"
#include "cells/forward_panel.h"
#include "cells/forward_row.h"
#include "cells/forward.h"
#include "cells/backward.h"
#include "machine/roofs.h"

#define PACK_PARAMETERS                                                                                           \
  ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd
#define SUMS_PARAMETERS const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums
#define START_PARAMETERS                                                                                          \
  const void *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start

// What multiplyPanel calls back; full panels with a constant number of units.
#define FULL_OR_LAST(full, function, ...)                                                                         \
  if (own->count == (full))                                                                                       \
    function(full, __VA_ARGS__);                                                                                  \
  else                                                                                                            \
    function(own->count, __VA_ARGS__)

// The products of some columns: `name` stands before what is stamped.
#define COLUMNS(name, columns)                                                                                    \
  static ptrdiff_t name##Panels(ptrdiff_t units) { return panelCount(units, (columns).panelUnits); }              \
  static ptrdiff_t name##TransposedPanels(ptrdiff_t rows) { return panelCount(rows, transposedWidth); }           \
  static size_t name##PackedTransposeSize(ptrdiff_t rows, ptrdiff_t units) {                                      \
    return packedTransposeSize(columns, rows, units);                                                             \
  }                                                                                                               \
  static void name##PrepareProduct(START_PARAMETERS) {                                                            \
    (void)operand;                                                                                                \
    const ProductPanel *own = panel;                                                                              \
    FULL_OR_LAST((columns).panelUnits, prepareProduct, columns, own, row, rows, sums, start);                     \
  }                                                                                                               \
  static void name##FinishProduct(SUMS_PARAMETERS) {                                                              \
    const ProductPanel *own = panel;                                                                              \
    FULL_OR_LAST((columns).panelUnits, finishProduct, columns, own, row, rows, sums);                             \
  }                                                                                                               \

COLUMNS(plain, plainColumns)

static size_t plainPackedSize(ptrdiff_t inputs, ptrdiff_t units) { return packedSize(plainColumns, inputs, units); }
static void plainInputGradient(const RecurraInputGradient *job) { inputGradient(plainColumns, job); }
static void plainPackTranspose(PACK_PARAMETERS) {
  packTranspose(plainColumns, inputs, units, weights, packed, panelBegin, panelEnd);
}
static void plainPack(PACK_PARAMETERS) {
  packColumns(plainColumns, inputs, inputs, units, weights, packed, panelBegin, panelEnd);
}
static void plainProduct(const RecurraProduct *job) {
  product(plainColumns, job->inputs, job, plainPrepareProduct, plainFinishProduct);
}

#define CELL(name)                                                                                                \
  COLUMNS(name, columnsOf(name##Cell))                                                                            \
  static size_t name##PackedForwardSize(ptrdiff_t inputs, ptrdiff_t units) {                                      \
    return packedSize(columnsOf(name##Cell), inputs + units, units);                                              \
  }                                                                                                               \
  static size_t name##PackedBackwardSize(ptrdiff_t units) { return name##PackedTransposeSize(units, units); }     \
  static void name##PackForward(PACK_PARAMETERS) {                                                                \
    packColumns(columnsOf(name##Cell), inputs, inputs + units, units, weights, packed, panelBegin, panelEnd);     \
  }                                                                                                               \
  static void name##PackBackward(PACK_PARAMETERS) {                                                               \
    const float *const recurrent = weights + inputs * columnsOf(name##Cell).groups * units;                       \
    packTranspose(columnsOf(name##Cell), units, units, recurrent, packed, panelBegin, panelEnd);                  \
  }                                                                                                               \
  static void name##Product(const RecurraProduct *job) {                                                          \
    product(columnsOf(name##Cell), job->inputs + job->units, job, name##PrepareProduct, name##FinishProduct);     \
  }                                                                                                               \
  static void name##PrepareForward(START_PARAMETERS) {                                                            \
    const ForwardPanel *own = panel;                                                                              \
    const ptrdiff_t full = columnsOf(name##Cell).panelUnits;                                                      \
    FULL_OR_LAST(full, prepareForward, name##Cell, own, operand, row, rows, sums, start);                         \
  }                                                                                                               \
  static void name##FinishForward(SUMS_PARAMETERS) {                                                              \
    const ForwardPanel *own = panel;                                                                              \
    const ptrdiff_t full = columnsOf(name##Cell).panelUnits;                                                      \
    FULL_OR_LAST(full, applyGates, name##Cell, own->step, own->first + row, rows, own->unit, sums);               \
  }                                                                                                               \
  static ptrdiff_t name##Forward(const RecurraForwardStep *step) {                                                \
    return forwardSteps(name##Cell, step, name##PrepareForward, name##FinishForward);                             \
  }                                                                                                               \
  static void name##PrepareBackward(START_PARAMETERS) {                                                           \
    if (operand != 0) return;                                                                                     \
    const BackwardPanel *own = panel;                                                                             \
    FULL_OR_LAST(transposedWidth, prepareBackward, name##Cell, own, row, rows, sums, start);                      \
  }                                                                                                               \
  static void name##FinishBackward(SUMS_PARAMETERS) {                                                             \
    const BackwardPanel *own = panel;                                                                             \
    FULL_OR_LAST(transposedWidth, finishBackward, name##Cell, own, row, rows, sums);                              \
  }                                                                                                               \
  static void name##Backward(const RecurraBackwardStep *step) {                                                   \
    backwardStep(name##Cell, step, name##PrepareBackward, name##FinishBackward);                                  \
  }                                                                                                               \
  static void name##ForwardGates(const RecurraForwardStep *step) { forwardGates(name##Cell, step); }              \
  static void name##BackwardGates(const RecurraBackwardStep *step) { backwardGates(name##Cell, step); }

RECURRA_CELLS(CELL)

#define CELL_TABLE(cell)                                                                                          \
  .cell = {                                                                                                       \
    .slots = cell##Slots, .panelUnits = cell##PanelUnits,                                           \
    .forwardPanels = cell##Panels, .backwardPanels = cell##TransposedPanels,                                      \
    .packedForwardSize = cell##PackedForwardSize, .packedBackwardSize = cell##PackedBackwardSize,                 \
    .packForward = cell##PackForward, .packBackward = cell##PackBackward, .product = cell##Product,               \
    .forward = cell##Forward, .backward = cell##Backward,                                                         \
    .forwardGates = cell##ForwardGates, .backwardGates = cell##BackwardGates, .scratchSize = scratchSize},

#define RECURRA_TABLE(symbol, isa)                                                                                \
  const RecurraKernels symbol = {                                                                                 \
    .name = isa, .vectorWidth = WIDTH, RECURRA_CELLS(CELL_TABLE)                                                  \
    .matrix = {                                                                                                   \
      .panelUnits = plainPanelUnits, .panels = plainPanels, .transposedPanels = plainTransposedPanels,            \
      .packedSize = plainPackedSize, .packedTransposeSize = plainPackedTransposeSize, .pack = plainPack,          \
      .packTranspose = plainPackTranspose, .product = plainProduct, .inputGradient = plainInputGradient,          \
      .scratchSize = scratchSize, .leftPanels = leftPanels, .packedLeftSize = packedLeftSize,                     \
      .packLeft = packLeft, .gradientScratchSize = gradientScratchSize, .weightGradient = weightGradient},        \
    .sumRows = sumRows, .addRows = addRows, .exp = mapExp, .tanh = mapTanh, .sigmoid = mapSigmoid,                \
    .exponentials = rowExponentials, .scale = scaleRow, .normalize = normalizeRow,                                \
    .normalizeBack = normalizeRowBack, .line = mapLine, .sgd = sgd, .rmsprop = rmsprop, .adam = adam,             \
    .adagrad = adagrad, .sumOfSquares = sumOfSquares, .fmaBurst = fmaBurst, .readBurst = readBurst};
