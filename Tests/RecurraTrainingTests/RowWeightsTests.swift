import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What each row of predictions weighs.
@Suite struct RowWeightsTests {
  static func weights(_ weights: RowWeights) -> [Double] { (0..<weights.count).map { weights[$0] } }

  @Test func nothingGivenIsOneEach() throws {
    let weights = try RowWeights(predictions: [2, 3, 4])
    #expect(weights.areAllOne && weights.count == 6 && weights.total == 6 && weights.unmaskedCount == 6)
    #expect(Self.weights(weights) == [1, 1, 1, 1, 1, 1])
    #expect(try RowWeights(predictions: [5, 4]).total == 5)
    #expect(try RowWeights(predictions: [5]).total == 5)
  }

  @Test func lengthsMaskTheTimestepsBehindThem() throws {
    let weights = try RowWeights(predictions: [3, 4, 2], mask: .lengths([4, 0, 1]))
    #expect(Self.weights(weights) == [1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0])
    #expect(weights.total == 5 && weights.unmaskedCount == 5 && !weights.areAllOne)
    // B 2, T 3, two rows to a timestep.
    let four = try RowWeights(predictions: [2, 3, 2, 5], mask: .lengths([1, 2]))
    #expect(Self.weights(four) == [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0])
  }

  @Test func lengthsMeanNothingWithoutTimesteps() throws {
    #expect(try RowWeights(predictions: [2, 3], mask: .lengths([1, 0])).areAllOne)
  }

  @Test func sampleWeightsAreOfSequencesOrTimesteps() throws {
    let ofSequences = try RowWeights(predictions: [2, 3, 4], sampleWeights: Tensor([2, 0.5] as [Float]))
    #expect(Self.weights(ofSequences) == [2, 2, 2, 0.5, 0.5, 0.5])
    let column = try RowWeights(predictions: [2, 4], sampleWeights: Tensor([2, 0.5] as [Float], shape: [2, 1]))
    #expect(Self.weights(column) == [2, 0.5])
    let ofTimesteps = try RowWeights(
      predictions: [2, 3, 4], mask: .lengths([3, 2]),
      sampleWeights: Tensor([1, 2, 3, 4, 5, .nan] as [Double], shape: [2, 3]))
    #expect(Self.weights(ofTimesteps) == [1, 2, 3, 4, 5, 0])
    #expect(ofTimesteps.total == 15 && ofTimesteps.unmaskedCount == 5)
    let four = try RowWeights(predictions: [1, 2, 2, 5], sampleWeights: Tensor([3, 4] as [Float], shape: [1, 2]))
    #expect(Self.weights(four) == [3, 3, 4, 4])
    let integers = try RowWeights(predictions: [2, 4], sampleWeights: Tensor([2, 3] as [Int32]))
    #expect(Self.weights(integers) == [2, 3])
  }

  @Test func classWeightsGoByLabelOrLargestTarget() throws {
    let classWeights = [0: 3.0, 2: 5]
    let labels = Tensor([2, 1, 0] as [Int32])
    let sparse = try RowWeights(predictions: [3, 4], targets: labels, classWeights: classWeights)
    #expect(Self.weights(sparse) == [5, 1, 3])
    let column = try RowWeights(
      predictions: [3, 4], targets: labels.converted(to: .float32).reshaped([3, 1]), classWeights: classWeights)
    #expect(Self.weights(column) == [5, 1, 3])
    let oneHot = Tensor([[0, 0, 1], [0, 1, 0], [1, 0, 0]] as [[Float]])
    let dense = try RowWeights(
      predictions: [3, 3], targets: oneHot, sampleWeights: Tensor([2, 3, 4] as [Float]), classWeights: classWeights)
    #expect(Self.weights(dense) == [10, 3, 12])
    let binary = try RowWeights(
      predictions: [4, 1], targets: Tensor([0, 1, 0.5, 0] as [Float]), classWeights: [0: 0.25, 1: 4])
    #expect(Self.weights(binary) == [0.25, 4, 1, 0.25])
  }

  @Test func anIgnoredClassMasksItsRows() throws {
    let labels = Tensor([-100, 1, 0, -100, 2, 1] as [Int32], shape: [2, 3])
    let weights = try RowWeights(
      predictions: [2, 3, 4], targets: labels, mask: .lengths([3, 2]), classWeights: [1: 7], ignoreClass: -100)
    #expect(Self.weights(weights) == [0, 7, 1, 0, 1, 0])
    #expect(weights.total == 9 && weights.unmaskedCount == 3)
    let zero = try RowWeights(predictions: [6, 4], targets: labels.reshaped([6]), ignoreClass: 0)
    #expect(Self.weights(zero) == [1, 1, 0, 1, 1, 1])
  }

  @Test func whatDoesNotFitIsRefused() {
    func expect(_ words: String..., from body: () throws -> RowWeights) {
      let error = #expect(throws: RecurraError.self) { _ = try body() }
      #expect(error?.kind == .badData)
      for word in words { #expect(error?.description.contains(word) == true, "\(String(describing: error))") }
    }
    expect("2 lengths", "got 3") { try RowWeights(predictions: [2, 3, 4], mask: .lengths([1, 2, 3])) }
    expect("[2] or [2, 3]", "[3]") { try RowWeights(predictions: [2, 3, 4], sampleWeights: .ones([3])) }
    expect("[2, 3]", "[3, 2]") { try RowWeights(predictions: [2, 3, 4], sampleWeights: .ones([3, 2])) }
    expect("[2]", "[2, 3]") { try RowWeights(predictions: [2, 4], sampleWeights: .ones([2, 3])) }
    expect("target", "[5]") { try RowWeights(predictions: [2, 4], targets: .ones([5]), classWeights: [:]) }
    expect("target", "no targets") { try RowWeights(predictions: [2, 4], classWeights: [:]) }
  }
}
