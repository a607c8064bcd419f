internal import RecurraCells
internal import RecurraTensor

/// Moves the timesteps that count together, so that a recurrent layer runs over them alone, and its outputs back to
/// where they belong.
///
/// The rows then differ in length and have no holes. Each ends in a timestep more than it has, whose output is 0: that
/// is where masked outputs come from.
struct Compaction {
  /// The number of timesteps of each row that count.
  let lengths: [Int]
  private let rows: Int
  private let timesteps: Int
  private let width: Int
  private let flags: [Bool]

  init(_ mask: SequenceMask, rows: Int, timesteps: Int) {
    let flags = mask.flags(rows, timesteps)
    let lengths = (0..<rows).map { row in flags[row * timesteps..<(row + 1) * timesteps].count { $0 } }
    (self.lengths, self.rows, self.timesteps, self.flags) = (lengths, rows, timesteps, flags)
    width = (lengths.max() ?? 0) + 1
  }

  /// The timesteps that count, moved to the front of their rows.
  ///
  /// - Shapes: `source` [B, T, I]; result [B, width, I].
  func compacted(_ source: InputSource) -> InputSource {
    var places: [Int32] = []
    places.reserveCapacity(rows * width)
    for row in 0..<rows {
      for timestep in 0..<timesteps where flags[row * timesteps + timestep] {
        places.append(Int32(row * timesteps + timestep))
      }
      // What stands behind a row's end is never read.
      let last = lengths[row] > 0 ? places[places.count - 1] : Int32(row * timesteps)
      places.append(contentsOf: repeatElement(last, count: width - lengths[row]))
    }
    return source.rearranged(Tensor(places, shape: [rows, width]))
  }

  /// The outputs back at their timesteps; what masked ones hold follows `padding`.
  ///
  /// - Shapes: `output` [B, width, H] with 0 behind each row's end; result [B, T, H].
  func spread(_ output: Tensor, _ padding: PaddedOutput, isReversed: Bool = false) -> Tensor {
    var places = [Int32](repeating: 0, count: rows * timesteps)
    for row in 0..<rows {
      let nothing = width - 1
      // In the order of processing: the output before a masked timestep is that of the one processed before it.
      var (step, former) = (isReversed ? lengths[row] : -1, nothing)
      for index in 0..<timesteps {
        let timestep = isReversed ? timesteps - 1 - index : index
        if flags[row * timesteps + timestep] {
          step += isReversed ? -1 : 1
          former = step
          places[row * timesteps + timestep] = Int32(row * width + step)
        } else {
          places[row * timesteps + timestep] = Int32(row * width + (padding == .zero ? nothing : former))
        }
      }
    }
    return output.reshaped([rows * width, output.shape[2]]).gathered(Tensor(places, shape: [rows, timesteps]))
  }
}

extension Layer {
  /// What moves an input's timesteps together, nil where its mask has no holes.
  func compaction(of input: Signal) throws(RecurraError) -> Compaction? {
    guard input.mask.hasHoles, input.shape.count == 3 else { return nil }
    try input.mask.check(rows: input.shape[0], timesteps: input.shape[1], Self.typeName)
    guard MemoryLimit.bytes(input.shape[0], input.shape[1] + 1) <= Int(Int32.max) else {
      throw failure(expected: "less than 2³¹ timesteps behind a mask with holes", got: "input \(input.shape)")
    }
    return Compaction(input.mask, rows: input.shape[0], timesteps: input.shape[1])
  }

  /// Refuses a mask with holes, where what goes on inside is shown timestep by timestep.
  func refuseHoles(_ input: Signal) throws(RecurraError) {
    guard input.mask.hasHoles else { return }
    throw failure(expected: "a mask without holes, to look inside", got: "one with holes")
  }
}

extension Compaction {
  /// The input of the timesteps that count.
  func compacted(_ input: Signal) -> Signal {
    Signal(compacted(input.source), mask: .lengths(lengths), states: input.states)
  }
}
