import RecurraTensor
import RecurraTraining
import Testing

@Suite struct ConfusionMatrixTests {
  static let predictions = Tensor(
    [
      [0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1],
    ] as [[Float]])
  static let labels = Tensor([0, 2, 1, 1, 2] as [Int32])

  @Test func rowsAreTrueClassesAndColumnsPredictedOnes() throws {
    var matrix = ConfusionMatrix(numClasses: 3)
    try matrix.add(Self.labels, Self.predictions)
    #expect(matrix.counts == [[1, 0, 0], [0, 1, 1], [1, 0, 1]])
    #expect(matrix.accuracy == 0.6 && matrix.recall(classID: 1) == 0.5 && matrix.precision(classID: 1) == 1)
    #expect(matrix.precision(classID: 0) == 0.5 && matrix.recall(classID: 0) == 1)
  }

  @Test func batchesWeightsAndOneHotTargetsCount() throws {
    var (whole, parts) = (ConfusionMatrix(numClasses: 3), ConfusionMatrix(numClasses: 3))
    let weights = Tensor([2, 0, 1, 0.5, 3] as [Float])
    try whole.add(Self.labels, Self.predictions, sampleWeights: weights)
    let oneHot = Tensor([[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0], [0, 0, 1]] as [[Float]])
    for rows in [0..<2, 2..<5] {
      try parts.add(oneHot[rows], Self.predictions[rows], sampleWeights: weights[rows])
    }
    #expect(whole == parts && whole.counts == [[2, 0, 0], [0, 1, 0.5], [3, 0, 0]])
  }

  @Test func paddingIsNotCounted() throws {
    var matrix = ConfusionMatrix(numClasses: 2)
    let predictions = Tensor([0.9, 0.2, 0.8, 0.7, 0.1, 0.9] as [Float]).reshaped([2, 3, 1])
    try matrix.add(Tensor([[1, 1, 0], [0, 1, 1]] as [[Int32]]), predictions, lengths: [2, 1])
    #expect(matrix.counts == [[0, 1], [1, 1]])
  }

  @Test func whatDoesNotFitIsRefused() {
    var matrix = ConfusionMatrix(numClasses: 3)
    #expect(throws: RecurraError.self) { try matrix.add(Tensor([1, 2] as [Int32]), Self.predictions) }
    #expect(matrix == ConfusionMatrix(numClasses: 3) && matrix.accuracy == 0 && matrix.recall(classID: 0) == 0)
  }
}
