import Recurra

/// Trains a small model of every cell for some batches, and hashes its weights and predictions.
///
/// Sizes are such that panels, vectors and blocks of rows are full as well as cut, and words repeat.
func bitsOfEveryCell() throws -> UInt64 {
  var hash = BitHash()
  let (samples, timesteps, words, classes) = (70, 9, 300, 4)
  let ids = Tensor((0..<(samples * timesteps)).map { Int32($0 * $0 % words) }, shape: [samples, timesteps])
  let labels = Tensor((0..<samples).map { Int32($0 * 7 % classes) })
  let layers: [[any Layer]] = [
    [SimpleRNN(units: 70)], [LSTM(units: 33)], [GRU(units: 20)], [GRU(units: 9, resetAfter: false)],
    [Bidirectional(LSTM(units: 17))], [LSTM(units: 16, returnSequences: true), LSTM(units: 31)],
  ]
  for recurrent in layers {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: words, outputDim: 13)
      for layer in recurrent { layer }
      Dense(units: classes, activation: .softmax)
    }
    let trainer = try model.compile(
      loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.01, clipping: .globalNorm(1)))
    _ = try trainer.fit(ids, labels, batchSize: 40, epochs: 2, verbose: .silent)
    for parameter in model.parameters { hash.add(parameter.value) }
    hash.add(try model.predict(ids))
    hash.add(try model.predict(ids.sliced(0..<1, axis: 0)))
  }
  return hash.value
}

/// FNV-1a over the bits of numbers.
struct BitHash {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ tensor: Tensor) {
    for number in tensor.scalars(as: Float.self) { value = (value ^ UInt64(number.bitPattern)) &* 0x100_0000_01B3 }
  }
}
