/// One recorded operation: what it was made from, and the function that turns its gradient into theirs.
///
/// An operation may have several outputs; the function gets the gradient of each, `nil` where nothing depends on it,
/// and returns the gradient of each parent, `nil` where there is none.
package final class Node: Sendable {
  package typealias Pullback = @Sendable ([Tensor?]) -> [Gradient?]

  /// The history of each parent; `nil` for a parent that is not tracked. Changed only by whoever lets go of the node,
  /// alone.
  private nonisolated(unsafe) var parents: [Origin?]
  fileprivate let outputCount: Int
  /// One more than the deepest parent: sorting by depth is sorting by dependence.
  fileprivate let depth: Int
  fileprivate let pullback: Pullback

  package convenience init(
    parents: [Origin?], outputCount: Int = 1, pullback: @escaping @Sendable ([Tensor?]) -> [Tensor?]
  ) {
    self.init(of: parents, outputCount: outputCount, gradients: { pullback($0).map { $0.map(Gradient.dense) } })
  }

  package init(of parents: [Origin?], outputCount: Int = 1, gradients: @escaping Pullback) {
    depth = 1 + (parents.compactMap { $0?.node.depth }.max() ?? 0)
    self.parents = parents
    self.outputCount = outputCount
    pullback = gradients
  }

  fileprivate var origins: [Origin?] { parents }

  private func takeOrigins() -> [Origin?] {
    defer { parents = [] }
    return parents
  }

  /// Lets go of the history without recursion: a chain of a hundred thousand operations must not need as many stack
  /// frames.
  deinit {
    var pending = takeOrigins()
    while let last = pending.popLast() {
      guard var origin = last else { continue }
      _ = consume last
      if isKnownUniquelyReferenced(&origin.node) { pending += origin.node.takeOrigins() }
    }
  }
}

/// Says which output of which operation a tensor is.
package struct Origin: Sendable {
  package fileprivate(set) var node: Node
  package let output: Int

  package init(node: Node, output: Int = 0) {
    self.node = node
    self.output = output
  }
}

extension Tensor {
  /// Tells whether the tensor depends on a tracked one.
  public var isTracked: Bool { origin != nil }

  /// The same elements as the start of a history: gradients can be asked with respect to it.
  public var tracked: Tensor {
    check(dtype.isFloating, "tracked", expected: "a floating tensor", got: "\(dtype)")
    return with(origin: Origin(node: Node(parents: []) { _ in [] }))
  }

  /// The same elements without a history.
  public var detached: Tensor { with(origin: nil) }

  /// Records how this tensor was made from `parents`, if any of them is tracked.
  ///
  /// `pullback` gets the gradient of this tensor, and for each parent whether its gradient is needed. It must capture
  /// detached tensors only, or the history would keep itself alive.
  package func derived(
    from parents: [Tensor], _ pullback: @escaping @Sendable (_ upstream: Tensor, _ needed: [Bool]) -> [Tensor?]
  ) -> Tensor {
    guard parents.contains(where: \.isTracked) else { return self }
    let needed = parents.map(\.isTracked)
    let node = Node(parents: parents.map(\.origin)) { upstream in
      guard let gradient = upstream[0] else { return [] }
      return pullback(gradient, needed)
    }
    return with(origin: Origin(node: node))
  }

  /// Records how this tensor was made from one other, whose gradient need not be dense.
  func derived(from parent: Tensor, _ pullback: @escaping @Sendable (_ upstream: Tensor) -> Gradient) -> Tensor {
    guard parent.isTracked else { return self }
    let node = Node(of: [parent.origin], gradients: { upstream in [upstream[0].map(pullback)] })
    return with(origin: Origin(node: node))
  }

  /// Computes ∂(this · seed) / ∂(each of `sources`) by going back through the recorded operations once.
  ///
  /// - Parameters:
  ///   - sources: tracked tensors; one that this tensor does not depend on gets zeros.
  ///   - seed: the gradient of whatever follows with respect to this tensor; 1 for a tensor of one element when left
  ///     out.
  /// - Shapes: each gradient as its source; `seed` as this tensor.
  /// - Precondition: tracked sources; this tensor has one element where there is no seed.
  /// - Complexity: that of the recorded operations, about twice the forward work.
  public func gradients(withRespectTo sources: [Tensor], seed: Tensor? = nil) -> [Tensor] {
    sparseGradients(withRespectTo: sources, seed: seed).map(\.dense)
  }

  /// The same, where the gradient of a table that rows were looked up in may stay a list of rows.
  package func sparseGradients(withRespectTo sources: [Tensor], seed: Tensor? = nil) -> [Gradient] {
    let start = seed ?? Tensor.ones(shape, dtype: dtype)
    check(
      seed != nil || count == 1, "gradients", expected: "a tensor of one element, or a seed", got: "shape \(shape)")
    check(start.shape == shape, "gradients", expected: "a seed of shape \(shape)", got: "\(start.shape)")
    let outputs = sources.map { source -> Origin in
      guard let origin = source.origin else {
        stop("gradients", expected: "tracked tensors", got: "one that is not")
      }
      return origin
    }
    var backpropagation = Backpropagation(from: self, seed: start)
    let gradients = backpropagation.run(keeping: outputs)
    return zip(sources, outputs).map { source, origin in
      gradients.gradient(of: origin) ?? .dense(Tensor.zeros(source.shape, dtype: source.dtype))
    }
  }
}

extension Tensor {
  /// Goes back from several tensors at once, each with the gradient of whatever follows with respect to it.
  package static func sparseGradients(
    of ends: [(tensor: Tensor, seed: Tensor)], withRespectTo sources: [Tensor]
  ) -> [Gradient] {
    let seeds = ends.map(\.seed.detached)
    let node = Node(of: ends.map(\.tensor.origin), gradients: { _ in seeds.map(Gradient.dense) })
    return Tensor.zeros([1]).with(origin: Origin(node: node)).sparseGradients(withRespectTo: sources)
  }
}

/// The gradients found so far, by node and output.
private struct GradientTable {
  private var rows: [ObjectIdentifier: [Gradient?]] = [:]

  mutating func add(_ gradient: Gradient, to origin: Origin) {
    let key = ObjectIdentifier(origin.node)
    var row = rows.removeValue(forKey: key) ?? [Gradient?](repeating: nil, count: origin.node.outputCount)
    row[origin.output] = row[origin.output].map { $0 + gradient } ?? gradient
    rows[key] = row
  }

  func gradient(of origin: Origin) -> Gradient? { rows[ObjectIdentifier(origin.node)]?[origin.output] }

  mutating func remove(_ node: Node) -> [Gradient?]? { rows.removeValue(forKey: ObjectIdentifier(node)) }

  func row(_ node: Node) -> [Gradient?]? { rows[ObjectIdentifier(node)] }
}

/// Goes through the history of one tensor, deepest operation first.
private struct Backpropagation {
  private var order: [Node] = []
  private var table = GradientTable()

  init(from tensor: Tensor, seed: Tensor) {
    guard let origin = tensor.origin else { return }
    table.add(.dense(seed.detached), to: origin)
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(origin.node)]
    var pending = [origin.node]
    while let node = pending.popLast() {
      order.append(node)
      for case let parent? in node.origins where seen.insert(ObjectIdentifier(parent.node)).inserted {
        pending.append(parent.node)
      }
    }
    // Equal depths keep the order of discovery, so sums are formed in the same order every time.
    let positions = order.indices.sorted { left, right in
      order[left].depth != order[right].depth ? order[left].depth > order[right].depth : left < right
    }
    order = positions.map { order[$0] }
  }

  /// Runs every pullback; gradients of nodes that are not kept are let go as soon as they are used.
  mutating func run(keeping outputs: [Origin]) -> GradientTable {
    let kept = Set(outputs.map { ObjectIdentifier($0.node) })
    for node in order {
      let row = kept.contains(ObjectIdentifier(node)) ? table.row(node) : table.remove(node)
      // Where a history starts nothing goes further back: rows of a table stay rows.
      guard let row, !node.origins.isEmpty else { continue }
      for (parent, gradient) in zip(node.origins, node.pullback(row.map { $0?.dense })) {
        if let parent, let gradient { table.add(gradient.detached, to: parent) }
      }
    }
    return table
  }
}
