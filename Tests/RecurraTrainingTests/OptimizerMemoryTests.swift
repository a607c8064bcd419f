import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct OptimizerMemoryTests {
  @Test("A steady update asks the system for nothing, whatever the rule, the clipping and the type") func steadyUpdate()
    async
  {
    // In a process of its own, where no other test allocates.
    await #expect(processExitsWith: .success) {
      for dtype in [DType.float32, .float64] {
        for (name, optimizer) in OptimizerTests.keras + [("own", Optimizer(OwnAdam(), clipping: .norm(1)))] {
          let parameters = [("a", [70, 90]), ("b", [90])].map { path, shape in
            (path: path, parameter: Parameter(path, .varied(shape, dtype: dtype)))
          }
          let state = OptimizerState(optimizer, parameters)
          for step in 0..<8 {
            let rows = RowGradient(
              indices: Tensor([3, 9, 3] as [Int32]), values: .varied([3, 90], seed: step, dtype: dtype),
              shape: [70, 90])
            var gradients = [Gradient.rows(rows), .dense(.varied([90], seed: step, dtype: dtype))]
            let before = StoragePool.statistics.systemAllocations
            try state.update(&gradients, scale: 0.5) { "test" }
            _ = state.firstNonFiniteParameter()
            if step >= 4 {
              #expect(StoragePool.statistics.systemAllocations == before, "\(name) \(dtype), step \(step)")
            }
          }
        }
      }
    }
  }
}
