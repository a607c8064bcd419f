import RecurraTensor
import TestSupport
import Testing

/// Integers from outside may be of any size: sums and products of them wrap around, as NumPy's and PyTorch's do.
@Suite struct IntegerArithmeticTests {
  private let x = Tensor([Int32.max, .min, -7, 1 << 20])

  private func expect(_ tensor: Tensor, _ wanted: Int32..., at location: SourceLocation = #_sourceLocation) {
    #expect(tensor.scalars(as: Int32.self) == wanted, sourceLocation: location)
  }

  @Test("Element by element")
  func elements() {
    let y = Tensor([Int32(1), -1, 3, 1 << 20])
    expect(x + y, .min, .max, -4, 2_097_152)
    expect(x - y, 2_147_483_646, -2_147_483_647, -10, 0)
    expect(x - y * -1, .min, .max, -4, 2_097_152)
    expect(x * y, .max, .min, -21, 0)
    expect(-x, -2_147_483_647, .min, 7, -1_048_576)
    expect(x.squared, 1, 0, 49, 0)
    let column = Tensor([Int32.max, 2], shape: [2, 1])
    expect((column + x)[0], -2, -1, 2_147_483_640, -2_146_435_073)
    expect((column + x)[1], -2_147_483_647, -2_147_483_646, -5, 1_048_578)
    expect(Tensor.maximum(x, y), .max, -1, 3, 1_048_576)
    expect(Tensor.minimum(x, y), 1, .min, -7, 1_048_576)
  }

  @Test("With a number on either side")
  func numbers() {
    expect(x + 1, .min, -2_147_483_647, -6, 1_048_577)
    expect(1 + x, .min, -2_147_483_647, -6, 1_048_577)
    expect(x - 1, 2_147_483_646, .max, -8, 1_048_575)
    expect(-2 - x, .max, 2_147_483_646, 5, -1_048_578)
    expect(x * 4096, -4096, 0, -28_672, 0)
    expect(4096 * x, -4096, 0, -28_672, 0)
  }

  @Test("Sums, along every axis")
  func sums() {
    expect(Tensor([Int32.max, 1, 5]).sum(), -2_147_483_643)
    let matrix = Tensor([[Int32.max, 2], [3, Int32.min]])
    expect(matrix.sum(axes: [0]), -2_147_483_646, -2_147_483_646)
    expect(matrix.sum(axes: [1]), -2_147_483_647, -2_147_483_645)
  }

  @Test(
    "A number that an int32 tensor cannot meet without a loss is refused in words",
    arguments: [0.5, 0x1p31, -0x1p31 - 1])
  func lostNumbers(number: Double) async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [number] in
      _ = Tensor([Int32(4)]) * number
    }
    let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(output.contains("*: expected a whole number within int32 beside an int32 tensor, got \(number)"))
  }
}
