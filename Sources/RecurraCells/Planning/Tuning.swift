internal import CRecurraKernels
import RecurraTensor

/// Every number that decides how a call is divided, in one value: the planner's, the executor's, those of the products
/// behind the loop, and the kernels'.
///
/// `make threshold NAME=turnRows` measures one again, and the article "Measure again" has them all. Those in `bits`
/// decide in which order sums run, so a change of one shows in `make fingerprint`; the others choose among ways that
/// give the same bits.
package struct Tuning: Sendable {
  /// The numbers that are in force: read at the first call, and the same from then on.
  package static let standard = chosen.withLock { $0 }
  private static let chosen = Guarded(Tuning())

  /// Makes the numbers that are written here.
  package init() {}

  /// Puts other numbers in force, for a process that has not computed anything yet: `recur-bench --tune` measures with
  /// them.
  package static func choose(_ tuning: Tuning) {
    chosen.withLock { $0 = tuning }
    recurra_choose_distances(RecurraDistances(own: tuning.ownCacheBytes, shared: tuning.sharedCacheBytes))
  }

  // What a core does.

  /// Weights that a core reads in a nanosecond, by and large, where it multiplies them with few rows.
  package var weightsReadPerNanosecond = 30
  /// Products of a core in a nanosecond where it has rows enough, as a step's costs are weighed against a barrier's.
  package var productsPerNanosecond = 150
  /// Products of a core in a nanosecond, gates and all, as the length of a call is estimated.
  package var steadyProductsPerNanosecond = 75
  /// The share of a core's arithmetic roof that the kernels reach.
  package var kernelEfficiency = 0.8
  /// What does not hide behind the arithmetic when weights stream, as a share of it.
  package var hiddenShare = 0.8
  /// Bytes that a core reads from memory in a nanosecond.
  package var memoryBytesPerNanosecond = 16.0

  // Where the kernels take weights to lie, which decides what they fetch ahead.

  /// Bytes of weights that stay in a core's own cache, whatever else goes through it.
  package var ownCacheBytes = Int(recurra_distances().own)
  /// Bytes of weights that stay in the cache that cores share.
  package var sharedCacheBytes = Int(recurra_distances().shared)

  // Threads that share rows.

  /// Rows that are worth dividing: of fewer, one thread is done hardly later than two.
  package var dividedRows = 4
  /// How many times the work worth another thread a call takes before its rows are given to idle threads.
  package var dividedWork = 10

  // Teams that share the units of every step.

  /// Nanoseconds that threads take to come together and part again.
  package var gatheringNanoseconds = 4_000
  /// The least that sharing the units of a step of a few rows saves, in nanoseconds.
  package var leastStepSaving = 200
  /// What it saves where a barrier's cost is no question any more.
  package var sureStepSaving = 4_000
  /// What a barrier costs at most as far as the planner is concerned.
  package var mostBarrierNanoseconds = 10_000
  /// Nanoseconds beyond spinning after which a rank is late, at least: less than a scheduler's slice, and more than an
  /// interrupt takes.
  package var lateNanoseconds = 300_000
  /// Rows up to which directions take turns on all threads where one's weights overflow a core's own cache.
  package var turnRows = 8
  /// States of a step, rows times units, up to which a team reads them from each other sooner than it streams weights.
  package var exchangedStates = 1 << 12
  /// Rows times recurrent weights from which streamed weights are shared.
  package var streamedProducts = 1 << 20

  // The product of the input ahead of the loop.

  /// Rows up to which the input's product of several timesteps is computed together.
  package var aheadRows = 4
  /// Numbers of such products that stay in a core's own cache.
  package var aheadFloats = 1 << 17
  /// Rows of the input whose product is one piece of work.
  package var productRows = 192

  // Stacks of layers that run as a wave.

  /// The timesteps from which a wave of layers can pay.
  package var waveTimesteps = 24
  /// Parts that a wave cuts the timesteps into, at least.
  package var waveParts = 12
  /// Timesteps that the kernels take together, of which a part has a multiple.
  package var waveSteps = 6
  /// Nanoseconds that a layer's step takes besides its products.
  package var waveStepNanoseconds = 150

  // Tables that inputs are looked up in.

  /// Numbers that a table's product may have.
  package var tableFloats = 1 << 23

  /// What decides in which order sums run.
  package var bits = Bits()

  /// Numbers that decide bits.
  package struct Bits: Sendable {
    /// Rows from which a batch is trained in blocks, each summed by itself.
    package var blockedRows = 16
    /// Weights up to which it is: the gradients of more are not worth adding up.
    package var blockedWeights = 1 << 18
    /// Rows that two blocks more are made for.
    package var rowsOfBlockPair = 128
    /// The most blocks.
    package var mostBlocks = 16
    /// Rows of a block whose products OpenBLAS makes: in small batches, in large ones.
    package var openBLASRows = 16, openBLASBlock = 32
    /// Numbers of gates, inputs and states of the timesteps whose products are added at a time.
    package var stretchFloats = 1 << 19
    /// How many times the weights it has to be, at least.
    package var stretchWeights = 4
    /// Rows of such a stretch, at least.
    package var stretchRows = 384
    /// Sums of a table's gradients that are added up along the way, because a core's own cache holds them.
    package var tableSums = 1 << 16
  }
}
