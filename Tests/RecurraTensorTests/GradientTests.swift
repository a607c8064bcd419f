import Glibc
import RecurraTensor
import TestSupport
import Testing

@Suite struct GradientTests {
  @Test("A value used several times gets the sum of all its gradients")
  func severalUses() {
    let x = Tensor.varied([3, 2])
    expectGradients(of: { $0[0] * $0[0].exp() + $0[0] / ($0[0].squared + 2) - $0[0] }, at: [x])
    expectGradients(of: { x in (x[0].matrixProduct(x[0].transposed()) + x[0].sum()).squared }, at: [x])
  }

  @Test("Sixty doublings have two to the sixty paths, and are gone through once")
  func diamonds() {
    let x = Tensor([1.0]).tracked
    var y = x
    for _ in 0..<60 { y = y + y }
    #expect(y.gradients(withRespectTo: [x])[0].item == 0x1p60)
  }

  @Test("Sources may be intermediate values, come twice, or not matter at all")
  func sources() {
    let x = Tensor([2.0, 3]).tracked
    let unrelated = Tensor([[1.0, 2]]).tracked
    let middle = x.squared
    let loss = (middle * 3).sum() + x.sum()
    let gradients = loss.gradients(withRespectTo: [x, middle, unrelated, x, loss])
    #expect(gradients.map(\.doubles) == [[13, 19], [3, 3], [0, 0], [13, 19], [1]])
    #expect(gradients[2].shape == [1, 2])
    #expect(gradients.allSatisfy { !$0.isTracked })
  }

  @Test("A seed stands for what follows")
  func seeds() {
    let x = Tensor.varied([2, 3]).tracked
    let y = x.exp()
    let seed = Tensor.varied([2, 3], seed: 2)
    expectIdentical(
      y.gradients(withRespectTo: [x], seed: seed)[0], (y * seed).sum().gradients(withRespectTo: [x])[0])
    expectIdentical(x.gradients(withRespectTo: [x], seed: seed)[0], seed)
  }

  @Test("Nothing is recorded where nothing is tracked, and detached values stop the way back")
  func untracked() {
    let x = Tensor.varied([2, 3])
    #expect(!(x * x).sum().isTracked && !x.transposed().isTracked && !x.qr().q.isTracked)
    let tracked = x.tracked
    #expect((tracked * x).isTracked && !(tracked * x).detached.isTracked)
    #expect(!tracked.isEqual(to: x).isTracked && !tracked.argMax().isTracked)
    let loss = (tracked * tracked.detached).sum()
    expectIdentical(loss.gradients(withRespectTo: [tracked])[0], x)
  }

  @Test("An operation of several outputs gets the gradients of those that were used")
  func severalOutputs() {
    let x = Tensor([1.0, 2, 3])
    func parts(_ tensor: Tensor) -> (doubled: Tensor, squared: Tensor) {
      let values = tensor.detached
      guard let origin = tensor.origin else { return (values * 2, values * values) }
      let node = Node(parents: [origin], outputCount: 2) { upstream in
        let first = upstream[0].map { $0 * 2 }
        let second = upstream[1].map { $0 * values * 2 }
        return [first.map { a in second.map { a + $0 } ?? a } ?? second]
      }
      return (
        (values * 2).with(origin: Origin(node: node, output: 0)),
        (values * values).with(origin: Origin(node: node, output: 1))
      )
    }
    expectGradients(of: { parts($0[0]).doubled }, at: [x], "the first")
    expectGradients(of: { parts($0[0]).squared }, at: [x], "the second")
    expectGradients(of: { x in parts(x[0]).doubled * parts(x[0]).squared }, at: [x], "of two nodes")
    expectGradients(
      of: { x in
        let (doubled, squared) = parts(x[0])
        return doubled * squared + squared * x[0]
      }, at: [x], "both")
  }

  @Test("A history of a hundred thousand operations is gone through and let go on a small stack")
  func longHistory() {
    onThreads(1) { _ in
      let x = Tensor([1.0]).tracked
      var y = x
      for i in 0..<100_000 { y = i % 2 == 0 ? y + x : y * 0.999_99 }
      let gradient = y.gradients(withRespectTo: [x])[0].item
      #expect(gradient.isFinite && gradient > 1000)
      y = x
      // A long history that hangs on one value, and is let go while the value lives.
      var z = x.exp()
      for _ in 0..<100_000 { z = -z }
      z = y
    }
  }

  @Test("Histories of values that many threads share can be let go at the same time")
  func sharedHistories() {
    let x = Tensor.varied([4]).tracked
    var shared = x
    for _ in 0..<1_000 { shared = shared + x }
    let start = shared
    onThreads(4) { index in
      for _ in 0..<8 {
        var y = start * Double(index + 1)
        for _ in 0..<200 { y = y * 1.001 + x }
        _ = y.sum().gradients(withRespectTo: [x])
      }
    }
    #expect(shared.sum().gradients(withRespectTo: [x])[0].doubles == [1001, 1001, 1001, 1001])
  }

  @Test("Letting a history go gives all its memory back")
  func memory() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.varied([1000]).tracked
      let before = StoragePool.statistics.liveBytes
      for _ in 0..<3 {
        var y = x
        for _ in 0..<100 { y = (y * x).exp().tanh().sliced(0..<1000) }
        _ = y.sum().gradients(withRespectTo: [x])
        #expect(StoragePool.statistics.liveBytes > before + 100 * 8000)
      }
      #expect(StoragePool.statistics.liveBytes == before)
    }
  }

  @Test("The gradient of a few rows never takes the memory of the whole table")
  func rowsStayRows() async {
    await #expect(processExitsWith: .success) {
      let table = Tensor.full([100_000, 16], 0.5, dtype: .float32).tracked
      let before = StoragePool.statistics.peakBytes
      let gradient = table.gathered(Tensor([Int32(7), 99_999, 7])).sum().sparseGradients(withRespectTo: [table])[0]
      guard case .rows(let rows) = gradient else { exit(1) }
      #expect(rows.indices.scalars(as: Int32.self) == [7, 99_999, 7])
      #expect(StoragePool.statistics.peakBytes < before + 100_000)
    }
  }

  @Test("float32 gradients of a small network agree with float64 within the stated bound")
  func precision() {
    func loss(_ p: [Tensor], _ x: Tensor, _ labels: Tensor) -> Tensor {
      let hidden = (x.matrixProduct(p[0]) + p[1]).tanh()
      let gate = (x.matrixProduct(p[0]) - p[1]).sigmoid()
      let logits = (hidden * gate).matrixProduct(p[2]) + hidden.mean(axes: [1], keepingDimensions: true)
      return -(logits.logSoftmax().picked(labels).mean())
    }
    let shapes = [[60, 100], [100], [100, 6]]
    let labels = Tensor((0..<64).map { Int32($0 * 7 % 6) })
    let (wide, narrow) = (DType.float64, DType.float32)
    let found = [wide, narrow].map { dtype in
      let parameters = shapes.enumerated().map { Tensor.varied($1, seed: $0, in: -0.3...0.3, dtype: dtype).tracked }
      let value = loss(parameters, Tensor.varied([64, 60], seed: 9, dtype: dtype), labels)
      return [value] + value.gradients(withRespectTo: parameters)
    }
    for (a, b) in zip(found[0], found[1]) {
      expectClose(b.converted(to: wide), a, relative: Tolerance.float32Gradient, toLargest: true)
    }
  }
}
