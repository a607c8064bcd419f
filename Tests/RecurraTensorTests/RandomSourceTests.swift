import Glibc
import RecurraTensor
import TestSupport
import Testing

@Suite struct RandomSourceTests {
  @Test("Philox4x32-10 gives the vectors that its authors published")
  func knownAnswers() {
    // Random123, tests/kat_vectors.
    let zero = RandomSource(seed: 0, streamNumber: 0).block(0)
    #expect(zero == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    let ones = RandomSource(seed: .max, streamNumber: .max).block(.max)
    #expect(ones == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    let pi = RandomSource(seed: 0x299f_31d0_a409_3822, streamNumber: 0x0370_7344_1319_8a2e).block(0x85a3_08d3_243f_6a88)
    #expect(pi == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test("The same numbers on every machine: these came from a Python program")
  func golden() {
    let source = RandomSource(seed: 7).stream(3)
    #expect(
      source.uniform([5], dtype: .float64).doubles == [
        0.46276266161440505, 0.9188980654834817, 0.9404157459953046, 0.961460027261022, 0.6994376226482588,
      ])
    #expect(source.permutation(10) == [8, 7, 6, 4, 3, 2, 5, 9, 0, 1])
    expectClose(
      source.normal([5], dtype: .float64),
      Tensor([-0.0934761160576683, 1.3976976873758746, 1.5582731625811297, 1.767886109187349, 0.5227837420154382]),
      relative: 1e-14)
  }

  @Test("Number i depends on the seed and i alone: not on the shape, the type, or what was asked before")
  func counterBased() {
    let source = RandomSource(seed: 11)
    let long = source.uniform([1001], dtype: .float64).doubles
    #expect(source.uniform([7, 11], dtype: .float64).doubles == Array(long.prefix(77)))
    #expect(source.uniform([3], dtype: .float32).doubles == long.prefix(3).map { Double(Float($0)) })
    #expect(long.indices.allSatisfy { source.unit(UInt64($0)) == long[$0] })
    #expect(source.uniform([0]).count == 0)
  }

  @Test("Uniform numbers fill their range evenly, the upper end excluded")
  func uniform() {
    let count = 200_000
    let numbers = RandomSource(seed: 5).uniform([count], in: -2..<6, dtype: .float64).doubles.sorted()
    #expect(numbers[0] >= -2 && numbers[count - 1] < 6)
    // Kolmogorov and Smirnov: beyond 1.95/√n one in a thousand seeds.
    let distance = numbers.indices.map { ((numbers[$0] + 2) / 8 - (Double($0) + 0.5) / Double(count)).magnitude }.max()
    #expect(distance ?? 1 < 1.95 / Double(count).squareRoot())
    let narrow = RandomSource(seed: 5).uniform([1 << 22], in: 0..<1, dtype: .float32)
    #expect(narrow.max().item < 1)
    #expect(RandomSource(seed: 5).uniform([1 << 14], in: 1..<(1 + 0x1p-22), dtype: .float32).max().item < 1 + 0x1p-22)
  }

  @Test("Normal numbers have the moments and the tails of the normal distribution")
  func normal() {
    let count = 200_000
    let source = RandomSource(seed: 6)
    let numbers = source.normal([count], mean: 3, standardDeviation: 2, dtype: .float64).doubles.map { ($0 - 3) / 2 }
    let moments = (1...4).map { power in numbers.reduce(0) { $0 + pow($1, Double(power)) } / Double(count) }
    for (moment, wanted) in zip(moments, [0.0, 1, 0, 3]) { #expect((moment - wanted).magnitude < 0.05) }
    let sorted = numbers.sorted()
    let distance = sorted.indices.map { rank -> Double in
      let share = 0.5 * erfc(-sorted[rank] / 2.0.squareRoot())
      return (share - (Double(rank) + 0.5) / Double(count)).magnitude
    }.max()
    #expect(distance ?? 1 < 1.95 / Double(count).squareRoot())
    let cut = source.truncatedNormal([count], mean: 1, standardDeviation: 0.5, dtype: .float64)
    #expect(cut.min().item >= 0 && cut.max().item <= 2)
    #expect((cut.variance().item.squareRoot() / 0.5 - 0.879_625_661_034_239_78).magnitude < 0.005)
    #expect((cut.mean().item - 1).magnitude < 0.005)
  }

  @Test("The quantile function inverts the distribution function to the last digits")
  func quantiles() {
    let known: [(Double, Double)] = [
      (0.5, 0), (0.975, 1.959_963_984_540_054), (0.841_344_746_068_542_9, 0.999_999_999_999_999_9),
      (0.999_999, 4.753_424_308_817_087_8),
      (1e-10, -6.361_340_902_404_056), (1e-300, -37.047_096_299_361_2),
    ]
    for (share, wanted) in known {
      let found = NormalDistribution.quantile(share)
      #expect((found - wanted).magnitude <= 4e-16 * max(wanted.magnitude, 1) + 1e-15, "\(share): \(found)")
    }
    for share in stride(from: 0.001, to: 0.5, by: 0.0137) {
      let x = NormalDistribution.quantile(share)
      #expect((0.5 * erfc(-x / 2.0.squareRoot()) / share - 1).magnitude < 1e-14)
      #expect(NormalDistribution.quantile(1 - share) == -NormalDistribution.quantile(1 - (1 - share)))
    }
  }

  @Test("All 64 bits of a stream's number count, and all 64 bits of the stream it is taken from")
  func wideStreams() {
    let source = RandomSource(seed: 9)
    for high in [1 << 32, 1 << 47, 1 << 62] {
      #expect(source.stream(5) != source.stream(5 + high), "\(high)")
      #expect(source.stream(5).stream(high) != source.stream(5).stream(0))
      let base = RandomSource(seed: 9, streamNumber: 3)
      let other = RandomSource(seed: 9, streamNumber: 3 + UInt64(high))
      #expect(base.stream(1) != other.stream(1) && base.block(0) != other.block(0), "\(high)")
      #expect(base.block(5) != base.block(5 + UInt64(high)), "\(high)")
    }
    #expect(source.stream(-1) != source.stream(Int(UInt32.max)) && source.stream(-1) != source.stream(1))
    // Numbers of which half lay below 2³² would be a sign that only half of the words got into them.
    #expect((0..<64).allSatisfy { source.stream($0).streamNumber > UInt64(UInt32.max) })
    #expect(Set((0..<64).map { source.stream($0).streamNumber & 0xFFFF_FFFF }).count == 64)
  }

  @Test("Streams of one seed are independent, equal numbers give equal streams, and nesting keeps the order apart")
  func streams() {
    let source = RandomSource(seed: 9)
    #expect(source.stream(4) == source.stream(4) && source.stream(4) != source.stream(5))
    #expect(source.stream(1).stream(2) != source.stream(2).stream(1))
    #expect(source.stream(0) != source && RandomSource(seed: 10).stream(4) != source.stream(4))
    let count = 100_000
    let sources = [source, source.stream(0), source.stream(1), source.stream(1).stream(0), RandomSource(seed: 10)]
    let numbers = sources.map { $0.uniform([count], in: -1..<1, dtype: .float64) }
    for i in numbers.indices {
      for j in 0..<i {
        // The correlation of independent numbers has the standard deviation 1/√n.
        let correlation = (numbers[i] * numbers[j]).mean().item * 3
        #expect(correlation.magnitude < 4.5 / Double(count).squareRoot(), "\(i) \(j)")
      }
      let shifted = numbers[i].sliced(1..<count) * numbers[i].sliced(0..<(count - 1))
      #expect((shifted.mean().item * 3).magnitude < 4.5 / Double(count).squareRoot(), "neighbours of \(i)")
    }
  }

  @Test("Permutations hold every index once, and every place is equally likely")
  func permutations() {
    #expect(RandomSource(seed: 1).permutation(0) == [] && RandomSource(seed: 1).permutation(1) == [0])
    #expect(RandomSource(seed: 1).permutation(1000).sorted() == Array(0..<1000))
    var hits = [[Int]](repeating: [Int](repeating: 0, count: 6), count: 6)
    let rounds = 12_000
    for round in 0..<rounds {
      for (place, index) in RandomSource(seed: 3).stream(round).permutation(6).enumerated() { hits[place][index] += 1 }
    }
    let expected = Double(rounds) / 6
    let chiSquare = hits.joined().reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    // 25 degrees of freedom: beyond 52.6 one in a thousand seeds.
    #expect(chiSquare < 52.6)
  }
}
