// Asks a server many times over many connections, every tenth time something it cannot answer, and checks every answer.
import Foundation
import Recurra

let arguments = CommandLine.arguments
if arguments.count == 3, arguments[1] == "make-model" {
  let model = Sequential(seed: 5) {
    Embedding(inputDim: 500, outputDim: 24, maskZero: true)
    Bidirectional(LSTM(units: 32))
    Dense(units: 6, activation: .softmax)
  }
  try model.build(inputShape: [nil, nil])
  try model.save(to: arguments[2])
  exit(0)
}
guard arguments.count == 6, let port = UInt16(arguments[2]), let connections = Int(arguments[3]),
  let requests = Int(arguments[4]), let server = Int32(arguments[5])
else {
  print("usage: ServingLoad MODEL PORT CONNECTIONS REQUESTS SERVER-PROCESS | ServingLoad make-model MODEL")
  exit(64)
}
let model = try Sequential.load(from: arguments[1])
let questions = try Question.all(answeredBy: model)

/// The server's resident memory in KiB.
func memory() -> Int {
  let status = (try? String(contentsOfFile: "/proc/\(server)/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
  return line.split(separator: " ").compactMap { Int($0) }.first ?? 0
}

let tally = Tally()
let early = requests / 10
var earlyMemory = 0
let start = Date.now
for (first, last) in [(0, early), (early, requests)] {
  let group = DispatchGroup()
  for connection in 0..<connections {
    group.enter()
    Thread.detachNewThread {
      defer { group.leave() }
      do {
        let socket = try Connection(port: port)
        for number in stride(from: first + connection, to: last, by: connections) {
          let question = questions.of(number)
          let began = ContinuousClock.now
          let (status, body) = try socket.ask(question.body)
          let elapsed = ContinuousClock.now - began
          tally.note(question.accepts(status, body) ? nil : "request \(number): \(status) \(body)", elapsed)
        }
      } catch {
        tally.note("connection \(connection): \(error)", .zero)
      }
    }
  }
  group.wait()
  if first == 0 { earlyMemory = memory() }
}
let seconds = Date.now.timeIntervalSince(start)
let grown = memory() - earlyMemory
print(
  "\(tally.count) answers over \(connections) connections, every one checked; \(Int(Double(tally.count) / seconds)) "
    + "requests/s, median \(tally.percentile(0.5)) ms, p99 \(tally.percentile(0.99)) ms")
print("server: \(earlyMemory) KiB after \(early) requests, \(grown) KiB more after \(requests)")
for failure in tally.failures.prefix(5) { print("wrong: \(failure)") }
exit(tally.failures.isEmpty && tally.count == requests && grown <= 2048 ? 0 : 1)
