/// Decompresses bytes by the rules of deflate, up to a size that is known beforehand.
///
/// - Source: RFC 1950 and 1951.
struct ZlibInflater {
  private let input: [UInt8]
  private let limit: Int
  private var output: [UInt8] = []
  private var position = 0
  private var hold: UInt32 = 0
  private var held = 0

  /// - Parameter limit: The most bytes that there may be.
  init(_ input: [UInt8], limit: Int) {
    (self.input, self.limit) = (input, limit)
  }

  /// Decompresses what zlib made, and checks its sum; nil where the bytes are damaged or too many.
  mutating func zlib() -> [UInt8]? {
    guard input.count >= 6, input[0] & 15 == 8, (Int(input[0]) << 8 + Int(input[1])) % 31 == 0, input[1] & 32 == 0
    else { return nil }
    position = 2
    output.reserveCapacity(min(limit, 16 * input.count))
    var isLast = false
    while !isLast {
      guard let final = bits(1), let kind = bits(2) else { return nil }
      isLast = final == 1
      let isWhole: Bool
      switch kind {
      case 0: isWhole = stored()
      case 1: isWhole = compressed(Self.fixed.literals, Self.fixed.distances)
      case 2: isWhole = dynamic()
      default: isWhole = false
      }
      guard isWhole else { return nil }
    }
    guard position + 4 <= input.count else { return nil }
    let sum = input[position..<(position + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return sum == Self.adler(output) ? output : nil
  }

  private static func adler(_ bytes: [UInt8]) -> UInt32 {
    var (a, b) = (UInt32(1), UInt32(0))
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }

  private mutating func bits(_ count: Int) -> Int? {
    while held < count {
      guard position < input.count else { return nil }
      hold |= UInt32(input[position]) << UInt32(held)
      position += 1
      held += 8
    }
    let result = hold & (1 << UInt32(count) - 1)
    hold >>= UInt32(count)
    held -= count
    return Int(result)
  }

  private mutating func stored() -> Bool {
    (hold, held) = (0, 0)
    guard position + 4 <= input.count else { return false }
    let count = Int(input[position]) | Int(input[position + 1]) << 8
    let complement = Int(input[position + 2]) | Int(input[position + 3]) << 8
    position += 4
    guard count == ~complement & 0xffff, position + count <= input.count, output.count + count <= limit else {
      return false
    }
    output += input[position..<(position + count)]
    position += count
    return true
  }

  private mutating func dynamic() -> Bool {
    guard let literals = bits(5), let distances = bits(5), let codes = bits(4) else { return false }
    var lengths = [Int](repeating: 0, count: 19)
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    for place in order.prefix(codes + 4) {
      guard let length = bits(3) else { return false }
      lengths[place] = length
    }
    guard let code = PrefixCode(lengths) else { return false }
    let count = literals + 257 + distances + 1
    lengths = []
    while lengths.count < count {
      guard let symbol = symbol(code) else { return false }
      let (value, extra, base): (Int, Int, Int)
      switch symbol {
      case 16:
        guard let last = lengths.last else { return false }
        (value, extra, base) = (last, 2, 3)
      case 17: (value, extra, base) = (0, 3, 3)
      case 18: (value, extra, base) = (0, 7, 11)
      default: (value, extra, base) = (symbol, 0, 1)
      }
      guard let more = bits(extra) else { return false }
      lengths += [Int](repeating: value, count: base + more)
    }
    guard lengths.count == count, let literalCode = PrefixCode(Array(lengths.prefix(literals + 257))),
      let distanceCode = PrefixCode(Array(lengths.dropFirst(literals + 257)))
    else { return false }
    return compressed(literalCode, distanceCode)
  }

  private mutating func compressed(_ literals: PrefixCode, _ distances: PrefixCode) -> Bool {
    while true {
      guard let symbol = symbol(literals) else { return false }
      if symbol == 256 { return true }
      guard symbol > 256 else {
        guard output.count < limit else { return false }
        output.append(UInt8(truncatingIfNeeded: symbol))
        continue
      }
      guard symbol - 257 < Self.lengths.count, let more = bits(Self.lengths[symbol - 257].extra),
        let code = self.symbol(distances), code < Self.distances.count,
        let further = bits(Self.distances[code].extra)
      else { return false }
      let length = Self.lengths[symbol - 257].base + more
      let distance = Self.distances[code].base + further
      guard distance <= output.count, output.count + length <= limit else { return false }
      for _ in 0..<length { output.append(output[output.count - distance]) }
    }
  }

  private mutating func symbol(_ code: PrefixCode) -> Int? {
    var walk = PrefixCode.Walk()
    while true {
      guard let bit = bits(1) else { return nil }
      switch code.next(bit, &walk) {
      case .symbol(let symbol): return symbol
      case .more: continue
      case .none: return nil
      }
    }
  }

  private static let fixed = (
    literals: PrefixCode(complete: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }),
    distances: PrefixCode(complete: [Int](repeating: 5, count: 30))
  )
  private static let lengths: [(base: Int, extra: Int)] =
    table(
      first: 3,
      extras: [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5,
      ]) + [(258, 0)]
  private static let distances = table(
    first: 1,
    extras: [
      0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ])

  private static func table(first: Int, extras: [Int]) -> [(base: Int, extra: Int)] {
    var next = first
    return extras.map { extra in
      defer { next += 1 << extra }
      return (next, extra)
    }
  }
}
