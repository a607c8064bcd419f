// What the kernels are given to do: products, a timestep forward or back, gradients, sums of rows.
#ifndef RECURRA_STEPS_H
#define RECURRA_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "recurra_rows.h"

/// The rows of a matrix: where the first begins, and how far apart they lie. A base of NULL stands for no matrix; a
/// stride of 0 for the same row again and again. What is written is said to be.
typedef struct RecurraRows {
  float *_Nullable base;
  ptrdiff_t stride;
} RecurraRows;

/// Panels [begin, end).
typedef struct RecurraPanels {
  ptrdiff_t begin, end;
} RecurraPanels;

/// Rows times packed columns: out = init + x*W.
///
/// For a cell it is the product of the inputs, taken out of the loop: `packed` comes from its packForward with the same
/// inputs and units, rows are [S*H], and slots that belong to the states alone receive init alone. What is written can
/// be the `init` of a `RecurraForwardStep`. By itself `packed` comes from pack, and units are W's columns.
typedef struct RecurraProduct {
  ptrdiff_t rows, inputs, units;
  RecurraPanels panels;
  RecurraRows x;     // [rows][I]
  RecurraRows init;  // [rows][S*H]; a bias has stride 0
  const float *_Nullable packed;
  RecurraRows out;            // written, [rows][S*H]
  float *_Nullable scratch;  // of scratchSize(rows)
} RecurraProduct;

/// Several steps in one call: how many, and how far x, init, initRows and y move on with each.
typedef struct RecurraRun {
  ptrdiff_t steps;  // 0 is 1; more than that without gates and rest
  ptrdiff_t x, init, initRows, y;
  int isFollowed;  // whether a step comes behind the last, so that its rows of x or init are fetched too
} RecurraRun;

/// The rest of h, which other threads make.
typedef struct RecurraRest {
  /// Called once, with the product under way, unless fromZeros: when it returns, h is there and no other thread reads
  /// hNext any more. NULL: both hold when the step begins.
  void (*_Nullable await)(void *_Nullable waiter);
  void *_Nullable waiter;
  ptrdiff_t ready;  // units of a single row's h that are there all the same
} RecurraRest;

/// One timestep of a cell for some rows and panels, or several such that follow each other.
///
/// With each step the states change places, h with hNext and c with cNext.
typedef struct RecurraForwardStep {
  ptrdiff_t rows, inputs, units;
  RecurraRun run;
  RecurraPanels panels;  // of forwardPanels(units)
  int descending;  // last panel first; by turns, each step begins with the weights that the cache still holds
  int pairs;  // whether a single row goes through two panels together; the same bits
  RecurraRows x;  // [rows][I]; none: its product lies in init. With h right behind it, [x, h] is one operand
  RecurraRows h;  // [rows][H] of the previous step
  int fromZeros;  // h is all zeros: its product is left out, which only infinite weights or a bias of -0 could tell
  RecurraRest rest;
  /// A single row that threads make together: h, hNext, c and cNext are the member's own rows, h that of this turn.
  /// Each hNext is handed over, and the first member writes y. Nothing of h is awaited otherwise then.
  const RecurraRowMember *_Nullable member;
  ptrdiff_t turn;
  RecurraRows init;  // [S*H] bias with stride 0, or [rows][S*H] of x*W + b
  const int32_t *_Nullable initRows;  // which row of init row n begins with; NULL: row n
  const float *_Nullable packed;  // from packForward with the same inputs and units
  RecurraRows c;  // LSTM: [rows][H] of the previous step
  RecurraRows cNext;  // written; may be c
  RecurraRows hNext;  // written; never h: other panels still read it
  RecurraRows y;  // written: second destination of the new h, or none
  RecurraRows gates;  // written: activated gates for training, LSTM i f c~ o, GRU z r n nh; or none. May be init
  const float *_Nullable parameters;  // the cell's own beside the weights; peepholes i f o, [3*H]
  float *_Nullable scratch;  // of scratchSize(rows), this thread's own
} RecurraForwardStep;

/// One timestep of back-propagation: dh = dhCarry + dy + dgatesNext*U^T, then the derivatives of the gates.
typedef struct RecurraBackwardStep {
  ptrdiff_t rows, units;
  RecurraPanels panels;  // of backwardPanels(units)
  int descending;  // as in the forward step
  ptrdiff_t productRows;  // rows from this one on have no next step and no product (ragged batches, longest first)
  RecurraRows dgatesNext;  // [productRows][S*H] of step t+1
  const float *_Nullable packed;  // from packBackward
  RecurraRows dy;  // [rows][H] or none
  /// [rows][H], or none (RNN, LSTM); in: gradient added to dh; written: the part of dh that by-passes the gates on its
  /// way to step t-1, dh*z for the GRU, 0 for the others.
  RecurraRows dhCarry;
  RecurraRows dc;  // LSTM: [rows][H], in: of c_t; written: of c_(t-1)
  /// In: what forward kept (the RNN only writes); written: gradients of the pre-activations, slot by slot. None: no
  /// gates, dh goes to dhOut, dhCarry stays.
  RecurraRows gates;
  RecurraRows c, cPrevious;  // LSTM: [rows][H]
  RecurraRows h;  // RNN: [rows][H] of step t
  RecurraRows hPrevious;  // GRU: [rows][H] of step t-1
  const float *_Nullable parameters;  // as in the forward step
  RecurraRows dhOut;  // written, [rows][H], may be dhCarry; only without gates
  float *_Nullable scratch;  // of scratchSize(rows), this thread's own
} RecurraBackwardStep;

/// Columns of a transposed panel, but for the last: the same for every instruction set.
enum { RECURRA_TRANSPOSED_COLUMNS = 64 };

/// Rows that a weight gradient sums up before it adds them to the result: the same for every instruction set.
enum { RECURRA_GRADIENT_DEPTH = 384 };

/// The gradient of weights: out = left^T * right, summed over `depth` rows.
///
/// Left's columns, inputs first and then units, are the rows of out. Rows are summed in blocks of
/// RECURRA_GRADIENT_DEPTH, each from zero and in a fixed order, so how panels and columns are divided does not show
/// in the result, nor does a cut of the rows at a multiple of that depth.
typedef struct RecurraWeightGradient {
  ptrdiff_t depth, inputs, units, columns;
  RecurraPanels panels;  // of leftPanels
  RecurraRows left;  // [depth][inputs + units]
  const float *_Nullable packedLeft;  // the same from packLeft, in blocks of RECURRA_GRADIENT_DEPTH rows (the last may
                                      // be shorter); or NULL, then left is read
  RecurraRows right;  // [depth][columns]
  RecurraRows out;  // written, [inputs + units][columns]
  float *_Nullable bias;  // [columns], the sums of right's columns, or NULL
  int adds;  // adds to out and bias instead of setting them
  float *_Nullable scratch;  // of gradientScratchSize(depth, panels), this thread's own
} RecurraWeightGradient;

/// The gradient of the inputs, dgates * W^T, for rows [rowBegin, rowEnd) of all timesteps.
typedef struct RecurraInputGradient {
  ptrdiff_t rowBegin, rowEnd, inputs, units;
  RecurraRows dgates;  // [rows][S*H], from row 0
  const float *_Nullable packed;  // from packTranspose
  ptrdiff_t rowsPerStep;
  float *_Nullable out;  // row n goes to out + n / rowsPerStep * stepStride + n % rowsPerStep * rowStride
  ptrdiff_t stepStride, rowStride;
  float *_Nullable scratch;  // of scratchSize(rows)
} RecurraInputGradient;

/// Sums of rows that lie anywhere: row n of out is the sum of sources[starts[n]] to sources[starts[n + 1] - 1], in this
/// order.
typedef struct RecurraRowSums {
  ptrdiff_t rowBegin, rowEnd, columns;
  const float *_Nonnull const *_Nullable sources;  // [starts[rows]], each [columns]
  const int32_t *_Nullable starts;  // ascending; a row without sources is zero
  RecurraRows out;  // written, [rows][columns]
} RecurraRowSums;

/// Rows added to others, one after the other: row places[n] of out is added row n of from.
typedef struct RecurraRowAdditions {
  ptrdiff_t rows, columns;
  RecurraRows from;  // [rows][columns]
  const int32_t *_Nullable places;  // [rows]
  RecurraRows out;  // written
} RecurraRowAdditions;

#endif
