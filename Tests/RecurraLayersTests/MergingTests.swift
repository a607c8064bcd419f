import Glibc
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers of several inputs.
@Suite struct MergingTests {
  private let mask: [[Bool]] = [[true, false, true], [false, false, false]]

  private func run(_ layer: any Layer, _ inputs: [Tensor], masks: [SequenceMask]? = nil) throws -> Value {
    let values = inputs.enumerated().map { Value($1, mask: masks?[$0] ?? .all) }
    let output = try layer.forward(values, ForwardContext())[0]
    let shapes = try layer.outputShapes(for: inputs.map { $0.shape.map { Optional($0) } })
    #expect(shapes == [output.tensor.shape.map { Optional($0) }])
    return output
  }

  @Test func aSoftmaxOverSeveralAxesIsOneOverThemTogether() throws {
    let x = Tensor.varied([2, 3, 4, 5], seed: 8)
    let together = try run(Softmax(axes: [1, 3]), [x]).tensor
    let wanted = x.permuted([0, 2, 1, 3]).reshaped([2, 4, 15]).softmax().reshaped([2, 4, 3, 5]).permuted([0, 2, 1, 3])
    expectIdentical(together, wanted)
    expectIdentical(try run(Softmax(axes: [-1, 1, 3]), [x]).tensor, wanted)
    expectIdentical(try run(Softmax(axis: 2), [x]).tensor, x.transposed(2, 3).softmax().transposed(2, 3))
    // Masked timesteps weigh nothing, and the others are what they are alone.
    var spoilt = x.doubles
    for i in 20..<40 { spoilt[i] = .nan }
    let steps = try SequenceMask(steps: [[true, false, true], [true, true, true]])
    let masked = try run(Softmax(axes: [1, 2]), [Tensor(spoilt, shape: [2, 3, 4, 5])], masks: [steps]).tensor
    let kept = Tensor.concatenated([x[0..<1].sliced(0..<1, axis: 1), x[0..<1].sliced(2..<3, axis: 1)], axis: 1)
    let alone = try run(Softmax(axes: [1, 2]), [kept]).tensor
    expectClose(masked[0..<1].sliced(2..<3, axis: 1), alone.sliced(1..<2, axis: 1), relative: 1e-14)
    #expect(masked[0..<1].sliced(1..<2, axis: 1).doubles.allSatisfy { $0 == 0 })
    let layer = try Registry.standard.layer(from: Softmax(axes: [1, 2]).json)
    #expect((layer as? Softmax)?.axes == [1, 2])
    #expect(throws: RecurraError.self) { try run(Softmax(axes: [1, 2]), [x, x]) }
  }

  @Test func aRootMeanSquareOverSeveralAxesIsOneOverThemTogether() throws {
    let layer = RMSNormalization(axes: [2, -3], epsilon: 0.5)
    let x = Tensor.varied([2, 3, 4, 5], seed: 9)
    try layer.build(inputShape: [nil, 3, 4, 5], random: RandomSource(seed: 1), dtype: .float64)
    let scale = try #require(layer.parameters.first)
    #expect(scale.shape == [3, 4])
    scale.value = .varied([3, 4], seed: 10)
    let found = try layer.forward([Value(x)], ForwardContext())[0].tensor
    for (b, f) in [(0, 0), (1, 3)] {
      let part = x[b].sliced(f..<f + 1, axis: 2).reshaped([3, 4])
      let wanted = part / (part.squared.mean() + 0.5).sqrt() * scale.value
      expectClose(found[b].sliced(f..<f + 1, axis: 2).reshaped([3, 4]), wanted, relative: 1e-14)
    }
    #expect((try Registry.standard.layer(from: layer.json) as? RMSNormalization)?.axes == [2, -3])
    #expect(throws: RecurraError.self) {
      try layer.build(inputShape: [nil, 3, 5, 5], random: RandomSource(seed: 1), dtype: .float64)
    }
  }

  @Test func dotAddsAlongAnAxisOfEach() throws {
    let (x, y) = (Tensor.varied([2, 3, 4], seed: 1), Tensor.varied([2, 5, 4], seed: 2))
    let scores = try run(Dot(axes: 2), [x, y]).tensor
    #expect(scores.shape == [2, 3, 5])
    let z = Tensor.varied([2, 3, 6], seed: 3)
    let sums = try run(Dot(axes: [1, 1]), [x, z]).tensor
    #expect(sums.shape == [2, 4, 6])
    let product = try run(Dot(axes: [2, 1]), [x, y.transposed(1, 2)]).tensor
    expectIdentical(product, scores)
    expectIdentical(try run(Dot(axes: -1), [x, y]).tensor, scores)
    for b in 0..<2 {
      for i in 0..<3 {
        for j in 0..<5 {
          let wanted = (0..<4).reduce(0.0) { $0 + x[b][i][$1].item * y[b][j][$1].item }
          #expect((scores[b][i][j].item - wanted).magnitude < 1e-14)
        }
      }
      for i in 0..<4 {
        for j in 0..<6 {
          let wanted = (0..<3).reduce(0.0) { $0 + x[b][$1][i].item * z[b][$1][j].item }
          #expect((sums[b][i][j].item - wanted).magnitude < 1e-14)
        }
      }
    }
    // Vectors to each row.
    let (v, w) = (Tensor.varied([2, 4], seed: 4), Tensor.varied([2, 4], seed: 5))
    expectClose(try run(Dot(axes: 1), [v, w]).tensor, (v * w).sum(axes: [1], keepingDimensions: true))
    expectClose(try run(Dot(axes: [1, 2]), [v, y]).tensor, (v.expanded(at: 1) * y).sum(axes: [2]))
    expectClose(try run(Dot(axes: [2, 1]), [y, v]).tensor, (v.expanded(at: 1) * y).sum(axes: [2]))

  }

  @Test func dotReadsNothingBehindALength() throws {
    let mask = [[true, true, false], [false, false, false]]
    let weights = Tensor.varied([2, 4, 3], seed: 1)
    var numbers = Tensor.varied([2, 3, 5], seed: 2).doubles
    for (step, counts) in mask.flatMap({ $0 }).enumerated() where !counts {
      for i in 0..<5 { numbers[step * 5 + i] = .nan }
    }
    let values = Tensor(numbers, shape: [2, 3, 5])
    let masks = [SequenceMask.lengths([4, 3]), .lengths([2, 0])]
    let found = try run(Dot(axes: [2, 1]), [weights, values], masks: masks)
    let clean = Tensor(numbers.map { $0.isNaN ? 0 : $0 }, shape: [2, 3, 5])
    expectClose(found.tensor, weights.matrixProduct(clean))
    #expect(found.mask == .lengths([4, 3]))
    #expect(try run(Dot(axes: 1), [values, values], masks: [masks[1], masks[1]]).mask == .all)
    let tracked = values.tracked
    let sum = try Dot(axes: [2, 1]).forward([Value(weights), Value(tracked, mask: masks[1])], ForwardContext())[0]
      .tensor.sum()
    let gradient = sum.gradients(withRespectTo: [tracked])[0].doubles
    for (step, counts) in mask.flatMap({ $0 }).enumerated() {
      #expect((gradient[step * 5] != 0) == counts && gradient[step * 5].isFinite)
    }
  }

  @Test func softmaxWeighsWhatCountsAlone() throws {
    let x = Tensor.varied([2, 4, 3], seed: 1, in: -3...3)
    let encoded = Tensor.zeros([2, 3, 7], dtype: .float64)
    let masks = [.lengths([4, 2]), try SequenceMask(steps: mask)]
    for stain in [0.5, .nan, .infinity] {
      var numbers = x.doubles
      for i in 0..<24 where !mask[i / 12][i % 3] { numbers[i] = stain }
      let found = try run(Softmax(), [Tensor(numbers, shape: [2, 4, 3]), encoded], masks: masks)
      #expect(found.mask == masks[0])
      for row in 0..<4 {
        let (a, b) = (x[0][row][0].item, x[0][row][2].item)
        expectClose(
          found.tensor[0][row], Tensor([1 / (1 + exp(b - a)), 0, 1 / (1 + exp(a - b))] as [Double]), relative: 1e-12)
        #expect(found.tensor[1][row].doubles == [0, 0, 0])
      }
    }
    expectIdentical(try run(Softmax(), [x]).tensor, x.softmax())
    expectIdentical(try run(Softmax(), [x, encoded]).tensor, x.softmax())
    // A value [B, T] alone has its own mask.
    let alone = try run(Softmax(), [Tensor([1, 9, 1, 2, 2, 2] as [Double], shape: [2, 3])], masks: [masks[1]])
    #expect(alone.tensor.doubles == [0.5, 0, 0.5, 0, 0, 0])
    for dtype in [DType.float32, .float64] {
      let extreme = Tensor([-1e38, 3e38, -1e38] as [Double], shape: [1, 3]).converted(to: dtype)
      let one = try SequenceMask(steps: [[true, false, true]])
      #expect(try run(Softmax(), [extreme], masks: [one]).tensor.doubles == [0.5, 0, 0.5])
    }
  }

  @Test func argumentsThatAreNotSupportedAreRefused() throws {
    for (name, config) in [
      ("Dot", #"{"axes": [1]}"#), ("Dot", "{}"), ("Dot", #"{"axes": 1, "normalize": 1}"#),
      ("Softmax", #"{"axis": [1, 65]}"#),
      ("Concatenate", #"{"axis": 65}"#), ("Add", #"{"axis": 1}"#), ("Dot", #"{"axes": [1.5, 1]}"#),
    ] {
      let error = #expect(throws: RecurraError.self) {
        try Registry.standard.layer(
          from: JSONValue(parsing: Array(#"{"class_name": "\#(name)", "config": \#(config)}"#.utf8)))
      }
      #expect(error?.kind == .badArgument && error?.description.contains(name) == true)
    }
    let dot = try Registry.standard.layer(
      from: JSONValue(parsing: Array(#"{"class_name": "Dot", "config": {"axes": 2}}"#.utf8)))
    #expect(dot.json == Dot(axes: 2).json)
  }

  @Test func masksMeet() throws {
    let (x, y) = (Tensor.varied([2, 3, 4], seed: 1), Tensor.varied([2, 3, 4], seed: 2))
    let holes = try SequenceMask(steps: mask)
    let either = [[true, false, true], [true, true, false]]
    // As Keras: an input without a mask leaves none, else a timestep counts where it does in any input.
    #expect(try run(Add(), [x, y], masks: [holes, .all]).mask == .all)
    #expect(try run(Add(), [x, y], masks: [holes, .lengths([1, 2])]).mask == SequenceMask(steps: either))
    #expect(try run(Add(), [x, y], masks: [.lengths([1, 2]), .lengths([2, 1])]).mask == .lengths([2, 2]))
    expectIdentical(
      try run(Multiply(), [x, y], masks: [.lengths([1, 2]), .lengths([2, 1])]).tensor[0][1], y[0][1])
    #expect(try run(Concatenate(), [x, y], masks: [.all, holes]).mask == .all)
    #expect(try run(Concatenate(), [x, y], masks: [.lengths([1, 2]), holes]).mask == SequenceMask(steps: either))
    let joined = try run(Concatenate(axis: 1), [x, y], masks: [.lengths([2, 3]), holes])
    let (t, f) = (true, false)
    // The second value begins where the first one ends; its holes stay.
    let wanted = try SequenceMask(steps: [[t, t, t, f, t, f], [t, t, t, f, f, f]]).intersection(.lengths([5, 6]))
    #expect(joined.mask == wanted && joined.tensor.shape == [2, 6, 4])
    expectIdentical(joined.tensor[0], .concatenated([x[0][0..<2], y[0], x[0][2..<3]]))
    let rows = try run(Concatenate(axis: 1), [x, y, x], masks: [.lengths([2, 3]), .lengths([0, 1]), .all])
    #expect(rows.mask == .lengths([5, 7]))
    expectIdentical(rows.tensor[0][0..<5], .concatenated([x[0][0..<2], x[0]]))
    expectIdentical(rows.tensor[1][0..<7], .concatenated([x[1], y[1][0..<1], x[1]]))
    let steps = try run(Concatenate(axis: 1), [x, y], masks: [holes, .all])
    #expect(try steps.mask == SequenceMask(steps: [[t, f, t, t, t, t], [f, f, f, t, t, t]]))
    expectIdentical(steps.tensor, .concatenated([x, y], axis: 1))
    #expect(try run(Concatenate(axis: 1), [x, y]).mask == .all)
    expectIdentical(try run(Add(), [x, y, x]).tensor, x + y + x)
    expectIdentical(try run(Add(), [x]).tensor, x)
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    func expect(_ layer: any Layer, _ inputs: [Tensor], _ message: String) {
      let error = #expect(throws: RecurraError.self) { try layer.forward(inputs.map { Value($0) }, ForwardContext()) }
      #expect(error?.description == message)
    }
    let x = Tensor.varied([2, 3, 4])
    expect(Add(), [x, x.converted(to: .float32)], "Add: expected inputs of one floating type, got float64, float32")
    let broadcast = "expected inputs of one shape, or of shapes that broadcast, got"
    expect(Add(), [x, .varied([2, 3, 2])], "Add: \(broadcast) [2, 3, 4] and [2, 3, 2]")
    expect(Add(), [x, .varied([1, 3, 4])], "Add: \(broadcast) [2, 3, 4] and [1, 3, 4]")
    expect(Maximum(), [x, .varied([2, 2, 4])], "Maximum: \(broadcast) [2, 3, 4] and [2, 2, 4]")
    expect(Subtract(), [x], "Subtract: expected two inputs, got 1")
    expect(Subtract(), [x, x, x], "Subtract: expected two inputs, got 3")
    expect(Add(), [], "Add: expected inputs of one floating type, got ")
    expect(Concatenate(axis: 0), [x, x], "Concatenate: expected an axis behind the batch, of 3, got axis 0")
    expect(Dot(axes: 2), [x], "Dot: expected two inputs of 2 or 3 axes, got [2, 3, 4]")
    expect(Dot(axes: 3), [x, x], "Dot: expected axes behind the batch, got axes [3, 3] of [2, 3, 4] and [2, 3, 4]")
    expect(
      Softmax(), [x, .varied([2, 3, 4])], "Softmax: expected a second input [2, 4] in its first two axes, got [2, 3, 4]"
    )
    expect(Softmax(), [], "Softmax: expected x [B, …, T], and perhaps a value with a mask, got ")
    #expect(throws: RecurraError.self) { try Dot(axes: [1]).outputShapes(for: [[2, 3], [2, 3]]) }
  }
}
