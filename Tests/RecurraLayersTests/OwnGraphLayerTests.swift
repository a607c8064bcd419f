import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers of one's own in graphs, and in the simplest form.
@Suite struct OwnGraphLayerTests {
  private let x = Tensor.varied([2, 3, 4], seed: 1, dtype: .float32)
  private let holes: [[Bool]] = [[true, false, true], [true, true, true]]

  @Test func aLayerIsAFunctionOfATensor() throws {
    let mask = try SequenceMask(steps: holes)
    let double = Doubling()
    expectIdentical(try double(x), x * 2)
    expectIdentical(try Sequential([Doubling(), Doubling()])(x), x * 4)
    // Masks and states pass where the axes stay.
    let states = [Tensor.ones([2, 5])]
    let output = try double.forward(Signal(x, mask: mask, states: states), ForwardContext())
    #expect(output.mask == mask && output.states.count == 1)
    #expect(try double.forward([Value(x, mask: mask)], ForwardContext())[0].mask == mask)
    #expect(try LastStep().forward([Value(x, mask: mask)], ForwardContext())[0].mask == .all)
    let input = Input(shape: [3, 4])
    let model = try Model(inputs: [input], outputs: [Add()(input, double(input))])
    expectIdentical(try model(x), x + x * 2)
    let registry = Registry.standard.adding(Doubling.self)
    expectIdentical(try Model(configuration: model.json, registry: registry)(x), x + x * 2)
    #expect(throws: RecurraError.self) { try Model(configuration: model.json) }
  }

  @Test func aLayerWithoutAWayForwardSaysSo() throws {
    let error = #expect(throws: RecurraError.self) { try Nothing()(x) }
    #expect(error?.description == "Nothing: expected a layer with forward(_:_:), got one without")
  }

  @Test func aMergingLayerOfOnesOwn() throws {
    let (a, b) = (Input(shape: [nil, 4]), Input(shape: [nil, 4]))
    let model = try Model(inputs: [a, b], outputs: Swapping()([a, b]))
    let y = Tensor.varied([2, 3, 4], seed: 2, dtype: .float32)
    let outputs = try model([x, y])
    expectIdentical(outputs[0], y)
    expectIdentical(outputs[1], x)
    #expect(model.outputNames == ["swapping", "swapping_1"])
    let again = try Model(configuration: model.json, registry: .standard.adding(Swapping.self))
    expectIdentical(try again([x, y])[1], x)
  }

  @Test func aLayerThatGivesLessThanItSaysIsRefused() throws {
    let (a, b) = (Input(shape: [nil, 4]), Input(shape: [nil, 4]))
    let error = #expect(throws: RecurraError.self) { try Model(inputs: [a, b], outputs: Boasting()([a, b])) }
    #expect(error?.description == "boasting (Boasting): expected 2 outputs, got 1")
    let silent = try Model(inputs: [a, b], outputs: Boasting(isHonestAboutShapes: true)([a, b]))
    let other = #expect(throws: RecurraError.self) { try silent([x, x]) }
    #expect(other?.description == "boasting (Boasting): expected 2 outputs, got 1")
  }

  @Test func gradientsOfAttentionAreThoseOfItsFormula() throws {
    let mask = try SequenceMask(steps: [[true, false, true, true], [true, true, false, false]])
    let (queries, keys) = (Input(shape: [nil, 3]), Input(shape: [nil, 3]))
    let weights = Softmax()(Dot(axes: 2)(queries, keys), keys)
    let model = try Model(
      inputs: [queries, keys], outputs: [Concatenate()(Dot(axes: [2, 1])(weights, keys), queries)], dtype: .float64)
    let point = [Tensor.varied([2, 2, 3], seed: 3), Tensor.varied([2, 4, 3], seed: 4)]
    expectGradients(
      of: { inputs in
        let values = [Value(inputs[0]), Value(inputs[1], mask: mask)]
        return (try? model.forward(values, ForwardContext())[0].tensor) ?? .zeros([0])
      }, at: point)
    // By hand, over what counts.
    let found = try model([point[0], point[1]], masks: [.all, mask])[0]
    for (row, steps) in [[0, 2, 3], [0, 1]].enumerated() {
      let kept = Tensor.stacked(steps.map { point[1][row][$0] })
      let scores = point[0][row].matrixProduct(kept.transposed()).softmax()
      expectClose(found[row].sliced(0..<3, axis: 1), scores.matrixProduct(kept), relative: 1e-12, absolute: 1e-14)
    }
  }
}

private protocol Unset: Layer {}

extension Unset {
  var configuration: [String: JSONValue] { [:] }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }
}

private final class Doubling: Unset {
  static var typeName: String { "Doubling" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
  func forward(_ input: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor { input * 2 }
}

private final class LastStep: Layer {
  static var typeName: String { "LastStep" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
  var configuration: [String: JSONValue] { [:] }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { [inputShape[0], inputShape[2]] }
  func forward(_ input: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    input.sliced(2..<3, axis: 1).squeezed(1)
  }
}

private final class Nothing: Unset {
  static var typeName: String { "Nothing" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
}

private final class Swapping: MergingLayer {
  static var typeName: String { "Swapping" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
  var configuration: [String: JSONValue] { [:] }
  var outputCount: Int { 2 }
  func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] { inputShapes.reversed() }
  func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] { inputs.reversed() }
}

/// Says that it has two outputs.
private final class Boasting: MergingLayer {
  static var typeName: String { "Boasting" }
  let isHonestAboutShapes: Bool
  init(isHonestAboutShapes: Bool = false) { self.isHonestAboutShapes = isHonestAboutShapes }
  init(configuration: LayerArguments) throws(RecurraError) { isHonestAboutShapes = false }
  var configuration: [String: JSONValue] { [:] }
  var outputCount: Int { 2 }
  func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    isHonestAboutShapes ? inputShapes : [inputShapes[0]]
  }
  func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] { [inputs[0]] }
}
