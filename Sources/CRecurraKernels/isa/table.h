// Stamps every body for the instruction set of the including isa_*.c and gathers them in its table.
#include "vector.h"
#include "math/vector_math.h"
#include "matrix/panels.h"
#include "matrix/blocks.h"
#include "matrix/vector_panels.h"
#include "matrix/register_tiles.h"
#include "matrix/product.h"
#include "cells/forward_sums.h"
#include "cells/forward_row.h"
#include "cells/forward.h"
#include "matrix/input_product.h"
#include "cells/backward.h"
#include "matrix/left_panels.h"
#include "matrix/vector_gradients.h"
#include "matrix/gradients.h"
#include "math/optimizers.h"
#include "machine/roofs.h"

#define PACK_PARAMETERS                                                                                     \
  ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd

// What multiplyPanel calls back, for each cell; full panels with a constant number of units.
#define FULL_OR_LAST(full, function, ...)                                                                   \
  if (own->count == (full))                                                                                 \
    function(full, __VA_ARGS__);                                                                            \
  else                                                                                                      \
    function(own->count, __VA_ARGS__)
#define PREPARE_AND_FINISH(cell, kernels)                                                                   \
  static void kernels##PrepareForward(                                                                      \
    const void *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start) {         \
    const ForwardPanel *own = panel;                                                                        \
    FULL_OR_LAST(panelUnits(cell), prepareForward, cell, own, operand, row, rows, sums, start);             \
  }                                                                                                         \
  static void kernels##FinishForward(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {       \
    const ForwardPanel *own = panel;                                                                        \
    FULL_OR_LAST(panelUnits(cell), applyGates, cell, own->step, own->first + row, rows, own->unit, sums);   \
  }                                                                                                         \
  static void kernels##PrepareProduct(                                                                      \
    const void *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start) {         \
    (void)operand;                                                                                          \
    const ProductPanel *own = panel;                                                                        \
    FULL_OR_LAST(panelUnits(cell), prepareProduct, cell, own, row, rows, sums, start);                      \
  }                                                                                                         \
  static void kernels##FinishProduct(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {       \
    const ProductPanel *own = panel;                                                                        \
    FULL_OR_LAST(panelUnits(cell), finishProduct, cell, own, row, rows, sums);                              \
  }                                                                                                         \
  static void kernels##PrepareBackward(                                                                     \
    const void *panel, int operand, ptrdiff_t row, ptrdiff_t rows, float *sums, TileStart *start) {         \
    if (operand != 0) return;                                                                               \
    const BackwardPanel *own = panel;                                                                       \
    FULL_OR_LAST(backwardPanelUnits, prepareBackward, cell, own, row, rows, sums, start);                   \
  }                                                                                                         \
  static void kernels##FinishBackward(const void *panel, ptrdiff_t row, ptrdiff_t rows, float *sums) {      \
    const BackwardPanel *own = panel;                                                                       \
    FULL_OR_LAST(backwardPanelUnits, finishBackward, cell, own, row, rows, sums);                           \
  }

#define CELL(cell, kernels)                                                                                 \
  static ptrdiff_t kernels##ForwardPanels(ptrdiff_t units) { return panelCount(units, panelUnits(cell)); }  \
  static ptrdiff_t kernels##BackwardPanels(ptrdiff_t units) { return panelCount(units, backwardPanelUnits); }    \
  static size_t kernels##PackedForwardSize(ptrdiff_t inputs, ptrdiff_t units) {                             \
    return packedForwardSize(cell, inputs, units);                                                          \
  }                                                                                                         \
  static size_t kernels##PackedBackwardSize(ptrdiff_t units) { return packedTransposeSize(cell, units, units); }    \
  static size_t kernels##PackedInputSize(ptrdiff_t inputs, ptrdiff_t units) {                               \
    return packedTransposeSize(cell, inputs, units);                                                         \
  }                                                                                                         \
  static void kernels##PackForward(PACK_PARAMETERS) {                                                       \
    packForward(cell, inputs, units, weights, packed, panelBegin, panelEnd);                                \
  }                                                                                                         \
  static void kernels##PackBackward(PACK_PARAMETERS) {                                                      \
    packTranspose(                                                                                          \
      cell, units, units, weights + inputs * gateCount(cell) * units, packed, panelBegin, panelEnd);        \
  }                                                                                                         \
  static void kernels##PackInput(PACK_PARAMETERS) {                                                         \
    packTranspose(cell, inputs, units, weights, packed, panelBegin, panelEnd);                              \
  }                                                                                                         \
  PREPARE_AND_FINISH(cell, kernels)                                                                         \
  static void kernels##Product(const RecurraProduct *job) {                                                 \
    product(cell, job, kernels##PrepareProduct, kernels##FinishProduct);                                    \
  }                                                                                                         \
  static ptrdiff_t kernels##Forward(const RecurraForwardStep *step) {                                       \
    return forwardSteps(cell, step, kernels##PrepareForward, kernels##FinishForward);                       \
  }                                                                                                         \
  static void kernels##Backward(const RecurraBackwardStep *step) {                                          \
    backwardStep(cell, step, kernels##PrepareBackward, kernels##FinishBackward);                            \
  }                                                                                                         \
  static void kernels##InputGradient(const RecurraInputGradient *job) { inputGradient(cell, job); }         \
  static void kernels##ForwardGates(const RecurraForwardStep *step) { forwardGates(cell, step); }            \
  static void kernels##BackwardGates(const RecurraBackwardStep *step) { backwardGates(cell, step); }

CELL(RNN, rnn)
CELL(LSTM, lstm)
CELL(GRU, gru)

#define CELL_TABLE(cell, kernels)                                                                           \
  {                                                                                                         \
    .slots = cell == RNN ? 1 : 4,                                                                           \
    .panelUnits = cell == RNN ? 64 : 16,                                                                    \
    .forwardPanels = kernels##ForwardPanels, .backwardPanels = kernels##BackwardPanels,                      \
    .packedForwardSize = kernels##PackedForwardSize,                                                        \
    .packedBackwardSize = kernels##PackedBackwardSize, .packedInputSize = kernels##PackedInputSize,         \
    .packForward = kernels##PackForward, .packBackward = kernels##PackBackward,                             \
    .packInput = kernels##PackInput, .product = kernels##Product, .forward = kernels##Forward,              \
    .backward = kernels##Backward, .inputGradient = kernels##InputGradient,                                 \
    .forwardGates = kernels##ForwardGates,                                                                  \
    .backwardGates = kernels##BackwardGates, .scratchSize = scratchSize,                                    \
    .leftPanels = leftPanels,                                                                               \
    .packedLeftSize = packedLeftSize, .packLeft = packLeft,                                              \
    .gradientScratchSize = gradientScratchSize, .weightGradient = weightGradient               \
  }

#define RECURRA_TABLE(symbol, isa)                                                                          \
  const RecurraKernels symbol = {                                                                           \
    .name = isa, .vectorWidth = WIDTH, .rnn = CELL_TABLE(RNN, rnn), .lstm = CELL_TABLE(LSTM, lstm),         \
    .gru = CELL_TABLE(GRU, gru), .sumRows = sumRows, .addRows = addRows, .exp = mapExp, .tanh = mapTanh,    \
    .sigmoid = mapSigmoid, .sgd = sgd, .rmsprop = rmsprop, .adam = adam, .adagrad = adagrad,                \
    .sumOfSquares = sumOfSquares,                                                                           \
    .fmaBurst = fmaBurst, .readBurst = readBurst                                                            \
  };
