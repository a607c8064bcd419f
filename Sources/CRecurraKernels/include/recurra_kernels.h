// Kernels of a recurrent layer: gate products on packed weights with the gates fused behind them, vector maths and
// optimiser updates, one table per instruction set.
//
// Letters: B batch, I inputs, H units, G gates (RNN 1, LSTM 4, GRU 3), S slots (RNN 1, LSTM 4, GRU 4).
//
// Weights are Keras' [W;U], row-major, (I+H) x G*H; gate columns i f c o (LSTM), z r h (GRU, reset after).
// A gate buffer is [row][slot*H + unit]. Slots are the gates, except that the GRU keeps both halves of its candidate:
// z, r, nx = x*Wn + b_in, nh = h*Un + b_rec, with n = tanh(nx + r*nh) and h' = (1-z)*n + z*h.
//
// Every pre-activation is one chain of fused multiply-adds in float32, over the inputs and then over the units, in
// ascending order. So a row's result depends neither on the other rows, nor on how rows, units or depth are divided,
// nor (among the sets with FMA) on the instruction set: equal to the bit.
//
// Kernels check nothing and allocate nothing. All strides are in floats.
#ifndef RECURRA_KERNELS_H
#define RECURRA_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "recurra_rows.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECURRA_SENDABLE __attribute__((swift_attr("@Sendable")))

/// Rows times a packed x-part: out = init + x*W for the hoisted input projection of many timesteps.
///
/// The GRU's slot nh receives init alone. What is written can be the `init` of a hoisted `RecurraForwardStep`.
typedef struct RecurraProduct {
  ptrdiff_t rows, inputs, units;
  ptrdiff_t panelBegin, panelEnd;
  const float *_Nullable x;  // [rows][I]
  ptrdiff_t xStride;
  const float *_Nullable init;  // [rows][S*H]; a bias has stride 0
  ptrdiff_t initStride;
  const float *_Nullable packed;  // from packForward with the same inputs and units
  float *_Nullable out;  // [rows][S*H]
  ptrdiff_t outStride;
  float *_Nullable scratch;  // of scratchSize(rows)
} RecurraProduct;

/// Memory that the next step will use, fetched bit by bit in the course of this one: more than a few lines at a time
/// would hold up the product.
typedef struct RecurraAhead {
  const float *_Nullable from;  // NULL for nothing; where the first is, so are the others
  ptrdiff_t count;
} RecurraAhead;

/// One timestep of a cell for `rows` rows and the panels [panelBegin, panelEnd), or several such that follow each
/// other.
///
/// With each step the states change places, h with hNext and c with cNext; x, init, initRows and y move on by their
/// xStep, initStep, initRowsStep and yStep.
typedef struct RecurraForwardStep {
  ptrdiff_t rows, inputs, units;
  ptrdiff_t steps;  // how many, 0 is 1; more than that without gates, ahead and awaitRest
  ptrdiff_t panelBegin, panelEnd;
  int descending;  // last panel first; by turns, each step begins with the weights that the cache still holds
  int pairs;  // whether a single row goes through two panels together; the same bits
  const float *_Nullable x;  // [rows][I]; not read when hoisted. With h right behind it, [x, h] is one operand
  ptrdiff_t xStride, xStep;
  const float *_Nullable xAhead;  // where the next step's x lies, to be fetched ahead; or NULL
  ptrdiff_t xAheadStride;
  int goesOn;  // of several steps the last has one behind it too, for which the others' xAhead and initRowsAhead hold
  const float *_Nullable h;  // [rows][H] of the previous step
  ptrdiff_t hStride;
  int fromZeros;  // h is all zeros: its product is left out, which only infinite weights or a bias of -0 could tell
  /// Called once, with the product under way, unless fromZeros: when it returns, h is there and nobody reads hNext any
  /// more. NULL: both hold when the step begins.
  void (*_Nullable awaitRest)(void *_Nullable waiter);
  void *_Nullable waiter;
  ptrdiff_t ready;  // units of a single row's h that are there all the same
  /// A single row that threads make together: h, hNext, c and cNext are the member's own rows, h that of this turn.
  /// Each hNext is handed over, and the first member writes y. There is no awaitRest then.
  const RecurraRowMember *_Nullable member;
  ptrdiff_t turn;
  const float *_Nullable init;  // [S*H] bias with stride 0, or [rows][S*H] of x*W + b (then hoisted)
  ptrdiff_t initStride, initStep;
  const int32_t *_Nullable initRows;  // row n's init lies at init + initRows[n] * initStride; NULL: at row n
  const int32_t *_Nullable initRowsAhead;  // those of the next step, to be fetched ahead; or NULL
  ptrdiff_t initRowsStep;
  int hoisted;
  const float *_Nullable packed;  // from packForward with the same inputs and units
  const float *_Nullable c;  // LSTM: [rows][H] of the previous step
  ptrdiff_t cStride;
  float *_Nullable cNext;  // LSTM: may be c
  ptrdiff_t cNextStride;
  float *_Nullable hNext;  // never h: other panels still read it
  ptrdiff_t hNextStride;
  float *_Nullable y;  // second destination of the new h, or NULL
  ptrdiff_t yStride, yStep;
  float *_Nullable gates;  // activated gates for training, or NULL; may be init with the same stride
  ptrdiff_t gatesStride;   // stored: LSTM i f c~ o; GRU z r n nh; RNN nothing
  RecurraAhead ahead[3];
  float *_Nullable scratch;  // of scratchSize(rows), this thread's own
} RecurraForwardStep;

/// One timestep of back-propagation: dh = dhCarry + dy + dgatesNext*U^T, then the derivatives of the gates.
typedef struct RecurraBackwardStep {
  ptrdiff_t rows, units;
  ptrdiff_t panelBegin, panelEnd;  // of backwardPanels(units)
  int descending;  // as in the forward step
  ptrdiff_t productRows;  // rows from this one on have no next step and no product (ragged batches, longest first)
  const float *_Nullable dgatesNext;  // [productRows][S*H] of step t+1
  ptrdiff_t dgatesNextStride;
  const float *_Nullable packed;  // from packBackward
  const float *_Nullable dy;  // [rows][H] or NULL
  ptrdiff_t dyStride;
  float *_Nullable dhCarry;  // [rows][H] or NULL (RNN, LSTM); in: gradient added to dh; out: the part of dh that
  ptrdiff_t dhCarryStride;   // by-passes the gates on its way to step t-1: dh*z for the GRU, 0 for the others
  float *_Nullable dc;  // LSTM: [rows][H], in: of c_t, out: of c_(t-1)
  ptrdiff_t dcStride;
  float *_Nullable gates;  // in: what forward stored; out: gradients of the pre-activations, slot by slot
  ptrdiff_t gatesStride;   // (the RNN only writes). NULL: no gates, dh goes to dhOut, dhCarry stays
  const float *_Nullable c;  // LSTM: [rows][H]
  ptrdiff_t cStride;
  const float *_Nullable cPrevious;  // LSTM: [rows][H]
  ptrdiff_t cPreviousStride;
  const float *_Nullable h;  // RNN: [rows][H] of step t
  ptrdiff_t hStride;
  const float *_Nullable hPrevious;  // GRU: [rows][H] of step t-1
  ptrdiff_t hPreviousStride;
  float *_Nullable dhOut;  // [rows][H], may be dhCarry; only when gates is NULL
  ptrdiff_t dhOutStride;
  const float *_Nullable dyAhead;  // where the dy of step t-1 lies, with the same stride, to be fetched ahead; or NULL
  RecurraAhead ahead[3];
  float *_Nullable scratch;  // of scratchSize(rows), this thread's own
} RecurraBackwardStep;

/// Rows that a weight gradient sums up before it adds them to the result: the same for every instruction set.
enum { RECURRA_GRADIENT_DEPTH = 384 };

/// The gradient of weights: out = left^T * right, summed over `depth` rows.
///
/// Left's columns, inputs first and then units, are the rows of out. Rows are summed in blocks of
/// RECURRA_GRADIENT_DEPTH, each from zero and in a fixed order, so how panels and columns are divided does not show
/// in the result, nor does a cut of the rows at a multiple of that depth.
typedef struct RecurraWeightGradient {
  ptrdiff_t depth, inputs, units, columns;
  ptrdiff_t panelBegin, panelEnd;  // of leftPanels
  const float *_Nullable left;  // [depth][inputs + units]
  ptrdiff_t leftStride;
  const float *_Nullable packedLeft;  // the same from packLeft, in blocks of RECURRA_GRADIENT_DEPTH rows (the last may
                                      // be shorter); or NULL, then left is read
  const float *_Nullable right;  // [depth][columns]
  ptrdiff_t rightStride;
  float *_Nullable out;  // [inputs + units][columns]
  ptrdiff_t outStride;
  float *_Nullable bias;  // [columns], the sums of right's columns, or NULL
  int adds;  // adds to out and bias instead of setting them
  float *_Nullable scratch;  // of gradientScratchSize(depth, panelEnd - panelBegin), this thread's own
} RecurraWeightGradient;

/// The gradient of the inputs, dgates * W^T, for rows [rowBegin, rowEnd) of all timesteps.
typedef struct RecurraInputGradient {
  ptrdiff_t rowBegin, rowEnd, inputs, units;
  const float *_Nullable dgates;  // [rows][S*H], from row 0
  ptrdiff_t dgatesStride;
  const float *_Nullable packed;  // from packInput
  ptrdiff_t rowsPerStep;
  float *_Nullable out;  // row n goes to out + n / rowsPerStep * stepStride + n % rowsPerStep * rowStride
  ptrdiff_t stepStride, rowStride;
  float *_Nullable scratch;  // of scratchSize(rows)
} RecurraInputGradient;

/// Asks for what will be read before long.
static inline void recurra_fetch(const void *_Nonnull from, ptrdiff_t bytes) {
  for (ptrdiff_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch((const char *)from + byte, 0, 2);
}

/// Sums of rows that lie anywhere: row n of out is the sum of sources[starts[n]] to sources[starts[n + 1] - 1], in this
/// order.
typedef struct RecurraRowSums {
  ptrdiff_t rowBegin, rowEnd, columns;
  const float *_Nonnull const *_Nullable sources;  // [starts[rows]], each [columns]
  const int32_t *_Nullable starts;  // ascending; a row without sources is zero
  float *_Nullable out;  // [rows][columns]
  ptrdiff_t outStride;
} RecurraRowSums;

/// Rows added to others, one after the other: row places[n] of out is added row n of from.
typedef struct RecurraRowAdditions {
  ptrdiff_t rows, columns;
  const float *_Nullable from;  // [rows][columns]
  ptrdiff_t fromStride;
  const int32_t *_Nullable places;  // [rows]
  float *_Nullable out;
  ptrdiff_t outStride;
} RecurraRowAdditions;

/// Settings of gradient descent; all optimisers follow Keras 3, with g = gradientScale * gradient.
typedef struct RecurraSGD {
  float learningRate, momentum;
  int nesterov;
  float gradientScale;
  float weightDecay;  // decoupled: w -= learningRate*weightDecay*w before the update
} RecurraSGD;

typedef struct RecurraRMSprop {
  float learningRate, rho, momentum, epsilon;
  float gradientScale, weightDecay;
} RecurraRMSprop;

typedef struct RecurraAdam {
  float learningRate;      // for the weight decay
  float stepSize;          // learningRate * sqrt(1 - beta2^t) / (1 - beta1^t)
  float beta1, beta2, epsilon;
  float gradientScale, weightDecay;
} RecurraAdam;

typedef struct RecurraAdagrad {
  float learningRate, epsilon;
  float gradientScale, weightDecay;
} RecurraAdagrad;

#pragma clang assume_nonnull begin

/// The kernels of one cell. A panel is a block of units with all their gates; sizes are in floats.
///
/// Packed weights have a private layout of this instruction set. Panels are packed and multiplied independently, so
/// ranges of panels can be given to several threads; packing writes every float of its panels.
typedef struct RECURRA_SENDABLE RecurraCellKernels {
  ptrdiff_t slots;
  ptrdiff_t panelUnits;  // of forward's panels; the last may have fewer
  ptrdiff_t (*forwardPanels)(ptrdiff_t units);
  ptrdiff_t (*backwardPanels)(ptrdiff_t units);
  size_t (*packedForwardSize)(ptrdiff_t inputs, ptrdiff_t units);
  size_t (*packedBackwardSize)(ptrdiff_t units);
  size_t (*packedInputSize)(ptrdiff_t inputs, ptrdiff_t units);
  /// Packs [W;U] for product and forward; with inputs = 0 the weights are U alone.
  void (*packForward)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  /// Packs U^T for backward; takes the whole [W;U] as packForward does.
  void (*packBackward)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  /// Packs W^T for inputGradient in panels as backward's: backwardPanels(inputs).
  void (*packInput)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  void (*product)(const RecurraProduct *product);
  /// Returns how many steps are done: all, but where the members that make a row have parted.
  ptrdiff_t (*forward)(const RecurraForwardStep *step);
  void (*backward)(const RecurraBackwardStep *step);
  void (*inputGradient)(const RecurraInputGradient *gradient);
  /// Does the gates alone, for all units: init holds complete pre-activations. Panels, x and packed are not read, h
  /// only for the GRU's state update.
  void (*forwardGates)(const RecurraForwardStep *step);
  /// Does the gates alone, for all units, with dh = dhCarry + dy. Panels, dgatesNext and packed are not read.
  void (*backwardGates)(const RecurraBackwardStep *step);

  /// Floats of scratch for so many rows, and no more than for 64. It begins with a cache line.
  size_t (*scratchSize)(ptrdiff_t rows);
  /// Panels of left, a handful of columns each: first those of the inputs, then those of the units.
  ptrdiff_t (*leftPanels)(ptrdiff_t inputs, ptrdiff_t units);
  /// Floats of packed left for `depth` rows; whole blocks of RECURRA_GRADIENT_DEPTH follow each other.
  size_t (*packedLeftSize)(ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth);
  /// Packs [inputs + units] columns of at most RECURRA_GRADIENT_DEPTH rows for weightGradient.
  void (*packLeft)(
    ptrdiff_t inputs, ptrdiff_t units, ptrdiff_t depth, const float *left, ptrdiff_t leftStride, float *packed);
  /// Floats of scratch for the gradient of so many panels of left from so many rows.
  size_t (*gradientScratchSize)(ptrdiff_t depth, ptrdiff_t panels);
  void (*weightGradient)(const RecurraWeightGradient *gradient);
} RecurraCellKernels;

/// Everything, for one instruction set.
typedef struct RECURRA_SENDABLE RecurraKernels {
  const char *name;  // "generic", "avx2", "avx512", "neon"
  int vectorWidth;   // floats in a register

  RecurraCellKernels rnn;   // h' = tanh(pre-activation)
  RecurraCellKernels lstm;  // c' = f*c + i*c~, h' = o*tanh(c')
  RecurraCellKernels gru;   // reset after: h' = (1-z)*n + z*h

  void (*sumRows)(const RecurraRowSums *sums);
  void (*addRows)(const RecurraRowAdditions *additions);

  // Maps of `count` values; output may be input. Exact at 0 and +-Inf, NaN in NaN out, the same bits in every lane
  // and in every set with FMA. The bounds are of all 2^32 floats against double, with subnormals not flushed.
  /// Computes e^x within 1.02 ULP.
  void (*exp)(const float *input, float *output, size_t count);
  /// Computes tanh(x) within 1.75 ULP; keeps the sign of zero.
  void (*tanh)(const float *input, float *output, size_t count);
  /// Computes 1/(1 + e^-x) within 2.51 ULP, in both tails; a result below 2^-126 may be 0.
  void (*sigmoid)(const float *input, float *output, size_t count);

  /// v = momentum*v - lr*g; w += v, or with Nesterov w += momentum*v - lr*g. Without velocity: w -= lr*g.
  void (*sgd)(
    const RecurraSGD *settings, float *weights, const float *gradient, float *_Nullable velocity, size_t count);
  /// v = rho*v + (1-rho)*g^2; d = lr*g / sqrt(v + eps), centred (average given) lr*g / sqrt(v - average^2 + eps);
  /// w -= d, or with a moment m = momentum*m + d; w -= m.
  void (*rmsprop)(
    const RecurraRMSprop *settings, float *weights, const float *gradient, float *velocity,
    float *_Nullable average, float *_Nullable moment, size_t count);
  /// m += (g-m)(1-beta1); v += (g^2-v)(1-beta2); w -= stepSize*m / (sqrt(v) + eps); AMSGrad when maximum is given.
  void (*adam)(
    const RecurraAdam *settings, float *weights, const float *gradient, float *moment, float *velocity,
    float *_Nullable maximum, size_t count);
  /// a += g^2; w -= lr*g / sqrt(a + eps).
  void (*adagrad)(
    const RecurraAdagrad *settings, float *weights, const float *gradient, float *accumulator, size_t count);

  /// Sums squares in double, in an order that is the same for every instruction set.
  double (*sumOfSquares)(const float *values, size_t count);

  /// Does independent register-only FMAs and returns their number of flops: the arithmetic roof.
  double (*fmaBurst)(size_t iterations);
  /// Reads a buffer once and returns a checksum: the bandwidth roof of the level that holds it.
  float (*readBurst)(const void *bytes, size_t count);
} RecurraKernels;

/// Returns the table of an instruction set, NULL when the name is unknown or this CPU does not have it.
const RecurraKernels *_Nullable recurra_kernels_named(const char *isa);

/// Returns the table that is fastest on this CPU: AVX-512, else AVX2, else NEON, else generic.
///
/// AVX-512 leads even where 512 bits take two passes (Zen 4: 1.05 to 1.15 times AVX2), by its 32 registers.
const RecurraKernels *recurra_kernels_best(void);

/// Makes this thread flush subnormal floats to zero (FTZ, DAZ, FPCR.FZ) and returns its former control word.
unsigned recurra_fp_enter(void);

/// Restores the control word that recurra_fp_enter returned.
void recurra_fp_leave(unsigned former);

#pragma clang assume_nonnull end

#ifdef __cplusplus
}
#endif

#endif
