import CRecurraKernels
import Foundation
import RecurraCells
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("The multipliers agree") struct Multipliers {
    @Test("OpenBLAS and packed, on 500 random shapes: outputs, states and gradients", arguments: 0..<20)
    func randomShapes(part: Int) {
      var generator = ShapeGenerator(seed: UInt64(part))
      for _ in 0..<25 { expectAgreement(LayerCase.random(using: &generator)) }
    }

    @Test("OpenBLAS and packed, where rows and units leave remainders", arguments: [1, 5, 72, 100, 650])
    func remainders(units: Int) {
      for kind in [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter] {
        for batch in units < 650 ? [1, 2, 3, 4, 5, 7, 31, 33] : [1, 5, 33] {
          expectAgreement(
            LayerCase(kind: kind, batch: batch, timesteps: 3, inputs: 60, units: units, hasInitialStates: true))
        }
      }
    }

    @Test("OpenBLAS and packed, on sequences so long that gradients are summed up stretch by stretch")
    func longSequences() {
      for test in DividedWork.long {
        for kind in [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter] { expectAgreement(test.with { $0.kind = kind }) }
      }
      expectAgreement(DividedWork.long[0].with { $0.reversals = [true] })
    }

    @Test("OpenBLAS and packed, on sequences that keep more than a cache holds")
    func moreThanACache() {
      // A run keeps 4 to 5 MiB: an eighth of a shared cache of 32 MiB, from where on it fetches ahead.
      for (kind, timesteps) in [(NaiveCell.Kind.simpleRNN, 950), (.lstm, 420), (.gruResetAfter, 420)] {
        let full = LayerCase(
          kind: kind, batch: 8, timesteps: timesteps, inputs: 3, units: 72, reversals: [false, true])
        expectAgreement(full)
        expectAgreement(full.with { $0.lengths = (0..<8).map { timesteps - $0 * 50 } })
      }
    }

    @Test("OpenBLAS and packed, on ragged batches that are trained in several blocks of rows", arguments: [40, 300])
    func raggedBlocks(batch: Int) {
      // The last rows are a step or two shorter than the batch, and repeat their last output there.
      for last in [6, 5] {
        let lengths = (0..<batch).map { $0 >= batch - 3 ? last : $0 * 5 % 8 }
        for kind in [NaiveCell.Kind.simpleRNN, .lstm, .gruResetAfter] {
          for returnsSequences in [true, false] {
            expectAgreement(
              LayerCase(
                kind: kind, batch: batch, timesteps: 7, inputs: 5, units: 9, lengths: lengths, hasInitialStates: true,
                returnsSequences: returnsSequences))
          }
        }
      }
    }

    // One test for each set, so that those which this processor lacks are skipped by name.
    @Test func agreesWithoutFusedMultiplyAdd() async { await expectEverything(on: .generic) }
    @Test(.onlyWhere(.avx2)) func agreesOnAVX2() async { await expectEverything(on: .avx2) }
    @Test(.onlyWhere(.avx512)) func agreesOnAVX512() async { await expectEverything(on: .avx512) }
    @Test(.onlyWhere(.neon)) func agreesOnNEON() async { await expectEverything(on: .neon) }

    private func expectEverything(on set: InstructionSet) async {
      // The set is chosen once in a process.
      await #expect(processExitsWith: .success) { [name = set.rawValue as String] in
        setenv("RECURRA_ISA", name, 1)
        #expect(String(cString: Kernels.table.name) == name)
        var generator = ShapeGenerator(seed: 77)
        for _ in 0..<60 {
          let test = LayerCase.random(using: &generator)
          expectAgreement(test)
          let found = EngineSettings.with(.packed) { test.results(of: test.values(.float32)) }
          for (found, wanted) in zip(found, test.results(of: test.values(.float64))) {
            expectClose(found, wanted, relative: Tolerance.float32Accumulated, toLargest: true, test.testDescription)
          }
        }
      }
    }

    @Test("The sets with fused multiply-add give the same bits", .onlyWhere(.avx2), .onlyWhere(.avx512))
    func equalBits() async throws {
      var digests: [String] = []
      for name in ["avx2", "avx512"] {
        let result = await #expect(
          processExitsWith: .success, observing: [\.standardOutputContent]
        ) { [name = name as String] in
          setenv("RECURRA_ISA", name, 1)
          var generator = ShapeGenerator(seed: 5)
          var digest: UInt64 = 0
          for _ in 0..<20 {
            let test = LayerCase.random(using: &generator)
            let results = EngineSettings.with(.packed) { test.results(of: test.values(.float32)) }
            for number in results.flatMap(\.doubles) { digest = digest &* 0x100_0000_01B3 ^ number.bitPattern }
          }
          print("digest \(digest) end")
        }
        let output = String(decoding: try #require(result).standardOutputContent, as: UTF8.self)
        digests.append(String(try #require(output.firstMatch(of: /digest (\d+) end/)).1))
      }
      #expect(digests.count == 2 && digests[0] == digests[1], "\(digests)")
    }

    @Test("A multiplier that does not exist is said once, and none is forced; nothing counts as unset")
    func unknownMultiplier() async {
      for name in ["fast", "OpenBLAS", ""] {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
          [name = name as String] in
          setenv("RECURRA_MULTIPLIER", name, 1)
          let test = LayerCase()
          _ = test.results(of: test.values(.float32))
          #expect(MultiplierChoice.current == .auto)
        }
        let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        let line =
          "Recurra: RECURRA_MULTIPLIER: expected auto, openblas, packed, got \"\(name)\", which is ignored"
        #expect(said == (name.isEmpty ? "" : line + "\n"))
      }
    }

    @Test("A program can ask whether the environment makes sense")
    func environmentSettings() async {
      await #expect(processExitsWith: .success) {
        try EnvironmentSettings.check()
        for (variable, value) in [("RECURRA_THREADS", "0"), ("RECURRA_ISA", "x"), ("RECURRA_MULTIPLIER", "y")] {
          setenv(variable, value, 1)
          let error = #expect(throws: RecurraError.self) { try EnvironmentSettings.check() }
          #expect(error?.kind == .badArgument && error?.operation == variable)
          setenv(variable, "", 1)
        }
        try EnvironmentSettings.check()
      }
    }

    @Test("A multiplier chosen for a task holds for it and its children, and for nobody else")
    func scopes() async {
      await #expect(processExitsWith: .success) {
        let outside = MultiplierChoice.current
        await withTaskGroup(of: Void.self) { group in
          MultiplierChoice.with(.openblas) {
            group.addTask { #expect(MultiplierChoice.current == .openblas) }
            MultiplierChoice.with(.packed) { #expect(MultiplierChoice.current == .packed) }
            let seen = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
              #expect(MultiplierChoice.current == outside)
              MultiplierChoice.with(.packed) { #expect(MultiplierChoice.current == .packed) }
              seen.signal()
            }
            seen.wait()
            #expect(MultiplierChoice.current == .openblas)
          }
          #expect(MultiplierChoice.current == outside)
        }
      }
    }

    @Test("RECURRA_MULTIPLIER forces a multiplier", arguments: EngineSettings.multipliers)
    func environment(multiplier: MultiplierChoice) async {
      await #expect(processExitsWith: .success) { [name = multiplier.rawValue as String] in
        setenv("RECURRA_MULTIPLIER", name, 1)
        #expect(MultiplierChoice.current.rawValue == name)
        let test = LayerCase(batch: 3, timesteps: 20, inputs: 30, units: 50)
        let found = test.results(of: test.values(.float32))[0]
        let forced = EngineSettings.multipliers.map { choice in
          EngineSettings.with(choice) { test.results(of: test.values(.float32))[0] }
        }
        // Their sums differ in the last bits, so the bits tell which one has multiplied.
        #expect(forced[0].doubles != forced[1].doubles)
        expectIdentical(found, forced[try #require(EngineSettings.multipliers.map(\.rawValue).firstIndex(of: name))])
      }
    }
  }
}

/// Holds the packed kernels against OpenBLAS, forward and back.
private func expectAgreement(_ test: LayerCase, sourceLocation: SourceLocation = #_sourceLocation) {
  let values = test.values(.float32)
  let runs = EngineSettings.multipliers.map { multiplier in
    EngineSettings.with(multiplier) { (test.results(of: values), test.resultsAndGradients(of: values)) }
  }
  let names =
    test.resultNames + test.resultNames.map { "\($0) in training" } + test.valueNames.map { "gradient of \($0)" }
  let tensors = runs.map { inference, training in inference + training.results + training.gradients }
  for (name, (found, reference)) in zip(names, zip(tensors[1], tensors[0])) {
    expectClose(
      found, reference, relative: Tolerance.multipliers, toLargest: true, "\(name), \(test.testDescription)",
      sourceLocation: sourceLocation)
  }
}

/// SplitMix64: the same shapes every time.
private struct ShapeGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

extension LayerCase {
  /// A case of any shape, for the cells that have packed kernels; small extents come as often as large ones.
  fileprivate static func random(using generator: inout ShapeGenerator) -> LayerCase {
    func extent(_ most: Int) -> Int {
      Bool.random(using: &generator)
        ? Int.random(in: 1...min(most, 8), using: &generator) : Int.random(in: 1...most, using: &generator)
    }
    var test = LayerCase(
      kind: [.simpleRNN, .lstm, .gruResetAfter].randomElement(using: &generator) ?? .lstm, batch: extent(70),
      timesteps: extent(24), inputs: extent(70), units: extent(130),
      reversals: [[false], [true], [false, true]].randomElement(using: &generator) ?? [false])
    if Bool.random(using: &generator) {
      test.lengths = (0..<test.batch).map { _ in Int.random(in: 0...test.timesteps, using: &generator) }
      if Bool.random(using: &generator) { test.lengths?.sort(by: >) }
    }
    test.hasBias = Int.random(in: 0..<4, using: &generator) > 0
    test.hasInitialStates = Bool.random(using: &generator)
    test.returnsSequences = Int.random(in: 0..<4, using: &generator) > 0
    test.padding = Bool.random(using: &generator) ? .zero : .repeatsLast
    test.seed = Int.random(in: 0..<100_000, using: &generator)
    return test
  }
}
