public import RecurraTensor

/// What went on inside one direction of a recurrent layer, at every timestep; zeros at padded ones.
public struct RecurrentTrace: Sendable {
  /// The gates after their activation, one tensor [B, T, H] for each slot: i f c̃ o (LSTM); z r n, and with reset
  /// after h·U + b (GRU). None for a cell whose only slot becomes the state itself.
  public let gates: [Tensor]
  /// What the gates are called, in the same order: "input", "forget", "candidate", "output" of an LSTM; "update",
  /// "reset", "candidate" of a GRU.
  public let gateNames: [String]
  /// The hidden state h, [B, T, H].
  public let hidden: Tensor
  /// The memory c, [B, T, H], of cells that have one.
  public let memory: Tensor?
  private let memoryGates: MemoryGates?
  /// The timesteps of each row that are no padding.
  private let lengths: [Int]

  /// The gate of a name, [B, T, H]; nil where there is none.
  public subscript(name: String) -> Tensor? { gateNames.firstIndex(of: name).map { gates[$0] } }

  /// Tells what the cell does with every number of its memory: whether it keeps the old one, fuses it with the
  /// candidate, clears it or replaces it.
  ///
  /// A gate counts as 1 from `threshold` on, else as 0. What a GRU does not keep it replaces.
  ///
  /// - Returns: for each row and each of its timesteps that are no padding, an action for each unit.
  /// - Throws: `badArgument` for a threshold that is not between 0 and 1, and for a cell without such gates.
  public func actions(threshold: Double = 0.5) throws(RecurraError) -> [[[MemoryAction]]] {
    guard threshold > 0, threshold < 1 else {
      throw RecurraError(
        .badArgument, operation: "actions", expected: "a threshold between 0 and 1", got: "\(threshold)")
    }
    guard let memoryGates else {
      throw RecurraError(
        .badArgument, operation: "actions", expected: "a cell whose gates keep and let in", got: "one without them")
    }
    let keeping = gates[memoryGates.keep].converted(to: .float64).scalars(as: Double.self)
    let entering = memoryGates.enter.map { gates[$0].converted(to: .float64).scalars(as: Double.self) }
    let (timesteps, units) = (hidden.shape[1], hidden.shape[2])
    return lengths.enumerated().map { row, length in
      (0..<length).map { step in
        (0..<units).map { unit in
          let place = (row * timesteps + step) * units + unit
          return MemoryAction(
            entering: entering?[place] ?? 1 - keeping[place], keeping: keeping[place], threshold: threshold)
        }
      }
    }
  }

  /// Gathers the trace of one direction from the runs over its rows.
  init<S: FloatingScalar>(_ runs: [DirectionRun<S>]) {
    let (units, cell, shape, widths) = (runs[0].units, runs[0].cell, runs[0].inputShape, runs[0].widths)
    func spread(
      _ width: Int, _ row: (_ run: DirectionRun<S>, _ step: Int, _ row: Int) -> UnsafeMutablePointer<S>
    ) -> Tensor {
      Tensor([shape[0], shape[1], width], of: S.self) { output in
        output.update(repeating: 0, count: shape[0] * shape[1] * width)
        for run in runs {
          for step in 0..<run.layout.steps {
            for index in 0..<run.layout.counts[step] {
              let place = run.layout.place(index, run.layout.time(step))
              (output + place * width).update(from: row(run, step, index), count: width)
            }
          }
        }
      }
    }
    let slotCount = cell.slotCount > 1 ? min(cell.slotCount, cell.slotNames.count) : 0
    gates = (0..<slotCount).map { slot in spread(units) { $0.gates($1)[$2] + slot * units } }
    gateNames = Array(cell.slotNames.prefix(slotCount))
    memoryGates = cell.memoryGates
    var lengths = [Int](repeating: 0, count: shape[0])
    for run in runs {
      for step in 0..<run.layout.steps {
        for index in 0..<run.layout.counts[step] { lengths[run.layout.index(index)] += 1 }
      }
    }
    self.lengths = lengths
    hidden = spread(widths[0]) { $0.hidden($1 + 1)[$2] }
    memory = widths.count > 1 ? spread(widths[1]) { $0.memory($1 + 1)[$2] } : nil
  }

  /// The trace of a cell without gates.
  init(hidden: Tensor, memory: Tensor?, lengths: [Int]) {
    (gates, gateNames, memoryGates) = ([], [], nil)
    (self.hidden, self.memory, self.lengths) = (hidden, memory, lengths)
  }
}
