import Recurra

/// Trains on sequences whose answer lies in the first symbol, which the backward direction reads last and the forward
/// direction first. It must be learned here, not only compiled.
func learn() throws {
  let samples = 600, timesteps = 7, symbols = 11, classes = 3
  let x = RandomSource(seed: 7).uniform([samples, timesteps], in: 1..<Double(symbols + 1), dtype: .float64).converted(
    to: .int32)
  let first = x.sliced(0..<1, axis: 1).flattened.scalars(as: Int32.self)
  let labels = first.map { $0 % Int32(classes) }
  let y = Tensor(labels)

  let model = Sequential(seed: 1) {
    Embedding(inputDim: symbols + 1, outputDim: 8, maskZero: true)
    Bidirectional(LSTM(units: 16))
    Dense(units: 10, activation: .relu)
    Dense(units: classes, activation: .softmax)
  }
  let trainer = try model.compile(
    loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.01), metrics: [.accuracy])
  let history = try trainer.fit(x, y, batchSize: 16, epochs: 12, validationSplit: 0.25, verbose: .silent)
  print(model.summary())

  let probabilities = try model.predict(x)
  let answers = probabilities.argMax(axis: 1).scalars(as: Int32.self)
  let right = zip(answers, labels).count { $0 == $1 }
  let losses = history["loss"] ?? []
  print("loss \(losses.first ?? .nan) → \(losses.last ?? .nan), right \(right) of \(samples)")

  precondition(probabilities.shape == [samples, classes], "predict: expected [\(samples), \(classes)]")
  precondition(right * 100 >= samples * 98, "linking: expected 98 % right, got \(right) of \(samples)")
}
