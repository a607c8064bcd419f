// What a package that depends on Recurra writes: the answer lies in the first symbol of a sequence, which the backward
// direction reads last and the forward direction first. It must be learned here, not only compiled.
import Recurra

let samples = 600, timesteps = 7, symbols = 11, classes = 3

var generator = RandomSource(seed: 7)
let sequences = (0..<samples * timesteps).map { _ in Int32.random(in: 1...Int32(symbols), using: &generator) }
let labels = (0..<samples).map { sequences[$0 * timesteps] % Int32(classes) }
let x = Tensor(sequences, shape: [samples, timesteps])
let y = Tensor(labels, shape: [samples])

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
let answers = probabilities.argMax(axis: 1).scalars(Int32.self)
let right = zip(answers, labels).count { $0 == $1 }
let losses = history["loss"] ?? []
print("loss \(losses.first ?? .nan) → \(losses.last ?? .nan), right \(right) of \(samples)")

precondition(probabilities.shape == [samples, classes], "predict: expected [\(samples), \(classes)]")
precondition(right * 100 >= samples * 98, "linking: expected 98 % right, got \(right) of \(samples)")
