import Foundation
import RecurraCells
import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Graphs that are trained, and saved as models of this package.
@Suite struct ONNXTrainingTests {
  /// Rows of gates in the engine's order as the columns of [W; U].
  private func columns(_ matrix: Tensor, _ gates: [Int]) -> Tensor {
    let units = matrix.shape[0] / 4
    return .concatenated(gates.map { matrix.sliced($0 * units..<($0 + 1) * units) })
  }

  @Test("An LSTM's gradients are those of the layer with the same weights")
  func gradients() throws {
    let description = try ONNXCase("lstm_clip").read()
    let graph = try #require(description.model?["graph"])
    let named = Dictionary(uniqueKeysWithValues: graph.namedParameters.map { ($0.path, $0.parameter) })
    let fixture = try Fixture("onnx_graphs")["lstm_clip"]
    let x = try fixture.required("input:X")
    let states = try ["input:initial_h", "input:initial_c"].map { try fixture.required($0) }
    let context = ForwardContext(isRecording: true)
    let y = try graph.forward(([x] + states).map { Value($0) }, context)[0].tensor
    let upstream = RandomSource(seed: 5).normal(y.shape)
    let parameters = try ["W", "R", "B"].map { try #require(named[$0]) }
    let found = (y * upstream).sum().gradients(withRespectTo: parameters.map(\.tracked))

    let gates = [0, 2, 3, 1]
    let layer = LSTM(units: 5, returnSequences: true, clip: 0.4)
    try layer.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float32)
    let (w, r) = (parameters[0].value[0], parameters[1].value[0])
    let biases = parameters[2].value[0].reshaped([2, -1])
    try layer.setWeights([
      columns(w, gates).transposed(), columns(r, gates).transposed(),
      columns(biases[0], gates) + columns(biases[1], gates),
    ])
    let signal = Signal(x.transposed(0, 1), states: states.map { $0[0] })
    let own = try layer.forward(signal, context).value
    let wanted = (own * upstream.squeezed(1).transposed(0, 1)).sum().gradients(
      withRespectTo: layer.parameters.map(\.tracked))
    let of = Tensor.concatenated([
      columns(found[0][0], gates).transposed(), columns(found[1][0], gates).transposed(),
    ])
    expectClose(of, wanted[0], relative: Tolerance.peers, toLargest: true, "weights")
    // Each half of ONNX' bias has the gradient of their sum.
    for half in 0..<2 {
      expectClose(
        columns(found[2][0].reshaped([2, -1])[half], gates), wanted[1], relative: Tolerance.peers, toLargest: true,
        "bias \(half)")
    }
  }

  @Test("Gradients of whole exports are those of differences", arguments: ["torch_old_series", "torch_new_series"])
  func differences(name: String) throws {
    let graph = try #require(try ONNXCase(name).read().model?["graph"])
    let x = try Fixture("onnx_graphs")[name].required("input:x")
    func objective(_ context: ForwardContext) throws -> Tensor {
      try graph.forward([Value(x)], context)[0].tensor.squared.sum()
    }
    let parameters = graph.parameters
    let found = try objective(ForwardContext(isRecording: true)).gradients(withRespectTo: parameters.map(\.tracked))
    for (parameter, gradient) in zip(parameters, found) {
      // One direction for each parameter: the difference along it, in float32, against the product with the gradient.
      let value = parameter.value
      let direction = RandomSource(seed: 3).normal(value.shape)
      let step = 2e-3
      parameter.value = value + direction * step
      let above = try objective(ForwardContext()).item
      parameter.value = value - direction * step
      let below = try objective(ForwardContext()).item
      parameter.value = value
      let slope = (gradient * direction).sum().item
      #expect(abs((above - below) / (2 * step) - slope) < 2e-2 * max(1, abs(slope)), "\(name) \(parameter.name)")
    }
  }

  @Test("A graph is trained, saved with its weights alone beside it, and comes back")
  func training() throws {
    let test = try ONNXCase("torch_old_tagger")
    let model = try #require(try test.read().model as? Model)
    #expect(model.inputNames == ["x"] && model.outputNames == ["y"])
    let words = try Fixture("onnx_graphs")["torch_old_tagger"].required("input:x")
    let labels = Tensor((0..<18).map { Int32($0 % 3) }, shape: [3, 6])
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.02))
    let before = try #require(try trainer.evaluate(words, labels).loss)
    try trainer.fit(words, labels, epochs: 30, verbose: .silent)
    let after = try #require(try trainer.evaluate(words, labels).loss)
    #expect(after < before * 0.5)

    let name = "onnx-\(UInt64.random(in: 0...(.max))).safetensors"
    let path = FileManager.default.temporaryDirectory.appending(path: name).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try model.save(to: path)
    #expect(throws: RecurraError.self) { try Model.load(from: path) }
    let loaded = try Model.load(from: path, registry: Registry.standard.adding(ONNXLayer.self))
    #expect(try loaded.predict(words).scalars(as: Float.self) == model.predict(words).scalars(as: Float.self))
  }

  @Test("A graph takes a batch of any size where the file leaves it open")
  func batches() throws {
    let model = try #require(try ONNXCase("torch_old_series").read().model)
    let x = try Fixture("onnx_graphs")["torch_old_series"].required("input:x")
    let whole = try model.predict(x)
    let row = try model.predict(x[1..<2])
    expectClose(row, whole[1..<2], relative: 1e-6, "a row alone")
  }
}
