import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Models of thousands of layers: time grows with their number, not with its square.
///
/// The bounds are generous: minutes where the square of the number counts, seconds where it does not.
@Suite struct LargeModelTests {
  private let bound = Duration.seconds(60)

  private func expectWithinBound(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) rethrows
  {
    let duration = try ContinuousClock().measure(body)
    #expect(duration < bound, sourceLocation: sourceLocation)
  }

  @Test func manyNamedLayersAreReadWrittenAndBuilt() throws {
    let count = 40_000
    let layers = (0..<count).map { index in
      JSONValue.object([
        (name: "class_name", value: .string("Flatten")),
        ("config", .object([(name: "name", value: .string("layer of a long name, number \(index)"))])),
      ])
    }
    try expectWithinBound {
      let model = try Sequential(configuration: .array(layers))
      try model.build(inputShape: [nil, 2])
      #expect(model.layerNames.count == count)
      #expect(try Sequential(configuration: model.json).layerNames == model.layerNames)
      #expect(model.summaryRows.count == count)
    }
  }

  @Test func manyUnnamedLayersAreNamed() throws {
    expectWithinBound {
      let model = Sequential((0..<40_000).map { _ in Flatten() })
      #expect(model.layerNames.last == "flatten_39999")
    }
  }

  @Test func manyRecurrentLayersRun() throws {
    let model = Sequential((0..<3_000).map { _ in SimpleRNN(units: 1, returnSequences: true) })
    let input = Tensor.varied([1, 24, 1], dtype: .float32)
    try expectWithinBound {
      try model.build(inputShape: [nil, nil, 1])
      #expect(try model(input).shape == [1, 24, 1])
    }
  }
}
