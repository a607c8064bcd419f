internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Sums over products of any axes, one operand after the other by a product of matrices.
  static func einsum(_ node: ONNXNode) throws(RecurraError) -> OperatorBody {
    let equation = try node.text("equation", default: "").filter { $0 != " " }
    let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
    let left = sides.count == 2 && sides[0].last == "-" ? sides[0].dropLast() : sides[0]
    guard sides.count == 1 || (sides.count == 2 && sides[0].last == "-"), equation.utf8.count < 256 else {
      throw node.failure(expected: "an equation", got: equation.excerpt)
    }
    let terms = left.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard terms.count == node.inputCount, terms.count >= 1, terms.count <= 8 else {
      throw node.failure(expected: "a term for each of \(node.inputCount) inputs", got: equation.excerpt)
    }
    let output = sides.count == 2 ? String(sides[1]) : nil
    return { (call) throws(RecurraError) in
      var operands: [(labels: [Int], tensor: Tensor)] = []
      for (index, term) in terms.enumerated() {
        let tensor = try call.tensor(index)
        guard let labels = labels(term, rank: tensor.rank) else {
          throw call.failure(expected: "a term for shape \(tensor.shape)", got: term.excerpt)
        }
        operands.append((labels, tensor))
      }
      let ellipsis = operands.map { $0.labels.filter { $0 < 0 }.count }.max() ?? 0
      var result: [Int]
      if let output {
        guard
          let labels = labels(output, rank: output.filter { $0 != "." }.count + (output.contains("...") ? ellipsis : 0))
        else { throw call.failure(expected: "an output term", got: output.excerpt) }
        result = labels
      } else {
        // Without one: what stands before, then the labels that come once in alphabetical order.
        let all = operands.flatMap(\.labels)
        let once = Set(all).filter { label in label >= 0 && all.filter { $0 == label }.count == 1 }
        result = (0..<ellipsis).map { $0 - ellipsis } + once.sorted()
      }
      var extents: [Int: Int] = [:]
      for (labels, tensor) in operands {
        for (label, extent) in zip(labels, tensor.shape) {
          let known = extents[label] ?? 1
          guard known == extent || known == 1 || extent == 1 else {
            throw call.failure(expected: "one extent for each label", got: "\(known) and \(extent)")
          }
          extents[label] = max(known, extent == 0 ? 0 : extent)
        }
      }
      guard Set(result).count == result.count, result.allSatisfy({ extents[$0] != nil || $0 < 0 }) else {
        throw call.failure(expected: "labels of the inputs in the output, each once", got: equation.excerpt)
      }
      try call.require(result.map { extents[$0] ?? 1 })
      var total = try diagonal(operands[0], call)
      for (index, operand) in operands.enumerated().dropFirst() {
        let later = Set(operands[(index + 1)...].flatMap(\.labels)).union(result)
        total = try contract(total, diagonal(operand, call), keeping: later, call)
      }
      total = summed(total, keeping: Set(result))
      return [.floats(arranged(total, result), try call.value(0).format)]
    }
  }

  private typealias Term = (labels: [Int], tensor: Tensor)

  /// A label for each axis: letters by their code, those of "..." negative, counted from the end.
  private static func labels(_ term: String, rank: Int) -> [Int]? {
    var labels: [Int] = []
    var rest = Substring(term)
    while let first = rest.unicodeScalars.first {
      if rest.hasPrefix("...") {
        let own = rest.dropFirst(3).unicodeScalars.count + labels.count
        guard rank >= own, !labels.contains(where: { $0 < 0 }) else { return nil }
        labels += (0..<(rank - own)).map { $0 - (rank - own) }
        rest = rest.dropFirst(3)
        continue
      }
      guard first.properties.isAlphabetic, first.isASCII else { return nil }
      labels.append(Int(first.value))
      rest = rest.dropFirst()
    }
    return labels.count == rank ? labels : nil
  }

  /// Takes the diagonal where a label stands twice.
  private static func diagonal(_ term: Term, _ call: OperatorCall) throws(RecurraError) -> Term {
    var term = term
    while let (first, second) = Self.twice(term.labels) {
      let extent = term.tensor.shape[first]
      guard extent == term.tensor.shape[second] else {
        throw call.failure(expected: "a square along a label that stands twice", got: "\(term.tensor.shape)")
      }
      var shape = term.tensor.shape
      shape.remove(at: second)
      var strides = Shape.rowMajorStrides(term.tensor.shape)
      strides[first] += strides[second]
      strides.remove(at: second)
      let places = Broadcasting.places(shape: shape, strides: strides, offset: 0)
      guard case .floats(let tensor, _) = ONNXValue.floats(term.tensor).gathered(places, shape: shape) else { break }
      term.labels.remove(at: second)
      term.tensor = tensor
    }
    return term
  }

  private static func twice(_ labels: [Int]) -> (Int, Int)? {
    for second in labels.indices {
      if let first = labels[..<second].firstIndex(of: labels[second]) { return (first, second) }
    }
    return nil
  }

  private static func summed(_ term: Term, keeping: Set<Int>) -> Term {
    let axes = term.labels.indices.filter { !keeping.contains(term.labels[$0]) }
    guard !axes.isEmpty else { return term }
    return (term.labels.filter { keeping.contains($0) }, term.tensor.sum(axes: axes))
  }

  /// Brings the axes into an order; a label that is not there becomes an axis of 1.
  private static func arranged(_ term: Term, _ labels: [Int]) -> Tensor {
    let own = labels.filter { term.labels.contains($0) }
    let order = own.compactMap { term.labels.firstIndex(of: $0) }
    let tensor = order == Array(order.indices) ? term.tensor : term.tensor.permuted(order)
    guard own.count < labels.count else { return tensor }
    return tensor.reshaped(labels.map { label in own.firstIndex(of: label).map { tensor.shape[$0] } ?? 1 })
  }

  /// Multiplies two operands, and sums over what nothing later reads.
  private static func contract(
    _ first: Term, _ second: Term, keeping later: Set<Int>, _ call: OperatorCall
  ) throws(RecurraError) -> Term {
    let (inFirst, inSecond) = (Set(first.labels), Set(second.labels))
    let a = summed(first, keeping: later.union(inSecond))
    let b = summed(second, keeping: later.union(inFirst))
    guard a.tensor.dtype == b.tensor.dtype else {
      throw call.failure(expected: "inputs of one type", got: "\(a.tensor.dtype) and \(b.tensor.dtype)")
    }
    let shared = a.labels.filter { b.labels.contains($0) }
    let batch = shared.filter { later.contains($0) }
    let summedLabels = shared.filter { !later.contains($0) }
    let rows = a.labels.filter { !b.labels.contains($0) }
    let columns = b.labels.filter { !a.labels.contains($0) }
    func extent(_ term: Term, _ labels: [Int]) -> Int {
      labels.reduce(1) { product, label in
        product * (term.labels.firstIndex(of: label).map { term.tensor.shape[$0] } ?? 1)
      }
    }
    // Axes of 1 that meet larger ones are stretched: a product of matrices sums over equal extents only.
    func stretched(_ term: Term, _ other: Term) throws(RecurraError) -> Tensor {
      var shape = term.tensor.shape
      for (axis, label) in term.labels.enumerated() where shared.contains(label) {
        let theirs = other.labels.firstIndex(of: label).map { other.tensor.shape[$0] } ?? 1
        if shape[axis] == 1 { shape[axis] = theirs }
      }
      try call.require(shape)
      return term.tensor.stretched(to: shape)
    }
    let left: Term = (a.labels, try stretched(a, b))
    let right: Term = (b.labels, try stretched(b, a))
    let batchExtents = batch.map { extent(left, [$0]) }
    let result = batch + rows + columns
    let shape = batchExtents + rows.map { extent(left, [$0]) } + columns.map { extent(right, [$0]) }
    try call.require(shape)
    guard left.tensor.count > 0, right.tensor.count > 0 else { return (result, .zeros(shape, dtype: a.tensor.dtype)) }
    let x = arranged(left, batch + rows + summedLabels).reshaped([
      batchExtents.reduce(1, *), extent(left, rows), extent(left, summedLabels),
    ])
    let y = arranged(right, batch + summedLabels + columns).reshaped([
      batchExtents.reduce(1, *), extent(right, summedLabels), extent(right, columns),
    ])
    return (result, x.matrixProduct(y).reshaped(shape))
  }
}
