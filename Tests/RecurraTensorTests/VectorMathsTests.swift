import CRecurraKernels
import Glibc
import TestSupport
import Testing

/// exp, tanh and sigmoid of every instruction set against `Double`, to the bounds that recurra_kernels.h states.
@Suite struct VectorMathsTests {
  // One test for each set, so that those which this processor lacks are skipped by name.
  @Test func boundsWithoutFusedMultiplyAdd() throws { try expectBounds(.generic) }
  @Test(.onlyWhere(.avx2)) func boundsOnAVX2() throws { try expectBounds(.avx2) }
  @Test(.onlyWhere(.avx512)) func boundsOnAVX512() throws { try expectBounds(.avx512) }
  @Test(.onlyWhere(.neon)) func boundsOnNEON() throws { try expectBounds(.neon) }

  @Test(.onlyWhere(.avx2), .onlyWhere(.avx512)) func setsGiveTheSameBits() throws {
    for index in Self.functions.indices {
      let (one, other) = (try Self.values(index, .avx2), try Self.values(index, .avx512))
      #expect(zip(one, other).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) })
    }
  }

  private struct Function: Sendable {
    let name: String
    /// The largest and the mean distance from the exact value, in units of the last place; of the mean within −9…9,
    /// as measured and a hundredth more: it shows what is a little off everywhere.
    let bound, mean: Double
    let exact: @Sendable (Double) -> Double
    /// What is allowed to be 0.
    let flushesBelow: Double
  }

  private static let functions = [
    Function(name: "exp", bound: 1.02, mean: 0.2705, exact: { Glibc.exp($0) }, flushesBelow: 0),
    Function(name: "tanh", bound: 1.75, mean: 0.4491, exact: { Glibc.tanh($0) }, flushesBelow: 0),
    Function(name: "sigmoid", bound: 2.51, mean: 0.4551, exact: { 1 / (1 + Glibc.exp(-$0)) }, flushesBelow: 0x1p-126),
  ]

  private static let edges: [Float] = [0, -0, .infinity, -.infinity, .nan]
  private static let middle = (0..<60_000).map { Float(-9 + Double($0) * 18 / 60_000) }

  /// Every 65,521st of all floats, and as many where exp neither overflows nor vanishes.
  private static let points: [Float] =
    edges + middle + stride(from: 0, to: 1 << 32, by: 65_521).map { Float(bitPattern: UInt32($0)) }
    + (0..<60_000).map { Float(-106 + Double($0) * 196 / 60_000) }

  private static func values(_ function: Int, _ set: InstructionSet) throws -> [Float] {
    let kernels = try #require(recurra_kernels_named(set.rawValue)).pointee
    var result = [Float](repeating: .nan, count: points.count)
    [kernels.exp, kernels.tanh, kernels.sigmoid][function](points, &result, points.count)
    return result
  }

  private func expectBounds(_ set: InstructionSet) throws {
    let middle = Self.edges.count..<(Self.edges.count + Self.middle.count)
    for (index, function) in Self.functions.enumerated() {
      var (worst, place, sum) = (0.0, Float(0), 0.0)
      for (number, found) in try Self.values(index, set).enumerated() {
        let x = Self.points[number]
        let wanted = function.exact(Double(x))
        // What overflows, vanishes or has no rounding is exact.
        if !found.isFinite || !Float(wanted).isFinite || number < Self.edges.count || wanted.magnitude < 0x1p-151 {
          #expect(x.isNaN ? found.isNaN : found == Float(wanted), "\(set), \(function.name)(\(x)) = \(found)")
          continue
        }
        if wanted < function.flushesBelow, found >= 0, Double(found) < function.flushesBelow { continue }
        let exponent = max(wanted.exponent, -126) - 23
        let distance = (Double(found) - wanted).magnitude / Double(sign: .plus, exponent: exponent, significand: 1)
        if distance > worst { (worst, place) = (distance, x) }
        if middle.contains(number) { sum += distance }
      }
      let mean = sum / Double(middle.count)
      #expect(worst <= function.bound, "\(set), \(function.name): \(worst) ULP at \(place)")
      #expect(mean <= function.mean, "\(set), \(function.name): \(mean) ULP on average")
    }
  }
}
