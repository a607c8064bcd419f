import RecurraTensor
import TestSupport
import Testing

/// The loss of wide rows of logits by vectors, against plain loops in Double.
@Suite(.serialized) struct SoftmaxRowsTests {
  static let widths = [1, 2, 31, 32, 33, 100, 1_000, 10_007]

  private func wanted(_ logits: [Double], _ label: Int, _ scale: Double) -> (loss: Double, gradient: [Double]) {
    let largest = logits.max() ?? 0
    let sum = logits.reduce(0) { $0 + Double.exponential($1 - largest) }
    let slopes = logits.indices.map { i in
      scale * (Double.exponential(logits[i] - largest) / sum - (i == label ? 1 : 0))
    }
    return (Double.logarithm(sum) - (logits[label] - largest), slopes)
  }

  @Test(arguments: widths) func againstDouble(_ width: Int) {
    let rows = 5
    let logits = Tensor.varied([rows, width], seed: 3, in: -40...60, dtype: .float32)
    let labels = (0..<rows).map { $0 * 7 % width }
    let found = logits.sparseCrossEntropy(
      labels: labels, scales: (0..<rows).map { 0.25 * Float($0 + 1) }, wantsGradient: true)
    for row in 0..<rows {
      let (loss, gradient) = wanted(logits[row].doubles, labels[row], 0.25 * Double(row + 1))
      #expect((Double(found.losses[row]) - loss).magnitude <= 1e-6 * (1 + loss.magnitude), "row \(row)")
      let slopes = found.gradient?[row].doubles ?? []
      #expect(slopes.count == width)
      for (slope, wanted) in zip(slopes, gradient) { #expect((slope - wanted).magnitude <= 1e-6, "row \(row)") }
    }
    let alone = logits.sparseCrossEntropy(
      labels: labels, scales: .init(repeating: 1, count: rows), wantsGradient: false)
    #expect(alone.losses == found.losses && alone.gradient == nil)
  }

  @Test func aMaskedRowIsNotRead() {
    let logits = Tensor([[Float.nan, 1, 2], [1, 2, 3]] as [[Float]])
    let found = logits.sparseCrossEntropy(labels: [-1, 2], scales: [nil, 1], wantsGradient: true)
    #expect(found.losses[0] == 0 && found.losses[1].isFinite)
    #expect(found.gradient?[0].doubles == [0, 0, 0])
  }

  @Test func theSameBitsOnAnyThreads() {
    let former = Threads.insistsOnMembers
    Threads.insistsOnMembers = true
    defer { Threads.insistsOnMembers = former }
    let logits = Tensor.varied([70, 301], seed: 6, in: -9...9, dtype: .float32)
    let labels = (0..<70).map { $0 * 13 % 301 }
    expectSameBitsOnAnyThreads {
      let found = logits.sparseCrossEntropy(
        labels: labels, scales: .init(repeating: 0.5, count: 70), wantsGradient: true)
      return [Tensor(found.losses)] + [found.gradient].compactMap { $0 }
    }
  }
}
