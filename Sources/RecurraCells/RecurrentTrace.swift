public import RecurraTensor

/// What went on inside one direction of a recurrent layer, at every timestep; zeros at padded ones.
public struct RecurrentTrace: Sendable {
  /// The gates after their activation, one tensor [B, T, H] for each slot: i f c̃ o (LSTM); z r n, and with reset after h·U + b
  /// (GRU). None for a cell whose only slot becomes the state itself.
  public let gates: [Tensor]
  /// The hidden state h, [B, T, H].
  public let hidden: Tensor
  /// The memory c, [B, T, H], of cells that have one.
  public let memory: Tensor?

  /// Gathers the trace of one direction from the runs over its rows.
  init<S: FloatingScalar>(_ runs: [DirectionRun<S>]) {
    let (units, cell, shape) = (runs[0].units, runs[0].cell, runs[0].inputShape)
    func spread(_ row: (_ run: DirectionRun<S>, _ step: Int, _ row: Int) -> UnsafeMutablePointer<S>) -> Tensor {
      Tensor([shape[0], shape[1], units], of: S.self) { output in
        output.update(repeating: 0, count: shape[0] * shape[1] * units)
        for run in runs {
          for step in 0..<run.layout.steps {
            for index in 0..<run.layout.counts[step] {
              let place = run.layout.index(index) * shape[1] + run.layout.time(step)
              (output + place * units).update(from: row(run, step, index), count: units)
            }
          }
        }
      }
    }
    let slotCount = cell.slotCount > 1 ? cell.slotCount : 0
    gates = (0..<slotCount).map { slot in spread { $0.gates($1)[$2] + slot * units } }
    hidden = spread { $0.hidden($1 + 1)[$2] }
    memory = cell.stateCount > 1 ? spread { $0.memory($1 + 1)[$2] } : nil
  }
}
