import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Memory of the system") struct SystemMemory {
    @Test(
      "A steady training step and a steady inference ask the system for nothing",
      arguments: EngineSettings.multipliers, [1, 2])
    func steadyState(multiplier: MultiplierChoice, threads: Int) async {
      // In a process of its own, where no other test allocates.
      await #expect(processExitsWith: .success) { [name = multiplier.rawValue as String, threads] in
        MultiplierChoice.current = try #require(MultiplierChoice(rawValue: name))
        Threads.count = threads
        for kind in NaiveCell.Kind.allCases {
          let test = LayerCase(
            kind: kind, batch: 33, timesteps: 12, inputs: 20, units: 40, reversals: [false, true],
            lengths: (0..<33).map { $0 * 5 % 13 }, hasInitialStates: true)
          var values = test.values(.float32)
          let stepper = RecurrentStepper<Float>(
            test.cell, test.directions(of: values)[0], inputs: test.inputs, batch: test.batch)
          for step in 0..<12 {
            let before = StoragePool.statistics.systemAllocations
            let gradients = test.resultsAndGradients(of: values).gradients
            values = zip(values, gradients).map { $0 - $1 * 0.001 }
            _ = test.results(of: values)
            for time in 0..<5 { _ = try stepper.step(values[0].sliced(time..<(time + 1), axis: 1).squeezed(1)) }
            if step >= 4 { #expect(StoragePool.statistics.systemAllocations == before, "\(kind), step \(step)") }
          }
        }
      }
    }
  }
}
