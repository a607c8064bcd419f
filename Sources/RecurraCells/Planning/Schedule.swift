/// How one call of a recurrent layer is carried out.
///
/// Threads and costs choose only among ways with the same bits: on the packed kernels rows and units do not depend on
/// each other, with OpenBLAS the blocks of rows follow from the batch alone.
package struct Schedule: Sendable, Equatable {
  /// Blocks that the batch is cut into; each direction of each is a run with buffers of its own. In training they
  /// follow from the shapes alone, because the weights' gradient is summed up run by run.
  package var runBlocks: Int
  /// Blocks of rows of a run; each runs all its timesteps on one thread.
  package var rowBlocks: Int
  /// Ranks of a team that shares the units of every step instead, with a barrier after each; 1 for none. Batches whose
  /// rows had to be sorted are cut into blocks of rows all the same.
  package var teamSize = 1
  /// Nanoseconds of a timestep that the team saves, by and large.
  package var stepSaving = 0
  /// Nanoseconds that a row takes for a step, by and large, and all rows on their way forward on one thread; `Int.max`
  /// with OpenBLAS.
  package var rowNanoseconds = Int.max, nanoseconds = Int.max
  /// Timesteps whose input product is computed together, ahead of the loop; 0 for none.
  package var stepsAhead = 0
}

/// How layers that feed each other run at the same time, each some timesteps behind the one below.
package struct WaveSchedule: Sendable, Equatable {
  /// Ranks of the team; rank r has the layers r, r + ranks …
  package var ranks: Int
  /// Timesteps of a part, after which the ranks meet.
  package var steps: Int
  /// Nanoseconds that the wave saves, by and large.
  package var saving: Int
}
