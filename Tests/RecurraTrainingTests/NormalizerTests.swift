import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct NormalizerTests {
  @Test("Each feature gets mean 0 and deviation 1, of what it was fitted on")
  func standard() throws {
    let training = Tensor([[1.0, 10], [3, 30], [5, 80]])
    let normalizer = try Normalizer.standard(fitting: training)
    #expect(normalizer.offset == [3, 40])
    expectClose(Tensor(normalizer.scale), Tensor([(8.0 / 3).squareRoot(), (2600.0 / 3).squareRoot()]), relative: 1e-15)
    let z = try normalizer.normalized(training)
    expectClose(z.mean(axes: [0]), Tensor([0.0, 0]), absolute: 1e-15)
    expectClose(z.variance(axes: [0]), Tensor([1.0, 1]), relative: 1e-14)
    let other = Tensor([[7.0, 40]])
    expectClose(try normalizer.normalized(other), Tensor([[4 / (8.0 / 3).squareRoot(), 0]]), relative: 1e-15)
    expectClose(try normalizer.inverse(z), training, relative: 1e-15)
  }

  @Test("The extremes go to the ends of the range")
  func minMax() throws {
    let training = Tensor([[1.0, 10], [3, -30], [5, 80]])
    let unit = try Normalizer.minMax(fitting: training)
    #expect(try unit.normalized(training).doubles == [0, 40.0 / 110, 0.5, 0, 1, 1])
    let symmetric = try Normalizer.minMax(fitting: training, to: -1...3)
    expectClose(
      try symmetric.normalized(training), Tensor([[-1, 160.0 / 110 - 1], [1, -1], [3, 3]]),
      absolute: 1e-14)
    expectClose(try symmetric.inverse(symmetric.normalized(training)), training, relative: 1e-14)
    for range in [2.0...2, 0...(.infinity), -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude] {
      #expect(
        (#expect(throws: RecurraError.self) { try Normalizer.minMax(fitting: training, to: range) })?.kind
          == .badArgument)
    }
  }

  @Test("A constant feature is divided by 1, also where its mean is off by rounding, and comes back")
  func constants() throws {
    let x = Tensor([Float](repeating: 0.1, count: 1_000), shape: [1_000, 1])
    let normalizer = try Normalizer.standard(fitting: x)
    #expect(normalizer.scale == [1] && normalizer.offset == [Double(Float(0.1))])
    #expect(try normalizer.normalized(x).doubles.allSatisfy { $0 == 0 })
    expectIdentical(try normalizer.inverse(normalizer.normalized(x)), x)
    let unit = try Normalizer.minMax(fitting: x, to: -1...1)
    #expect(unit.scale == [1])
    #expect(try unit.normalized(x).doubles.allSatisfy { $0 == -1 })
    #expect(try Normalizer.standard(fitting: Tensor([7.0])).normalized(Tensor([7.0, 8])).doubles == [0, 1])
  }

  @Test("Small, large and far values keep their digits")
  func extremes() throws {
    let far = Tensor([1e9 + 1, 1e9 + 3])
    #expect(try Normalizer.standard(fitting: far) == Normalizer(offset: [1e9 + 2], scale: [1]))
    #expect(try Normalizer.standard(fitting: Tensor([1e-200, 3e-200])).scale == [1e-200])
    #expect(try Normalizer.standard(fitting: Tensor([1e200, 3e200])).scale == [1e200])
    // In float32 the difference of these two to their mean would be rounded to 64.
    let close = Tensor([Float(1e9), Float(1e9) + 64])
    #expect(try Normalizer.standard(fitting: close).normalized(close).scalars(as: Float.self) == [-1, 1])
    let error = #expect(throws: RecurraError.self) { try Normalizer.standard(fitting: Tensor([-1e308, 1e308])) }
    #expect(
      error?.description
        == "Normalizer: expected numbers whose distances Double holds, got -1e+308 to 1e+308 in feature 0")
    // The distances are numbers, and their sum is none.
    let many = #expect(throws: RecurraError.self) { try Normalizer.standard(fitting: Tensor([0, 1e308, 1e308])) }
    #expect(many?.expected == "numbers whose distances Double holds" && many?.got == "0.0 to 1e+308 in feature 0")
    let wide = #expect(throws: RecurraError.self) { try Normalizer.minMax(fitting: Tensor([0, -1e308, 1e308])) }
    #expect(wide?.expected == "numbers whose distances Double holds")
  }

  @Test("Padded timesteps are never looked at, and stay what they are")
  func lengths() throws {
    let x = Tensor([[[1.0], [3], [.nan]], [[5], [99], [.infinity]]])
    let normalizer = try Normalizer.standard(fitting: x, lengths: [2, 1])
    expectClose(Tensor(normalizer.offset), Tensor([3.0]), relative: 1e-15)
    expectClose(Tensor(normalizer.scale), Tensor([(8.0 / 3).squareRoot()]), relative: 1e-15)
    #expect(try Normalizer.minMax(fitting: x, lengths: [2, 1]) == Normalizer(offset: [1], scale: [4]))
    let padded = Tensor([[[1.0], [3], [0]], [[5], [0], [0]]])
    let z = try normalizer.normalized(padded, lengths: [2, 1]).doubles
    #expect(z[2] == 0 && z[4] == 0 && z[5] == 0 && z[1] == 0 && z[0] < -1 && z[3] > 1)
    let back = try normalizer.inverse(normalizer.normalized(padded, lengths: [2, 1]), lengths: [2, 1])
    expectClose(back, padded, relative: 1e-15)
    let full = try Normalizer.standard(fitting: padded, lengths: [3, 3])
    #expect(try full == Normalizer.standard(fitting: padded) && full.normalized(padded, lengths: [3, 0]).isAllFinite)
    for lengths in [[2], [2, 4], [-1, 2]] {
      #expect(throws: RecurraError.self) { try Normalizer.standard(fitting: x, lengths: lengths) }
      #expect(throws: RecurraError.self) { try normalizer.normalized(padded, lengths: lengths) }
    }
    #expect(throws: RecurraError.self) { try Normalizer.standard(fitting: x, lengths: [0, 0]) }
    #expect(throws: RecurraError.self) { try Normalizer.standard(fitting: Tensor([[1.0], [2]]), lengths: [1, 1]) }
  }

  @Test("Numbers that are not finite are refused with their place, no numbers as well")
  func refusals() throws {
    func message(_ x: Tensor) -> String? {
      (#expect(throws: RecurraError.self) { try Normalizer.standard(fitting: x) })?.description
    }
    #expect(message(Tensor([[1.0, 2], [3, .nan]])) == "Normalizer: expected finite numbers, got nan at index [1, 1]")
    #expect(message(Tensor([1, -Double.infinity])) == "Normalizer: expected finite numbers, got -inf at index 1")
    #expect(message(.zeros([0, 3])) == "Normalizer: expected at least one number of each feature, got shape [0, 3]")
    #expect(message(.zeros([3, 0])) == "Normalizer: expected at least one number of each feature, got shape [3, 0]")
    let two = try Normalizer(offset: [1, 2], scale: [3, 4])
    let error = #expect(throws: RecurraError.self) { try two.normalized(.zeros([4, 3])) }
    #expect(error?.description == "Normalizer: expected 2 features in the last axis, got shape [4, 3]")
    for (offset, scale) in [
      ([Double](), [Double]()), ([1], [1, 2]), ([.nan], [1]), ([1], [0]), ([1], [-1]), ([1], [.infinity]),
    ] {
      #expect(throws: RecurraError.self) { try Normalizer(offset: offset, scale: scale) }
    }
  }

  @Test("Integers give float32; one feature serves tensors of every shape, and can be taken out of several")
  func shapesAndTypes() throws {
    let counts = Tensor([[Int32(2), 10], [4, 30]])
    let normalizer = try Normalizer.standard(fitting: counts)
    #expect(normalizer.offset == [3, 20] && normalizer.featureCount == 2)
    let z = try normalizer.normalized(counts)
    #expect(z.dtype == .float32 && z.doubles == [-1, -1, 1, 1])
    let second = try normalizer.feature(1)
    #expect(try second.inverse(Tensor([[[-1.0]], [[1]]])).doubles == [10, 30])
    #expect(try normalizer.normalized(Tensor([2.0, 30])).doubles == [-1, 1])
    for index in [-1, 2] { #expect(throws: RecurraError.self) { try normalizer.feature(index) } }
    let sequences = Tensor.varied([3, 4, 2])
    let flat = try Normalizer.standard(fitting: sequences.reshaped([12, 2]))
    #expect(try Normalizer.standard(fitting: sequences) == flat)
    let gradient = try normalizer.normalized(Tensor([[1.0, 2]]).tracked)
    #expect(gradient.isTracked)
  }

  @Test("JSON, a note, a file and Codable give back the same numbers, to the bit")
  func saving() throws {
    let normalizer = try Normalizer(offset: [0.1, -1e300, 5], scale: [1.0 / 3, .leastNonzeroMagnitude, 1])
    #expect(try Normalizer(json: normalizer.json) == normalizer)
    #expect(try Normalizer(note: normalizer.note) == normalizer)
    #expect(try JSONDecoder().decode(Normalizer.self, from: JSONEncoder().encode(normalizer)) == normalizer)
    let path = FileManager.default.temporaryDirectory.appending(path: "normalizer-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try normalizer.save(to: path)
    #expect(try Normalizer.load(from: path) == normalizer)
    for text in [
      "{}", "[]", "{\"offset\": [1], \"scale\": [0]}", "{\"offset\": [1], \"scale\": [\"1\"]}",
      "{\"offset\": [[1]], \"scale\": [1]}", "{\"offset\": 1, \"scale\": [1]}", "{",
    ] {
      let error = #expect(throws: RecurraError.self) { try Normalizer(note: text) }
      #expect(error?.kind == .badData, "\(text)")
      #expect(throws: (any Error).self) { try JSONDecoder().decode(Normalizer.self, from: Data(text.utf8)) }
      try Data(text.utf8).write(to: URL(filePath: path))
      let inFile = #expect(throws: RecurraError.self) { try Normalizer.load(from: path) }
      #expect(inFile?.kind == .badFile && inFile?.operation.contains(path) == true, "\(text)")
    }
    let expected = "Normalizer((x − 0.1) / 0.3333333333333333, (x − -1e+300) / 5e-324, (x − 5.0) / 1.0)"
    #expect(normalizer.description == expected)
  }
}
