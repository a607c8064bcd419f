internal import CRecurraKernels
import RecurraTensor

/// How one call of a recurrent layer is carried out; decided from shapes, the number of threads, how fast the shared
/// cache is and what a meeting of threads costs at the moment, never from data.
///
/// Threads and costs may only choose among ways that give the same bits: with the packed kernels rows and units are
/// independent of each other, with OpenBLAS the blocks of rows have a size that follows from the batch alone.
struct Plan {
  /// The kernels to use; nil for OpenBLAS.
  let kernels: RecurraCellKernels?
  /// Blocks that the batch is cut into; each direction of each is a run with buffers of its own. In training they
  /// follow from the shapes alone, because the weights' gradient is summed up run by run.
  let runBlocks: Int
  /// Blocks of rows of a run; each runs all its timesteps on one thread.
  let rowBlocks: Int
  /// Threads that share the units of every step instead, with a barrier after each; 1 for none. Batches whose rows had
  /// to be sorted are cut into blocks of rows all the same.
  let unitShares: Int
  /// Nanoseconds of a timestep that sharing its units saves, by and large.
  let sharingSaves: Int
  /// Nanoseconds that the rows take on their way forward on one thread, by and large; `Int.max` for OpenBLAS.
  let lasting: Int
  /// The part of it that a row takes for a step.
  let rowNanoseconds: Int
  /// Timesteps whose input product is computed together, ahead of the loop; 0 for none.
  let hoistedSteps: Int

  init(
    cell: any RecurrentCell, kernels: RecurraCellKernels?, batch: Int, timesteps: Int, inputs: Int, units: Int,
    directions: Int, isTraining: Bool
  ) {
    let threads = Threads.count
    self.kernels = kernels
    guard let kernels else {
      runBlocks = 1
      rowBlocks = Self.fixedBlocks(batch)
      (unitShares, sharingSaves, lasting, rowNanoseconds, hoistedSteps) = (1, 0, .max, .max, 0)
      return
    }
    let stateWeights = cell.gateCount * units * units
    let weights = stateWeights + cell.gateCount * units * inputs
    func isFed(_ rows: Int, weights: Int) -> Bool { rows >= Self.fedRows(weights: weights) }
    // Directions take turns on all threads where their weights together overflow the shared cache, and for a few rows
    // already where those of one direction overflow a core's own cache, which then has to hold a share of them: if they
    // come slower than the rows multiply. 1.4 to 1.6 times as fast for a row and 384 to 512 units, 1.1 for 8 (Emerald
    // Rapids; level on Zen 4).
    let overflows = directions * 4 * stateWeights > Self.sharedCacheBytes / 2
    let takesTurns =
      directions > 1 && threads > 1 && (overflows || (batch <= 8 && 4 * stateWeights > Self.privateCacheBytes))
      && !isFed(batch / max(1, threads / directions), weights: directions * weights)
    let isHoisted = batch <= 4
    let shares = takesTurns ? threads : max(1, threads / directions)
    let stepBytes = 4 * (isHoisted ? stateWeights : weights)
    // Sharing the units of a step must save more than it costs. It does where there are too few rows to share, and
    // where each core then streams its share only of weights that its own cache does not hold. With rows enough the
    // streaming hides behind the arithmetic, and rows are not held up at every step by the slowest thread: level or
    // better for 4 rows each (Zen 4), 1.1 to 1.5 times as fast where somebody else takes a third of one processor.
    let work = Self.nanoseconds(weights: stateWeights, rows: batch)
    let alone = Self.nanoseconds(weights: weights, rows: batch) * timesteps
    rowNanoseconds = Self.nanoseconds(weights: weights, slots: cell.slotCount * units)
    lasting = rowNanoseconds * batch * timesteps * directions
    let hasFewRows = batch < 2 * shares && work - work / shares >= 200
    let costs = SharingCosts(
      meeting: hasFewRows ? Self.meetingCosts(lasting: alone) : 0, rows: batch, isTraining: isTraining)
    let members = hasFewRows ? costs.members(shares, work: work, panels: kernels.forwardPanels(units)) : shares
    let saves = work * (members - 1) / members
    sharingSaves = saves
    let fewRows = hasFewRows && (saves >= 4_000 || saves > costs.of(members))
    // Weights that fit alone, but not along with the rows, are streamed all the same: sharing them is 1.05 (16 rows) to
    // 1.26 times (8) as fast for an LSTM of 256 units in 2 MiB (Emerald Rapids). Not where threads then have much of h
    // to read from each other, nor in training, which reads other memory between two steps anyway.
    let rowBytes = isTraining || batch * units > 1 << 12 ? 0 : 4 * batch / shares * (inputs + 2 * units)
    let streams = stepBytes + rowBytes > Self.privateCacheBytes
    let largeWeights = streams && batch * stateWeights >= 1 << 20 && !isFed(batch / shares, weights: weights)
    let trainingBlocks = Self.trainingBlocks(batch, directions: directions, weights: weights)
    let isLong = saves * timesteps * directions >= Threads.gatheringNanoseconds || Threads.insistsOnMembers
    let sharesUnits = isLong && (takesTurns || (directions == 1 && (fewRows || largeWeights)))
    unitShares = sharesUnits && !(isTraining && trainingBlocks > 1) ? members : 1
    let isShort = lasting < Threads.leastWork && !Threads.insistsOnMembers
    let blocks = isShort ? 1 : max(1, min((threads + directions - 1) / directions, batch / 2))
    if isTraining {
      runBlocks = trainingBlocks
      rowBlocks = max(1, min(blocks / runBlocks, batch / runBlocks / 2))
    } else {
      (runBlocks, rowBlocks) = unitShares > 1 ? (1, blocks) : (blocks, 1)
    }
    if isTraining, isHoisted {
      hoistedSteps = timesteps
    } else if isHoisted {
      // As many steps as keep their products within half a mebibyte.
      hoistedSteps = max(1, min(timesteps, (1 << 17) / max(1, batch * cell.slotCount * units)))
    } else {
      hoistedSteps = 0
    }
  }

  /// The kernels of a cell, where there are any that may be used: asked for once in a call, for the choice may change
  /// meanwhile.
  static func kernels(_ cell: any RecurrentCell, _ dtype: DType) -> RecurraCellKernels? {
    guard dtype == .float32, let kernel = cell.kernel else { return nil }
    switch MultiplierChoice.current {
    case .openblas: return nil
    case .auto, .packed: return Kernels.cell(kernel)
    }
  }

  /// About how long a core takes to multiply weights with some rows: it reads 30 in a nanosecond, and multiplies 150
  /// with a row.
  static func nanoseconds(weights: Int, rows: Int) -> Int { weights * (rows + 4) / 150 }

  /// About how many nanoseconds each row adds to a step on a core that multiplies 75 in one: its products, its gates,
  /// and what it takes to get there.
  static func nanoseconds(weights: Int, slots: Int) -> Int { weights / 75 + slots / 4 + 20 }

  /// About how many nanoseconds a core takes for the products of many rows.
  static func nanoseconds(multiplications count: Int) -> Int { count / 75 }

  /// Nanoseconds of a meeting of threads as things are now, for a call that takes about so long.
  static func meetingCosts(lasting: Int = 0) -> Int { min(Threads.meetingNanoseconds(lasting: lasting), 10_000) }

  /// Tells whether a single row should go through two panels of the recurrent weights together, for more chains at a
  /// time.
  ///
  /// Not where a panel alone stays in a small first cache, and the next step begins with it: 5 to 10 % faster with 32
  /// KiB (Zen 4). Larger ones come with cores that read the second cache as fast as a panel's chains take (Zen 5).
  static func pairsPanels(bytes: Int) -> Bool {
    firstCacheBytes > 1 << 15 || bytes > firstCacheBytes || 2 * bytes <= firstCacheBytes
  }

  /// The cache for data that a core reads first.
  private static let firstCacheBytes: Int = {
    let bytes = Int(recurra_first_cache_bytes())
    return bytes > 0 ? bytes : 1 << 15
  }()

  /// The cache that a core has for itself.
  private static let privateCacheBytes: Int = {
    let bytes = Int(recurra_private_cache_bytes())
    return bytes > 0 ? bytes : 1 << 19
  }()

  /// The cache that the cores share.
  static let sharedCacheBytes: Int = {
    let bytes = Int(recurra_shared_cache_bytes())
    return bytes > 0 ? bytes : 1 << 24
  }()

  /// Rows with which a core multiplies weights no faster than they come: from the shared cache, or, where all that is
  /// used by turns overflows it, from memory.
  ///
  /// With 75 products in a nanosecond, and a fifth of them to spare for what does not hide: 4 rows where a core reads
  /// the shared cache at 100 GB/s (Zen 4), 13 at 30 (Emerald Rapids).
  private static func fedRows(weights: Int) -> Int {
    4 * weights <= sharedCacheBytes / 2 ? fedRowsOfCache : fedRows(bytesPerNanosecond: 16)
  }

  private static func fedRows(bytesPerNanosecond rate: Double) -> Int { Int((4 * 75 / 0.8 / rate).rounded(.up)) }

  private static let fedRowsOfCache = fedRows(bytesPerNanosecond: cacheBytesPerNanosecond)

  /// What a core reads of the shared cache: measured once, where somebody asks; some milliseconds, most of them for
  /// getting the memory.
  private static let cacheBytesPerNanosecond: Double = {
    let floats = min(sharedCacheBytes / 4, 4 * privateCacheBytes) / 4
    let buffer = Buffer<Float>(1, floats)
    let least = withExtendedLifetime(buffer) {
      let base = buffer.rows.base
      base.update(repeating: 0, count: floats)
      return (0..<4).reduce(Int.max) { least, _ in
        let begin = Threads.nanoseconds()
        _ = Kernels.table.readBurst(base, 4 * floats)
        return min(least, Threads.nanoseconds() - begin)
      }
    }
    return Double(4 * floats) / Double(max(1, least))
  }()

  /// The blocks of a batch that are trained each by itself; one where two directions keep as many threads busy, and
  /// where the gradients of large weights would have to be added up.
  private static func trainingBlocks(_ batch: Int, directions: Int, weights: Int) -> Int {
    if weights > 1 << 18 || batch < 16 || directions > 1 { return 1 }
    return min(16, max(2, batch / 128 * 2))
  }

  /// The number of row blocks for products by OpenBLAS, whose sums may depend on the number of rows.
  private static func fixedBlocks(_ batch: Int) -> Int {
    if batch >= 64 { return (batch + 31) / 32 }
    return batch >= 16 ? 2 : 1
  }

  /// Runs pieces that take about so many nanoseconds alone, all together: with a handover that threads come to if they
  /// have rows enough to be divided, and take so long that one may be done much earlier than another.
  func run(
    _ pieces: Int, rows: Int, lasting: Int, _ body: (_ piece: Int, _ handover: Handover) -> Void
  ) {
    let isDivisible = rows >= Division.leastRows * pieces && lasting >= 10 * Threads.leastWork
    if isDivisible || Threads.insistsOnMembers {
      Threads.runDivisible(pieces, lasting: lasting, body)
    } else {
      Threads.run(pieces, lasting: lasting) { body($0, .alone) }
    }
  }

  /// The rows of block `index` out of `rowBlocks` of a run.
  func rows(_ index: Int, _ layout: SequenceLayout) -> Range<Int> {
    rowBlocks == 1
      ? 0..<layout.batch : RowOrder.cut(layout.lengths, into: rowBlocks, byTimesteps: kernels != nil)[index]
  }
}
