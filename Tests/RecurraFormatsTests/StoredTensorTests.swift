import RecurraFormats
import RecurraTensor
import Testing

@Suite struct StoredTensorTests {
  @Test func aTensorComesBackToTheBit() throws {
    for tensor in [
      Tensor([1.5, -2, Float.infinity]), Tensor([0.1, -3] as [Double], shape: [2, 1]), Tensor([7, -9] as [Int32]),
    ] {
      let stored = StoredTensor(tensor)
      let back = try stored.tensor(named: "x", in: "test")
      #expect(back.dtype == tensor.dtype && back.shape == tensor.shape)
      #expect(StoredTensor(back) == stored)
    }
  }
}
