import Glibc
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Synchronization
import Testing

/// Forks while four threads train and predict. FORKS in the environment says how often; `make forks` does 10,000.
@Suite struct ForkTests {
  @Test("Every child of a fork predicts and trains to the parent's bits, while four threads of the parent do so too")
  func children() async {
    await #expect(processExitsWith: .success) {
      let forks = getenv("FORKS").flatMap { Int(String(cString: $0)) } ?? 300
      alarm(UInt32(60 + forks))
      Threads.count = 2
      let stress = try ForkStress()
      let outcome = try stress.run(forks: forks)
      #expect(outcome == [ForkStress.Ending.right.rawValue: forks])
      #expect(stress.rounds.allSatisfy { $0 > 4 }, "the threads of the parent went on: \(stress.rounds)")
    }
  }
}

/// What the parent and its children do.
private final class ForkStress: Sendable {
  /// The exit codes of children.
  enum Ending: Int32 {
    case right = 0
    case threw, predictedOther, trainedOther, readHalfAnUpdate
  }

  /// Predicts in every thread and child; never changes.
  private let model = ForkStress.model(seed: 3)
  /// Trained by one thread while another predicts with it.
  private let changing = ForkStress.model(seed: 5)
  private let x = Tensor((0..<60).map { Int32($0 * 7 % 30) }, shape: [6, 10])
  private let y = Tensor((0..<6).map { Int32($0 % 4) })
  private let answers: [Float]
  private let trained: [Float]
  private let isOver = Atomic<Bool>(false)
  /// What each thread of the parent has done.
  private let counts = Mutex([Int](repeating: 0, count: 4))

  init() throws {
    answers = try model.predict(x).scalars()
    trained = try ForkStress.weightsAfterTraining(x, y)
    _ = try changing.predict(x)
  }

  var rounds: [Int] { counts.withLock { $0 } }

  private static func model(seed: UInt64) -> Sequential {
    Sequential(seed: seed) {
      Embedding(inputDim: 30, outputDim: 8)
      Bidirectional(LSTM(units: 12, returnSequences: true))
      GRU(units: 9)
      Dense(units: 4, activation: .softmax)
    }
  }

  private static func trainer(_ model: Sequential) throws -> Trainer {
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 0.01))
    trainer.output = .standardError
    return trainer
  }

  private static func weightsAfterTraining(_ x: Tensor, _ y: Tensor) throws -> [Float] {
    let model = model(seed: 8)
    try trainer(model).fit(x, y, batchSize: 4, epochs: 2, verbose: .silent)
    return model.weights.flatMap { $0.scalars(as: Float.self) }
  }

  /// Returns how many children ended in which way: an exit code, or 1,000 and the signal.
  func run(forks: Int) throws -> [Int32: Int] {
    let threads = SystemThreads(4) { index in try? self.work(index) }
    var endings: [Int32: Int] = [:]
    for _ in 0..<forks {
      let child = fork()
      if child == 0 { _exit(live().rawValue) }
      var status: Int32 = 0
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      let ending = status & 0x7F == 0 ? status >> 8 & 0xFF : 1_000 + status & 0x7F
      endings[ending, default: 0] += 1
    }
    isOver.store(true, ordering: .relaxed)
    threads.join()
    return endings
  }

  /// What a thread of the parent does until all children have lived; it ends early where something is wrong.
  private func work(_ index: Int) throws {
    let own = index == 0 ? changing : ForkStress.model(seed: UInt64(index))
    let trainer = try ForkStress.trainer(own)
    while !isOver.load(ordering: .relaxed) {
      switch index {
      case 0, 1: _ = try trainer.trainBatch(x, y)
      case 2: if try model.predict(x).scalars() != answers { return }
      default: _ = try changing.predict(x)
      }
      counts.withLock { $0[index] += 1 }
    }
  }

  /// What a child does, within five seconds.
  private func live() -> Ending {
    // The test runs on a thread of Swift's pool, which lets no signal through, and a child inherits that.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGALRM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    alarm(5)
    do {
      guard try model.predict(x).scalars() == answers else { return .predictedOther }
      let sums = try changing.predict(x).sum(axes: [1]).scalars(as: Float.self)
      guard sums.allSatisfy({ abs($0 - 1) < 1e-5 }) else { return .readHalfAnUpdate }
      guard try ForkStress.weightsAfterTraining(x, y) == trained else { return .trainedOther }
      return .right
    } catch {
      return .threw
    }
  }
}

/// Threads of the system: Swift's own pool has as many as there are processors, and does not live on in a child.
private struct SystemThreads {
  private final class Body: Sendable {
    let index: Int
    let run: @Sendable (Int) -> Void
    init(_ index: Int, _ run: @escaping @Sendable (Int) -> Void) { (self.index, self.run) = (index, run) }
  }

  private let threads: [pthread_t]

  init(_ count: Int, _ run: @escaping @Sendable (Int) -> Void) {
    threads = (0..<count).map { index in
      var thread = pthread_t()
      let status = pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
          body.run(body.index)
          return nil
        }, Unmanaged.passRetained(Body(index, run)).toOpaque())
      precondition(status == 0)
      return thread
    }
  }

  func join() { for thread in threads { pthread_join(thread, nil) } }
}
