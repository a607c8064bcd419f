import Foundation
import Glibc

/// A connection over which one request follows the other.
///
/// It is written by hand because a client library would double the time that this check takes to build.
final class Connection {
  struct Closed: Error {
    let reason: String
  }

  private let descriptor: Int32
  private var received: [UInt8] = []

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Closed(reason: "connect: errno \(errno)") }
  }

  deinit { close(descriptor) }

  /// Sends a body to /predict and returns status and body of the answer.
  func ask(_ body: String) throws -> (status: Int, body: String) {
    let head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    var bytes = Array((head + "\(body.utf8.count)\r\n\r\n" + body).utf8)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { throw Closed(reason: "send: errno \(errno)") }
      bytes = bytes.dropFirst(sent)
    }
    let end = Array("\r\n\r\n".utf8)
    var headEnd: Int?
    while headEnd == nil {
      try receive()
      headEnd = received.firstRange(of: end)?.upperBound
    }
    let start = headEnd ?? 0
    let lines = String(decoding: received[..<start], as: UTF8.self).split(separator: "\r\n")
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    let length =
      lines.first { $0.lowercased().hasPrefix("content-length:") }
      .flatMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) } ?? 0
    while received.count < start + length { try receive() }
    let answer = String(decoding: received[start..<start + length], as: UTF8.self)
    received.removeFirst(start + length)
    return (status, answer)
  }

  private func receive() throws {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw Closed(reason: count == 0 ? "closed by the server" : "recv: errno \(errno)") }
    received += buffer[..<count]
  }
}
