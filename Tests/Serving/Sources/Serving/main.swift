// A server that answers many requests with one model: POST /predict {"ids": [3, 14, 15]}.
import Hummingbird
import NIOCore
import NIOPosix
import Recurra

struct Question: Decodable {
  let ids: [Int]
}

struct Answer: ResponseEncodable {
  let label: Int
  let probabilities: [Float]
}

/// Answers one question; whatever a question holds ends in an error that says what was expected.
func answer(_ question: Question, with model: Sequential) throws -> Answer {
  guard (1...256).contains(question.ids.count) else {
    throw HTTPError(.badRequest, message: "expected 1 to 256 ids, got \(question.ids.count)")
  }
  do {
    let ids = try Tensor(validating: question.ids, shape: [1, question.ids.count], dtype: .int32)
    let probabilities = try model.predict(ids)
    let label = probabilities.argMax(axis: 1).scalars(as: Int32.self)[0]
    return Answer(label: Int(label), probabilities: probabilities.scalars(as: Float.self))
  } catch {
    throw HTTPError(.badRequest, message: error.description)
  }
}

let arguments = CommandLine.arguments
guard arguments.count == 3, let port = Int(arguments[2]) else {
  print("usage: Serving MODEL PORT")
  exit(64)
}
let model = try Sequential.load(from: arguments[1])
// One model serves every request, and each answer takes a core for itself: sharing one among threads would cost more
// than it gains here. The threads that answer are not those of Swift's cooperative pool, which must never be kept busy.
Threads.count = 1
let workers = NIOThreadPool(numberOfThreads: System.coreCount)
workers.start()

let router = Router()
router.post("predict") { request, context -> Answer in
  let question = try await request.decode(as: Question.self, context: context)
  return try await workers.runIfActive { try answer(question, with: model) }
}
let application = Application(
  router: router, configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: "recurra"))
try await application.runService()
