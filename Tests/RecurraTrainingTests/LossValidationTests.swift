import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What losses and metrics refuse before anything is trained.
@Suite struct LossValidationTests {
  static let sparse = Loss.sparseCategoricalCrossEntropy
  static let labels = Tensor([0, 2, 1, 4, -1, -100] as [Int32], shape: [2, 3])

  @Test func targetsHaveTheShapeTheLossNeeds() throws {
    for shape in [[7, 3], [7, 3, 1]] {
      try Self.sparse.validate(targets: .zeros(shape), output: [nil, 3, 5], operation: "fit")
    }
    for shape in [[7, 2], [7, 3, 1], [7, 3]] {
      for loss in [Loss.meanSquaredError, .binaryCrossEntropy, .categoricalCrossEntropy, .huber()]
      where shape != [7, 2] {
        try loss.validate(targets: .zeros(shape), output: [nil, 3], operation: "fit")
        try loss.validate(targets: .zeros(shape), output: [nil, 3, 1], operation: "fit")
        // An extent that is not known fits any.
        try loss.validate(targets: .zeros(shape), output: [nil, nil], operation: "fit")
      }
    }
    try Loss.meanSquaredError.validate(targets: .zeros([7]), output: [nil, 1], operation: "fit")
    DataCheckTests.expect(.badData, "fit", "y of shape [B] for mean_squared_error of [?, 1]", "got [7, 2]") {
      try Loss.meanSquaredError.validate(targets: .zeros([7, 2]), output: [nil, 1], operation: "fit")
    }
    DataCheckTests.expect(.badData, "y of shape [B, 3] for", "got [7, 2]") {
      try Self.sparse.validate(targets: .zeros([7, 2]), output: [nil, 3, 5], operation: "fit")
    }
    DataCheckTests.expect(.badData, "y of shape [B, ?, 4]", "got [7, 9]") {
      try Loss.meanSquaredError.validate(targets: .zeros([7, 9]), output: [nil, nil, 4], operation: "fit")
    }
    DataCheckTests.expect(.badData, "[B]", "got [7]") {
      try Self.sparse.validate(targets: .zeros([7]), output: [nil], operation: "fit")
    }
    try Loss("own") { $1 - $0 }.validate(targets: .zeros([7, 9, 2]), output: [nil, 3], operation: "fit")
  }

  @Test func labelsAreAmongTheClasses() throws {
    func validate(_ loss: Loss, lengths: [Int]?) throws {
      try loss.validate(
        targets: Self.labels, output: [nil, 3, 5], mask: lengths.map { .lengths($0) } ?? .all, operation: "fit")
    }
    DataCheckTests.expect(.badData, "labels in 0..<5,", "-1 in row 1, timestep 1 of y") {
      try validate(Self.sparse, lengths: nil)
    }
    DataCheckTests.expect(.badData, "-1 in row 1, timestep 1 of y") { try validate(Self.sparse, lengths: [3, 2]) }
    try validate(Self.sparse, lengths: [3, 1])
    let ignoring = Loss.sparseCategoricalCrossEntropy(ignoreClass: -1)
    DataCheckTests.expect(.badData, "labels in 0..<5, or -1", "-100 in row 1, timestep 2 of y") {
      try validate(ignoring, lengths: nil)
    }
    try validate(ignoring, lengths: [3, 2])
    // Lengths say nothing about targets that are no sequences.
    DataCheckTests.expect(.badData, "-1 in row 1 of y") {
      try Self.sparse.validate(
        targets: Tensor([0, -1] as [Int32]), output: [nil, 5], mask: .lengths([1, 0]), operation: "fit")
    }
    DataCheckTests.expect(.badData, "4 in row 1, timestep 0 of y") {
      try Self.sparse.validate(targets: Self.labels, output: [nil, 3, 4], mask: .lengths([3, 1]), operation: "fit")
    }
  }

  @Test func metricsNeedTargetsTheyCanCompare() throws {
    func validate(_ metric: Metric, _ targets: [Int], _ output: [Int?]) throws {
      try metric.validate(targets: .zeros(targets), output: output, operation: "fit")
    }
    for (metric, targets, output) in [
      (Metric.accuracy, [7], [nil, 5]), (.accuracy, [7, 1], [nil, 5]), (.accuracy, [7, 5], [nil, 5]),
      (.accuracy, [7], [nil, 1]), (.accuracy, [7, 3], [nil, 3, 5]), (.accuracy, [7, 3, 5], [nil, 3, 5]),
      (.accuracy, [7, 3], [nil, 3, 1]), (.sparseCategoricalAccuracy, [7, 3, 1], [nil, 3, 5]),
      (.categoricalAccuracy, [7, 5], [nil, 5]), (.binaryAccuracy, [7], [nil, 1]),
      (.meanSquaredError, [7, 2], [nil, 2]),
      (Metric("own") { $1 - $0 }, [7, 9], [nil, 2]),
    ] as [(Metric, [Int], [Int?])] {
      try validate(metric, targets, output)
    }
    for (metric, targets, output) in [
      (Metric.accuracy, [7, 4], [nil, 5]), (.accuracy, [7, 2], [nil, 3, 5]), (.accuracy, [7, 2], [nil, 1]),
      (.sparseCategoricalAccuracy, [7, 5], [nil, 5]), (.categoricalAccuracy, [7], [nil, 5]),
      (.meanAbsoluteError, [7], [nil, 2]), (.binaryAccuracy, [7, 2], [nil, 3]),
    ] as [(Metric, [Int], [Int?])] {
      DataCheckTests.expect(.badData, "fit", metric.name, "got \(targets)") { try validate(metric, targets, output) }
    }
  }

  @Test func classWeightsAreFiniteAndOfClasses() throws {
    func validate(_ loss: Loss, _ weights: [Int: Double], _ targets: Tensor, _ output: [Int?], lengths: [Int]? = nil)
      throws
    {
      try loss.validate(
        classWeights: weights, targets: targets, output: output, mask: lengths.map { .lengths($0) } ?? .all,
        operation: "fit")
    }
    let (labels, oneHot) = (Tensor([0, 2] as [Int32]), Tensor.zeros([2, 5]))
    try validate(Self.sparse, [0: 0, 4: 2.5], labels, [nil, 5])
    try validate(.categoricalCrossEntropy, [0: 0, 4: 2.5], oneHot, [nil, 5])
    try validate(.binaryCrossEntropy, [0: 1, 1: 5], Tensor([0, 1] as [Float]), [nil, 1])
    for (bad, text) in [(-1, "-1.0"), (.nan, "nan"), (.infinity, "inf")] as [(Double, String)] {
      DataCheckTests.expect(.badArgument, "fit", "class weights of 0 or more", "\(text) for class 3") {
        try validate(Self.sparse, [0: 1, 3: bad], labels, [nil, 5])
      }
    }
    DataCheckTests.expect(.badArgument, "in 0..<5", "class 5") { try validate(Self.sparse, [5: 1], labels, [nil, 5]) }
    DataCheckTests.expect(.badArgument, "in 0..<5", "class -1") {
      try validate(Self.sparse, [-1: 1], labels, [nil, 5])
    }
    DataCheckTests.expect(.badArgument, "of 0 or more", "class -1") {
      try validate(.binaryCrossEntropy, [-1: 1], Tensor([0, 1] as [Float]), [nil, 1])
    }
    DataCheckTests.expect(.badData, "whole numbers in y", "0.5 in row 1") {
      try validate(.meanSquaredError, [0: 1], Tensor([0, 0.5] as [Float]), [nil, 1])
    }
    let own = Loss("own") { $1 - $0 }
    DataCheckTests.expect(.badData, "know its class", "[2, 9]") {
      try validate(own, [0: 1], .zeros([2, 9]), [nil, 5])
    }
    try validate(own, [:], .zeros([2, 9]), [nil, 5])
    let steps = Tensor([0, 1, 0.5, 1] as [Float], shape: [2, 2])
    DataCheckTests.expect(.badData, "0.5 in row 1, timestep 0") { try validate(own, [0: 1], steps, [nil, 2, 1]) }
    try validate(own, [0: 1], steps, [nil, 2, 1], lengths: [2, 0])
  }

  @Test func settingsLieInTheirRange() throws {
    for loss in [
      Loss.huber(delta: 0.1), .binaryCrossEntropy(labelSmoothing: 1), .categoricalCrossEntropy(labelSmoothing: 0),
    ] {
      try loss.validate()
    }
    for delta in [0, -1, .nan, .infinity] as [Double] {
      DataCheckTests.expect(.badArgument, "huber", "delta above 0", "\(delta)") {
        try Loss.huber(delta: delta).validate()
      }
    }
    for smoothing in [-0.1, 1.5, .nan] {
      for loss in [
        Loss.binaryCrossEntropy(labelSmoothing: smoothing), .categoricalCrossEntropy(labelSmoothing: smoothing),
      ] {
        DataCheckTests.expect(.badArgument, "label smoothing in 0…1", "\(smoothing)") { try loss.validate() }
      }
    }
  }

  @Test func outputsThatCannotFitAreNamed() {
    let ofClasses = [Loss.sparseCategoricalCrossEntropy, .categoricalCrossEntropy]
    for loss in ofClasses + [.binaryCrossEntropy] {
      for activation in [Activation.softmax, .sigmoid, .hardSigmoid] {
        #expect(loss.mismatch(lastActivation: activation) == nil)
      }
      for activation in Activation.allCases where ![.softmax, .sigmoid, .hardSigmoid].contains(activation) {
        let text = loss.mismatch(lastActivation: activation) ?? ""
        #expect(text.contains(loss.name) && text.contains(activation.rawValue) && text.contains("logits"), "\(text)")
      }
      #expect(loss.mismatch(lastActivation: nil) == nil)
    }
    for loss in [
      Loss.sparseCategoricalCrossEntropy(fromLogits: true), .categoricalCrossEntropy(fromLogits: true),
      .binaryCrossEntropy(fromLogits: true),
    ] {
      for activation in [Activation.softmax, .sigmoid, .hardSigmoid] {
        #expect(loss.mismatch(lastActivation: activation)?.contains("ends in \(activation.rawValue)") == true)
      }
      #expect(loss.mismatch(lastActivation: .linear) == nil && loss.mismatch(lastActivation: .tanh) == nil)
    }
    for loss in ofClasses {
      #expect(loss.mismatch(lastActivation: .softmax, width: 1)?.contains("one output") == true)
      #expect(loss.mismatch(lastActivation: .softmax, width: 2) == nil)
    }
    #expect(Loss.binaryCrossEntropy.mismatch(lastActivation: .sigmoid, width: 1) == nil)
    for loss in [Loss.meanSquaredError, .meanAbsoluteError, .huber(), Loss("own") { $1 - $0 }] {
      for activation in Activation.allCases { #expect(loss.mismatch(lastActivation: activation, width: 1) == nil) }
    }
  }
}
