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

#include "recurra_cells.h"
#include "recurra_rows.h"
#include "recurra_steps.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECURRA_SENDABLE __attribute__((swift_attr("@Sendable")))

/// Fetches what will be read before long.
static inline void recurra_fetch(const void *_Nonnull from, ptrdiff_t bytes) {
  for (ptrdiff_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch((const char *)from + byte, 0, 2);
}

/// A line between two bounds: factor*x / divisor + offset.
typedef struct RecurraLine {
  float factor, divisor, offset, low, high;
} RecurraLine;

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
  /// Packs [W;U] for product and forward; with inputs = 0 the weights are U alone.
  void (*packForward)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  /// Packs U^T for backward; takes the whole [W;U] as packForward does.
  void (*packBackward)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  void (*product)(const RecurraProduct *product);
  /// Returns how many steps are done: all, but where the members that make a row have parted.
  ptrdiff_t (*forward)(const RecurraForwardStep *step);
  void (*backward)(const RecurraBackwardStep *step);
  /// Does the gates alone, for all units: init holds complete pre-activations. Panels, x and packed are not read, h
  /// only for the GRU's state update.
  void (*forwardGates)(const RecurraForwardStep *step);
  /// Does the gates alone, for all units, with dh = dhCarry + dy. Panels, dgatesNext and packed are not read.
  void (*backwardGates)(const RecurraBackwardStep *step);

  /// Floats of scratch for so many rows, and no more than for 64. It begins with a cache line.
  size_t (*scratchSize)(ptrdiff_t rows);
} RecurraCellKernels;

/// Products with a matrix W, [inputs][units], that has been packed. A row's result depends on nothing but that row and
/// W, to the bit; panels are as a cell's.
typedef struct RECURRA_SENDABLE RecurraMatrixKernels {
  ptrdiff_t panelUnits;  // columns of a panel; the last may have fewer
  ptrdiff_t (*panels)(ptrdiff_t units);
  ptrdiff_t (*transposedPanels)(ptrdiff_t inputs);
  size_t (*packedSize)(ptrdiff_t inputs, ptrdiff_t units);
  size_t (*packedTransposeSize)(ptrdiff_t inputs, ptrdiff_t units);
  /// Packs W for product.
  void (*pack)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  /// Packs W^T for inputGradient.
  void (*packTranspose)(
    ptrdiff_t inputs, ptrdiff_t units, const float *weights, float *packed, ptrdiff_t panelBegin, ptrdiff_t panelEnd);
  void (*product)(const RecurraProduct *product);
  void (*inputGradient)(const RecurraInputGradient *gradient);
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
} RecurraMatrixKernels;

/// Everything, for one instruction set.
typedef struct RECURRA_SENDABLE RecurraKernels {
  const char *name;  // "generic", "avx2", "avx512", "neon"
  int vectorWidth;   // floats in a register

#define RECURRA_CELL_MEMBER(name) RecurraCellKernels name;
  RECURRA_CELLS(RECURRA_CELL_MEMBER)
  RecurraMatrixKernels matrix;

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

  /// Writes e^(x - largest) of a row and returns their sum, in an order that is the same for every instruction set;
  /// output may be input, or none. Without elements or with a NaN among them the sum is 0 or NaN.
  float (*exponentials)(const float *input, float *_Nullable output, size_t count, float *largest);
  /// Multiplies by a factor; output may be input.
  void (*scale)(const float *input, float *output, size_t count, float factor);

  /// Writes (x - mean) / sqrt(variance + epsilon) of a row, and returns the factor; normal may be x.
  float (*normalize)(const float *x, float *normal, size_t count, float epsilon);
  /// Turns the gradient of what `normalize` wrote into that of x.
  void (*normalizeBack)(float *gradient, const float *normal, size_t count, float factor);
  /// Computes a line between two bounds; output may be input, NaN in NaN out.
  void (*line)(const RecurraLine *line, const float *input, float *output, size_t count);

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

/// Bytes of weights that stay in a core's own cache, whatever else goes through it, and in the one that cores share,
/// which others use as well. They decide what is fetched ahead, and in which blocks rows go through weights: no bit.
typedef struct RecurraDistances {
  size_t own, shared;
} RecurraDistances;

/// Returns the distances in force.
RecurraDistances recurra_distances(void);

/// Puts others in force; before anything is computed, for kernels read them without a lock.
void recurra_choose_distances(RecurraDistances distances);

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
