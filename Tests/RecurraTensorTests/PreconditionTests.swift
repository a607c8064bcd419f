import CRecurraKernels
import RecurraTensor
import TestSupport
import Testing

/// A programmer's mistake ends the process and says, also in an optimised build, what was expected and what came.
@Suite struct PreconditionTests {
  private func expectMessage(
    _ result: ExitTest.Result?, _ message: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(output.contains(message), "standard error was: \(output)", sourceLocation: sourceLocation)
  }

  @Test("Shapes that do not broadcast are named")
  func broadcasting() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([2, 3]) + Tensor.zeros([4])
    }
    expectMessage(result, "+: expected shapes that broadcast, got [2, 3] and [4]")
  }

  @Test("Mixed element types are refused, not converted")
  func types() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([2]) * Tensor.zeros([2], dtype: .float64)
    }
    expectMessage(result, "*: expected operands of one type, got float32 and float64")
  }

  @Test("A matrix product names both shapes")
  func matrixProduct() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([2, 3]).matrixProduct(Tensor.zeros([2, 3]))
    }
    expectMessage(result, "matrixProduct: expected shapes [… M, K] and [… K, N], got [2, 3] and [2, 3]")
  }

  @Test("An index outside the table, a slice outside the axis, an axis outside the rank")
  func ranges() async {
    let gathered = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([5, 2]).gathered(Tensor([Int32(1), 5]))
    }
    expectMessage(gathered, "gathered: expected an index in 0..<5, got 5")
    let sliced = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([5, 2]).sliced(1..<4, axis: 1)
    }
    expectMessage(sliced, "sliced: expected a range within 0..<2, got 1..<4")
    let summed = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([5, 2]).sum(axes: [2])
    }
    expectMessage(summed, "sum: expected an axis in -2..<2, got 2")
  }

  @Test("An axis twice, one timestep too many, a column below 0, parts that do not add up, the mean of nothing")
  func edges() async {
    let permuted = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([3, 3]).permuted([0, 0])
    }
    expectMessage(permuted, "permuted: expected each of 2 axes once, got [0, 0]")
    let sliced = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([5, 2]).sliced(2..<6)
    }
    expectMessage(sliced, "sliced: expected a range within 0..<5, got 2..<6")
    let picked = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([2, 3]).picked(Tensor([Int32(1), -1]))
    }
    expectMessage(picked, "picked: expected an index in 0..<3, got -1")
    let split = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([5, 2]).split([2, 2])
    }
    expectMessage(split, "split: expected extents that add up to 5, got [2, 2]")
    let mean = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([3, 0]).mean(axes: [1])
    }
    expectMessage(mean, "mean: expected at least one element, got shape [3, 0]")
  }

  @Test("The extremum of nothing, a reshape that does not fit, the gradient of something untracked")
  func meaningless() async {
    let maximum = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([3, 0]).max(axes: [1])
    }
    expectMessage(maximum, "max: expected at least one element, got shape [3, 0]")
    let reshaped = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([3, 4]).reshaped([5, -1])
    }
    expectMessage(reshaped, "reshaped: expected a shape that divides 12 elements, got [5, -1]")
    let gradient = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor(3).gradients(withRespectTo: [Tensor(2)])
    }
    expectMessage(gradient, "gradients: expected tracked tensors, got one that is not")
  }

  @Test("Numbers that an integer cannot hold, a range without an end")
  func unrepresentable() async {
    let integer = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([1.0, .nan]).converted(to: .int32)
    }
    expectMessage(integer, "int32: expected a number that fits, got nan")
    let large = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([0x1p31]).converted(to: .int32)
    }
    expectMessage(large, "int32: expected a number that fits, got 2147483648.0")
    let endless = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.arange(0, .infinity)
    }
    expectMessage(endless, "arange: expected finite bounds and step, got 0.0, inf and 1.0")
  }

  @Test("Ranges without end or in the wrong order, moments that are not finite, orders of less than nothing")
  func random() async {
    let endless = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomSource(seed: 1).uniform([2], in: 0..<(.infinity))
    }
    expectMessage(endless, "uniform: expected a range with finite ends in order, got 0.0 to inf")
    let mean = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomSource(seed: 1).normal([2], mean: .nan)
    }
    expectMessage(mean, "normal: expected a finite mean and standard deviation, got nan and 1.0")
    let count = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = RandomSource(seed: 1).permutation(-1)
    }
    expectMessage(count, "permutation: expected a count of 0 or more, got -1")
  }

  @Test("Rows of a literal that differ, and shapes whose strides or bytes overflow behind a 0")
  func shapes() async {
    let ragged = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([[1.0, 2], [3]])
    }
    expectMessage(ragged, "Tensor: expected rows of 2 numbers, got 1 in row 1")
    let deep = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor([[[1.0, 2]], [[3]]])
    }
    expectMessage(deep, "Tensor: expected matrices of 1 rows of 2 numbers, got another shape in matrix 1")
    let strides = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([0, 1 << 32, 1 << 32])
    }
    expectMessage(strides, "shape: expected a number of bytes that fits in Int, got [0, 4294967296, 4294967296]")
    let bytes = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor(uninitialized: [1 << 61], dtype: .float32)
    }
    expectMessage(bytes, "shape: expected a number of bytes that fits in Int, got [2305843009213693952]")
  }

  @Test("An instruction set that does not exist is said once, and the best one is used; nothing counts as unset")
  func instructionSet() async {
    for name in ["abacus", "AVX2", ""] {
      let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        [name = name as String] in
        ProcessEnvironment.set("RECURRA_ISA", name)
        _ = Tensor.zeros([3]).exp()
        #expect(String(cString: Kernels.table.name) == String(cString: recurra_kernels_best().pointee.name))
      }
      let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      guard !name.isEmpty else {
        #expect(said.isEmpty)
        continue
      }
      #expect(said.hasPrefix("Recurra: RECURRA_ISA: expected an instruction set of this processor (generic"))
      #expect(said.hasSuffix(", got \"\(name)\", which is ignored\n"))
      #expect(said.split(separator: "\n").count == 1)
    }
  }
}
