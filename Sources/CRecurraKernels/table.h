// Stamps every body for the instruction set of the including isa_*.c and gathers them in its table.
#include "vector.h"
#include "vector_math.h"
#include "product.h"
#include "panels.h"
#include "forward.h"
#include "backward.h"
#include "gradients.h"
#include "optimizers.h"
#include "roofs.h"

#define PACK_PARAMETERS                                                                                     \
  ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd

#define CELL(cell, kernels)                                                                                 \
  static ptrdiff_t kernels##ForwardPanels(ptrdiff_t units) { return panelCount(units, panelUnits(cell)); }  \
  static ptrdiff_t kernels##BackwardPanels(ptrdiff_t units) { return panelCount(units, backwardPanelUnits); }    \
  static size_t kernels##PackedForwardSize(ptrdiff_t inputs, ptrdiff_t units) {                             \
    return packedForwardSize(cell, inputs, units);                                                          \
  }                                                                                                         \
  static size_t kernels##PackedBackwardSize(ptrdiff_t units) { return packedTransposeSize(cell, units, units); } \
  static size_t kernels##PackedInputSize(ptrdiff_t inputs, ptrdiff_t units) {                               \
    return packedTransposeSize(cell, inputs, units);                                                        \
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
  static void kernels##Product(const RecurraProduct *job) { product(cell, job); }                           \
  static void kernels##Forward(const RecurraForwardStep *step) { forwardStep(cell, step, 1); }              \
  static void kernels##Backward(const RecurraBackwardStep *step) { backwardStep(cell, step); }              \
  static void kernels##InputGradient(const RecurraInputGradient *job) { inputGradient(cell, job); }         \
  static void kernels##ForwardGates(const RecurraForwardStep *step) { forwardStep(cell, step, 0); }         \
  static void kernels##BackwardGates(const RecurraBackwardStep *step) { backwardGates(cell, step); }

CELL(RNN, rnn)
CELL(LSTM, lstm)
CELL(GRU, gru)

#define CELL_TABLE(cell, kernels)                                                                           \
  {                                                                                                         \
    .slots = cell == RNN ? 1 : 4, .forwardPanels = kernels##ForwardPanels,                                  \
    .backwardPanels = kernels##BackwardPanels, .packedForwardSize = kernels##PackedForwardSize,             \
    .packedBackwardSize = kernels##PackedBackwardSize, .packedInputSize = kernels##PackedInputSize,         \
    .packForward = kernels##PackForward, .packBackward = kernels##PackBackward,                             \
    .packInput = kernels##PackInput, .product = kernels##Product, .forward = kernels##Forward,              \
    .backward = kernels##Backward, .inputGradient = kernels##InputGradient,                                 \
    .forwardGates = kernels##ForwardGates,                                                                  \
    .backwardGates = kernels##BackwardGates                                                                 \
  }

#define RECURRA_TABLE(symbol, isa)                                                                          \
  const RecurraKernels symbol = {                                                                           \
    .name = isa, .vectorWidth = WIDTH, .rnn = CELL_TABLE(RNN, rnn), .lstm = CELL_TABLE(LSTM, lstm),         \
    .gru = CELL_TABLE(GRU, gru), .leftPanels = leftPanels, .packLeft = packLeft,                            \
    .weightGradient = weightGradient, .exp = mapExp, .tanh = mapTanh, .sigmoid = mapSigmoid, .sgd = sgd,         \
    .rmsprop = rmsprop, .adam = adam, .adagrad = adagrad, .sumOfSquares = sumOfSquares,                     \
    .fmaBurst = fmaBurst, .readBurst = readBurst                                                            \
  };
