public import RecurraTensor

/// A tensor that belongs to a layer and that training changes.
///
/// Reading gives the value of that moment; a later update never changes what was read, so a model can answer requests
/// while it is being trained. The first value is computed when it is first read: a model whose weights come from a file
/// never draws any.
public final class Parameter: Sendable {
  private struct State: Sendable {
    /// Missing before the first value is drawn, and while the value is changed in place.
    var value: Tensor?
    var initialize: (@Sendable () -> Tensor)?
    var version = 0
    var isTrainable: Bool
  }

  /// What the parameter is in its layer, in Keras' words: "kernel", "bias", "embeddings"; a recurrent layer's [W;U] is
  /// "weights".
  public let name: String
  /// The extents of the value.
  public let shape: [Int]
  /// The element type of the value.
  public let dtype: DType
  /// Tells whether the layer itself keeps the value, as a moving mean: it is saved, and never trained.
  public let isStatistic: Bool
  /// Keras' weights that lie above each other in the value, where it is made of several: their names and rows.
  package let parts: [(name: String, rows: Range<Int>)]
  /// The start of every history that leads through this parameter.
  private let leaf = Origin(node: Node(parents: []) { _ in [] })
  private let state: Guarded<State>
  /// Had by the thread that draws the first value or changes it; threads that find no value wait for it.
  private let turn = Turn()

  /// Makes a parameter with its first value.
  public init(_ name: String, _ value: Tensor, isTrainable: Bool = true, isStatistic: Bool = false) {
    self.name = name
    self.isStatistic = isStatistic
    parts = []
    shape = value.shape
    dtype = value.dtype
    state = Guarded(State(value: value.detached.contiguous, isTrainable: isTrainable))
  }

  /// Makes a parameter whose first value is computed when it is needed; it must have the shape and type named here.
  public convenience init(
    _ name: String, shape: [Int], dtype: DType, isStatistic: Bool = false, initialize: @escaping @Sendable () -> Tensor
  ) {
    self.init(name, shape: shape, dtype: dtype, isStatistic: isStatistic, parts: [], initialize: initialize)
  }

  /// Makes a parameter of several of Keras' weights.
  package init(
    _ name: String, shape: [Int], dtype: DType, isStatistic: Bool, parts: [(name: String, rows: Range<Int>)],
    initialize: @escaping @Sendable () -> Tensor
  ) {
    self.name = name
    self.isStatistic = isStatistic
    self.parts = parts
    self.shape = shape
    self.dtype = dtype
    state = Guarded(
      State(
        initialize: {
          let value = initialize()
          Self.require(value, shape, dtype, name)
          return value
        }, isTrainable: true))
  }

  /// The number of numbers.
  public var count: Int { Shape.count(shape) }

  /// Tells whether the first value is there, drawn or set.
  package var hasValue: Bool { state.withLock { $0.initialize == nil } }

  /// Tells whether optimisers change it; a statistic never is.
  public var isTrainable: Bool {
    get { !isStatistic && !isFrozen }
    set { state.withLock { $0.isTrainable = newValue } }
  }

  /// Tells whether `isTrainable` has been set to false; a frozen statistic stays as it is.
  package var isFrozen: Bool { state.withLock { !$0.isTrainable } }

  /// The value; setting one of another shape or type is a programmer's mistake.
  public var value: Tensor {
    get { read().value }
    set {
      Self.require(newValue, shape, dtype, name)
      let value = newValue.detached.contiguous
      turn.take { _ in _ = store(value, changes: 1) }
    }
  }

  /// The value as the start of a history: gradients with respect to it are the parameter's.
  public var tracked: Tensor { value.with(origin: leaf) }

  /// The value, tracked on request, with the number of changes it has seen: weights packed for one version serve until
  /// the next.
  package func versioned(isTracked: Bool = false) -> (value: Tensor, version: Int) {
    let (value, version) = read()
    return (isTracked ? value.with(origin: leaf) : value, version)
  }

  /// Changes the value in place where nothing else holds it.
  package func update(_ body: (inout Tensor) -> Void) {
    turn.take { _ in
      // Before the section that forks wait for: what is drawn may take long, and the child of a fork draws it again.
      if stored == nil { draw() }
      ForkSection.updates.run {
        guard var value = state.withLock({ $0.value.take() }) else { return }
        body(&value)
        store(value, changes: 1)
      }
    }
  }

  /// Changes rows of the value, or all of it where no rows are named.
  package func update(rows: Range<Int>?, _ body: (inout Tensor) -> Void) {
    guard let rows else { return update(body) }
    update { value in
      var part = value[rows].contiguous
      body(&part)
      value = .concatenated([value[0..<rows.lowerBound], part, value[rows.upperBound..<value.shape[0]]]).contiguous
    }
  }

  private func read() -> (value: Tensor, version: Int) {
    stored ?? turn.take { _ in stored ?? draw() }
  }

  private var stored: (value: Tensor, version: Int)? {
    state.withLock { state in state.value.map { ($0, state.version) } }
  }

  /// Computes the first value; the turn is held.
  @discardableResult
  private func draw() -> (value: Tensor, version: Int) {
    let initialize = state.withLock { $0.initialize }
    let first = (initialize?() ?? Tensor.zeros([])).detached.contiguous
    return (first, store(first, changes: 0))
  }

  /// Puts a value in place, lets the former one go outside of the lock, and returns the number of changes; the turn is
  /// held.
  @discardableResult
  private func store(_ value: Tensor, changes: Int) -> Int {
    let (version, _) = state.withLock { state in
      let former = (state.value, state.initialize)
      (state.value, state.initialize) = (value, nil)
      state.version += changes
      return (state.version, former)
    }
    return version
  }

  private static func require(_ value: Tensor, _ shape: [Int], _ dtype: DType, _ name: String) {
    check(
      value.shape == shape && value.dtype == dtype, "Parameter \(name)", expected: "\(dtype) \(shape)",
      got: "\(value.dtype) \(value.shape)")
  }
}
