import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers of one's own: they are saved and come back, wherever they stand, through a registry that knows them.
@Suite struct OwnLayerTests {
  private let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path

  private var registry: Registry {
    var registry = Registry.standard
    registry.register(Scaling.self)
    registry.register(Leaky.self)
    return registry
  }

  @Test func comeBackFromAFileWhereverTheyStand() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = Sequential(seed: 4) {
      Scaling(factor: 0.5)
      TimeDistributed(Scaling(factor: 3))
      Bidirectional(Leaky(units: 3, slope: 0.25, returnSequences: true))
      Sequential(name: "inner") {
        Bidirectional(
          Leaky(units: 2, slope: 0.5), backwardLayer: Leaky(units: 2, slope: 0.125, goBackwards: true))
        Scaling(factor: -2)
      }
    }
    let input = Tensor.varied([3, 5, 4], seed: 1, dtype: .float32)
    let wanted = try model(input)
    try model.save(to: path)
    let loaded = try Sequential.load(from: path, registry: registry)
    expectIdentical(try loaded(input), wanted)
    #expect(loaded.json == model.json)
    #expect(loaded.namedParameters.map(\.path) == model.namedParameters.map(\.path))
    expectIdentical(try ModelFile(contentsOf: path, registry: registry).model(input), wanted)
  }

  @Test func withoutARegistryTheErrorNamesTheLayerAndTheWayOut() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let places: [any Layer] = [
      Scaling(factor: 2), TimeDistributed(Scaling(factor: 2)), Sequential([Scaling(factor: 2)]),
      TimeDistributed(Sequential([Dense(units: 2), Scaling(factor: 2)])),
    ]
    for layer in places {
      let model = Sequential([layer])
      try model.build(inputShape: [nil, 3, 2])
      try model.save(to: path)
      let error = #expect(throws: RecurraError.self) { try Sequential.load(from: path) }
      #expect(error?.kind == .badFile)
      for word in [path, "\"Scaling\"", "registry.register"] {
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
      }
      #expect(throws: Never.self) { try Sequential.load(from: path, registry: registry) }
    }
  }

  @Test func namesOfClassesMakeNamesThatMayStandInAPath() throws {
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = Sequential([Slashed(), Nameless(), Nameless()])
    #expect(model.layerNames == ["mine__scaling", "layer", "layer_1"])
    try model.build(inputShape: [nil, 2])
    try model.save(to: path)
    let loaded = try Sequential.load(from: path, registry: .standard.adding(Slashed.self).adding(Nameless.self))
    #expect(loaded.layerNames == model.layerNames)
  }

  @Test func aRegistryHoldsThingsOfOtherKindsByName() throws {
    var registry = Registry.standard
    registry["loss", "cosine"] = 5
    registry["loss", "other"] = 6
    registry["metric", "cosine"] = "text"
    #expect(registry["loss", "cosine"] as? Int == 5)
    #expect(registry["metric", "cosine"] as? String == "text")
    #expect(registry["metric", "other"] == nil)
    #expect(try registry.entry("loss", "cosine") == 5)
    for (kind, name, got) in [("loss", "nothing", "only cosine, other"), ("callback", "nothing", "none")] {
      let error = #expect(throws: RecurraError.self) { try registry.entry(kind, name, as: Int.self) }
      #expect(error?.kind == .badArgument)
      #expect(
        error?.description
          == "registry: expected a \(kind) \"nothing\", made known by registry.register(_:), got \(got)")
    }
    // A thing of another type is none.
    #expect(throws: RecurraError.self) { try registry.entry("metric", "cosine", as: Int.self) }
    registry["loss", "cosine"] = nil
    #expect(registry["loss", "cosine"] == nil && registry["loss", "other"] as? Int == 6)
  }

  @Test func parametersOfOnesOwnAreMadeOrRefusedByName() throws {
    let (layer, random) = (Scaling(factor: 2), RandomSource(seed: 5))
    func make(_ shape: [Int], _ initializer: Initializer) throws(RecurraError) -> Parameter {
      try layer.parameter("w", shape: shape, dtype: .float64, initializer: initializer, random: random)
    }
    let made = try make([2, 3], .glorotUniform)
    #expect(made.name == "w" && made.dtype == .float64)
    expectIdentical(made.value, Initializer.glorotUniform([2, 3], random: random, dtype: .float64))
    let flat = #expect(throws: RecurraError.self) { try make([4], .orthogonal()) }
    #expect(flat?.kind == .badArgument && flat?.description.hasPrefix("Scaling: ") == true)
    let huge = #expect(throws: RecurraError.self) { try make([1 << 40, 1 << 40], .zeros) }
    #expect(huge?.operation == "Scaling" && huge?.expected == "a parameter w of at most 2³⁶ numbers")
  }

  @Test func whatALayerMakesIsMadeOnce() throws {
    let state = BuildState<Int>()
    #expect(state.value == nil)
    #expect(throws: RecurraError.self) {
      try state.build { () throws(RecurraError) in throw Scaling(factor: 1).failure(expected: "luck", got: "none") }
    }
    #expect(state.value == nil)
    #expect(try state.build { 3 } == 3)
    #expect(try state.build { 4 } == 3 && state.value == 3)
  }

  @Test func aLayerOfOnesOwnTakesThePlaceOfOneOfThatName() throws {
    let registry = Registry.standard.adding(Impostor.self)
    let layer = try registry.layer(from: .object([(name: "class_name", value: .string("Flatten"))]))
    #expect(layer is Impostor)
    #expect(try Registry.standard.layer(from: layer.json) is Flatten)
  }
}

/// Multiplies by a number it keeps as a parameter.
private final class Scaling: Layer {
  static var typeName: String { "Scaling" }
  let factor: Double
  private let state = BuildState<Parameter>()

  init(factor: Double) { self.factor = factor }
  init(configuration: LayerArguments) throws(RecurraError) {
    factor = try configuration.number("factor", default: 1)
  }
  var configuration: [String: JSONValue] { ["factor": .number(factor)] }
  var parameters: [Parameter] { state.value.map { [$0] } ?? [] }
  var isBuilt: Bool { state.value != nil }
  func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try state.build { Parameter("factor", Tensor(factor, dtype: dtype)) }
  }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let factor = state.value else { return input }
    return input.with(value: input.value * context.tensor(factor))
  }
}

/// A layer that changes nothing.
private protocol Idle: Layer {}

extension Idle {
  var configuration: [String: JSONValue] { [:] }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal { input }
}

private final class Slashed: Idle {
  static var typeName: String { "mine/Scaling" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
}

private final class Nameless: Idle {
  static var typeName: String { "" }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
}

private final class Impostor: Idle {
  static var typeName: String { "Flatten" }
  init(configuration: LayerArguments) throws(RecurraError) {}
}
