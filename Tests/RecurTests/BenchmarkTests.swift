import Foundation
import RecurraCells
import RecurraLayers
import Testing

/// What `recur-bench` says, and when.
@Suite struct BenchmarkTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func saysWhatItTimesBesideTheFigures() throws {
    let result = try tool.shell(
      "recur-bench --cell gru --batch 3 --timesteps 1 --inputs 5 --units 7 --threads 1 --repetitions 1 --least 0.001"
        + " --json"
    )
    #expect(result.code == 0)
    #expect(
      result.error == "recur-bench: timing gru inference, 3 sequences of 1 timestep, 5→7, 1 thread\n")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 1, "\(result.output)")
    guard case .object(let members) = try JSONValue(parsing: Array(result.output.utf8)) else {
      Issue.record("expected an object, got \(result.output)")
      return
    }
    #expect(
      members.map(\.0) == [
        "cell", "bidirectional", "batch", "timesteps", "inputs", "units", "job", "threads", "multiplier",
        "median_seconds", "min_seconds", "gflops", "sequences_per_second", "isa", "blas",
      ])
  }

  @Test func holesResetsAndStatesAreTimedAgainstPlainTimesteps() throws {
    let result = try tool.shell("recur-bench --masks --threads 1 --repetitions 1 --least 0.001 --json")
    let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    let names: [JSONValue] = ["holes", "resets", "initial states"].map { .string($0) }
    #expect(result.code == 0 && lines.map { $0["masks"] } == names + names + names + names)
    for line in lines {
      guard case .number(let ratio)? = line["speed_over_plain"] else {
        Issue.record("expected a ratio, got \(result.output)")
        return
      }
      // One short turn each, beside other tests: what is faster cannot be told.
      #expect(ratio > 0.01 && ratio < 100)
    }
  }

  private static let short = "--units 7 --inputs 5 --threads 1 --repetitions 3 --least 0.001 --json"

  @Test(arguments: ["inference", "training"])
  func differentLengthsAreTimedAgainstFullOnes(_ job: String) throws {
    let lengths = [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 1]
    let list = lengths.map { "\($0)" }.joined(separator: ",")
    let result = try tool.shell(
      "recur-bench ragged --cell bilstm --lengths \(list) --longest 40 --job \(job) --inputs 20 --units 32 --threads 1"
        + " --repetitions 5 --least 0.002 --json")
    #expect(result.code == 0, "\(result.error)")
    #expect(
      result.error == "recur-bench: timing bilstm \(job), 12 sequences of up to 40 timesteps, 20→32, 1 thread\n")
    let line = try JSONValue(parsing: Array(result.output.utf8))
    #expect(line["job"] == .string(job) && line["valid_timesteps"] == .integer(111) && line["batch"] == .integer(12))
    #expect(line["lengths"] == .array(lengths.map { .integer($0) }))
    #expect(line["bidirectional"] == .bool(true) && line["longest"] == .integer(40))
    func number(_ name: String) -> Double { if case .number(let number)? = line[name] { number } else { -1 } }
    #expect(abs(number("valid_share") - 111 / 480) < 1e-9)
    // A quarter of the timesteps count; a layer that computed all of them would take as long as the full batch.
    let ratio = number("min_seconds") / number("full_min_seconds")
    #expect(ratio > 0.1 && ratio < 0.7, "\(result.output)")
    #expect(number("median_seconds") >= number("min_seconds") && number("full_seconds") > 0, "\(result.output)")
  }

  @Test func drawnLengthsFollowFromTheSeedAndReachFromOneToTheLongest() throws {
    func lengths(_ options: String) throws -> [Int] {
      let output = try tool.shell("recur-bench ragged --batch 400 \(options) \(Self.short)").output
      guard case .array(let items)? = try JSONValue(parsing: Array(output.utf8))["lengths"] else { return [] }
      return items.compactMap { if case .integer(let length) = $0 { length } else { nil } }
    }
    let drawn = try lengths("--longest 10")
    #expect(drawn.count == 400 && Set(drawn) == Set(1...10), "\(drawn)")
    #expect(try lengths("--longest 10 --seed 1") == drawn)
    #expect(try lengths("--longest 10 --seed 2") != drawn)
    #expect(try lengths("--longest 1").allSatisfy { $0 == 1 })
  }

  @Test(arguments: ["--lengths 3,,4", "--lengths 0,4", "--lengths 101", "--job step", "--longest 0", "--batch 0"])
  func raggedBatchesThatCannotBeAreRefused(_ options: String) throws {
    let result = try tool.shell("recur-bench ragged \(options)")
    #expect(result.code == 64 && result.output.isEmpty, "\(options): \(result.error)")
  }

  @Test(arguments: ["inference", "training", "step"])
  func aComposedCellIsTimedLikeAnyOther(_ job: String) throws {
    let result = try tool.shell("recur-bench layers --cell composed --batch 3 --timesteps 4 --job \(job) \(Self.short)")
    #expect(result.code == 0, "\(result.error)")
    #expect(try JSONValue(parsing: Array(result.output.utf8))["cell"] == .string("composed"))
  }

  /// Two articles, a script and an option name the same numbers as the engine.
  @Test func everyNumberOfTheTuningCanBeMeasuredAgain() throws {
    func names(_ value: Any) -> [String] {
      Mirror(reflecting: value).children.flatMap { child in
        let inner = names(child.value).map { "\(child.label ?? "").\($0)" }
        return inner.isEmpty ? [child.label ?? ""] : inner
      }
    }
    let wanted = names(Tuning()).sorted()
    #expect(wanted.count > 30 && wanted.contains("turnRows") && wanted.contains("bits.tableSums"))
    let refusal = try tool.shell("recur-bench --tune nothing=1").error
    let offered = refusal.split(separator: "\n")[0].components(separatedBy: "names are ").last
    #expect(offered?.components(separatedBy: ", ") == wanted)
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    for (file, before, behind) in [
      ("Benchmarks/thresholds.py", "    \"", "\": ("),
      ("Sources/Recurra/Recurra.docc/Articles/MeasureAgain.md", "| `", "` | "),
    ] {
      let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
      for name in wanted { #expect(text.contains(before + name + behind), "\(file) lacks \(name)") }
    }
  }

  @Test func otherNumbersAreInForceAndSaid() throws {
    let result = try tool.shell(
      "recur-bench --cell lstm --batch 2 --timesteps 2 --layers 2 --repetitions 1 --least 0.001 --threads 1"
        + " --tune turnRows=3 --tune hiddenShare=0.5 --tune bits.mostBlocks=2")
    #expect(result.code == 0)
    #expect(result.error.hasPrefix("recur-bench: with turnRows=3, hiddenShare=0.5, bits.mostBlocks=2\n"))
    #expect(result.error.contains("timing 2 lstm inference"))
  }

  @Test(arguments: ["turnRows", "turnRows=0", "turnRows=0.5", "turnRows=x", "hiddenShare=-1", "waveParts=1e40", "=1"])
  func numbersThatCannotBeInForceAreRefused(_ choice: String) throws {
    #expect(try tool.shell("recur-bench --cell lstm --tune \(choice)").code == 64, "\(choice)")
  }

  /// A pipe would keep some 4,000 bytes back, and so say nothing for minutes.
  @Test func figuresComeOneByOneThroughAPipe() throws {
    let result = try tool.shell("recur-bench --repetitions 1 --least 0.001 --json | head -n 1")
    #expect(result.output.hasPrefix(#"{"start_up_seconds": "#), "\(result.output)")
    // The next figure finds the reader gone, and ends the run.
    #expect(result.error.split(separator: "\n").filter { $0.contains("timing") }.count <= 10, "\(result.error)")
  }

  @Test(arguments: [
    "--batch \(Int.max)", "--units 1000000", "--timesteps \(Int.max) --batch \(Int.max)", "--least inf", "--least nan",
    "--threads 100000", "--repetitions 0",
  ]) func whatNoMachineCanDoIsRefused(_ options: String) throws {
    let result = try tool.shell("recur-bench --cell lstm \(options)")
    #expect(result.code == 64, "\(options): \(result.error)")
    #expect(result.output.isEmpty)
  }
}
