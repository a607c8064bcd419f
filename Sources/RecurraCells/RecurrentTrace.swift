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

  init<S: FloatingScalar>(_ run: DirectionRun<S>) {
    let units = run.units
    func spread(_ row: (_ step: Int, _ row: Int) -> UnsafeMutablePointer<S>) -> Tensor {
      let (batch, timesteps) = (run.input.shape[0], run.input.shape[1])
      return Tensor([batch, timesteps, units], of: S.self) { output in
        output.update(repeating: 0, count: batch * timesteps * units)
        for step in 0..<run.layout.steps {
          for index in 0..<run.layout.counts[step] {
            let place = run.layout.index(index) * timesteps + run.layout.time(step)
            (output + place * units).update(from: row(step, index), count: units)
          }
        }
      }
    }
    let slotCount = run.cell.slotCount > 1 ? run.cell.slotCount : 0
    gates = (0..<slotCount).map { slot in spread { run.gates($0)[$1] + slot * units } }
    hidden = spread { run.hidden($0 + 1)[$1] }
    memory = run.cell.stateCount > 1 ? spread { run.memory($0 + 1)[$1] } : nil
  }
}
