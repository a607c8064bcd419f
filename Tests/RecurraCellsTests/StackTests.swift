import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Layers that run at the same time") struct Stack {
    /// Layers of several kinds and sizes, each with a direction that fits the one below.
    static func layers(_ count: Int, inputs: Int) -> [(cell: any GatedCell, direction: RecurrentDirection)] {
      let cells: [any GatedCell] = [LSTMCell(), GRUCell(), SimpleRNNCell(), LSTMCell()]
      var width = inputs
      return (0..<count).map { index in
        let (cell, units) = (cells[index % cells.count], 90 + 37 * index)
        let weights = Tensor.varied([width + units, cell.gateCount * units], seed: 10 + index, dtype: .float32) * 0.2
        let bias = Tensor.varied(cell.biasShape(units: units), seed: 20 + index, dtype: .float32)
        width = units
        return (cell, RecurrentDirection(weights: weights, bias: bias))
      }
    }

    static func inTurn(
      _ x: Tensor, _ layers: [(cell: any GatedCell, direction: RecurrentDirection)], returnsSequences: Bool
    ) -> Tensor {
      layers.enumerated().reduce(x) { input, layer in
        let isLast = layer.offset + 1 == layers.count
        return input.recurrent(
          layer.element.cell, [layer.element.direction], returnsSequences: returnsSequences || !isLast
        ).output
      }
    }

    @Test("give the same bits as one after the other", arguments: [2, 3, 4])
    func sameBits(count: Int) {
      let layers = Self.layers(count, inputs: 33)
      let stack = layers.compactMap { StackedLayer(cell: $0.cell, direction: $0.direction) }
      for (batch, timesteps) in [(1, 24), (1, 25), (1, 151), (2, 40), (3, 62)] {
        let x = Tensor.varied([batch, timesteps, 33], seed: 3, dtype: .float32)
        for returnsSequences in [true, false] {
          let wanted = EngineSettings.with(.packed, threads: 1) {
            Self.inTurn(x, layers, returnsSequences: returnsSequences)
          }
          for threads in [2, 3, 4] {
            let found = EngineSettings.with(.packed, threads: threads) {
              InputSource.tensor(x).recurrentStack(stack, returnsSequences: returnsSequences)
            }
            #expect(found?.shape == wanted.shape)
            #expect(found?.doubles == wanted.doubles, "\(batch) sequences, \(timesteps) timesteps, \(threads) threads")
          }
        }
      }
    }

    @Test("are those whose units are too few to share")
    func smallLayers() {
      let cell = LSTMCell()
      let stack = (0..<3).compactMap { index in
        StackedLayer(
          cell: cell,
          direction: RecurrentDirection(
            weights: .varied([64, 128], seed: index, dtype: .float32), bias: .varied([128], seed: 9, dtype: .float32)))
      }
      let x = Tensor.varied([1, 120, 32], seed: 4, dtype: .float32)
      EngineSettings.with(.packed, threads: 2) {
        #expect(InputSource.tensor(x).recurrentStack(stack, returnsSequences: true)?.shape == [1, 120, 32])
        // A history, a batch that can be cut by rows, a few timesteps, and OpenBLAS: one layer after the other.
        #expect(InputSource.tensor(x.tracked).recurrentStack(stack, returnsSequences: true) == nil)
        let many = Tensor.varied([64, 120, 32], seed: 5, dtype: .float32)
        #expect(InputSource.tensor(many).recurrentStack(stack, returnsSequences: true) == nil)
        let few = Tensor.varied([1, 8, 32], seed: 6, dtype: .float32)
        #expect(InputSource.tensor(few).recurrentStack(stack, returnsSequences: true) == nil)
      }
      EngineSettings.with(.openblas, threads: 2) {
        #expect(InputSource.tensor(x).recurrentStack(stack, returnsSequences: true) == nil)
      }
    }
  }
}
