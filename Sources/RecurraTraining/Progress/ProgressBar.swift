/// Shows the progress of one epoch in Keras' very bytes.
package struct ProgressBar {
  private static let width = 20
  /// Seconds that must pass before the bar is drawn again.
  private static let interval = 0.05

  private let output: ProgressOutput
  private let verbosity: Verbosity
  private let target: Int
  private let start: Double
  private var lastUpdate = -Double.infinity
  private var timeAfterFirstStep: Double?
  /// The columns the bar took when it was drawn last.
  private var columns = 0
  private var values = Logs()

  /// - Parameter target: the number of steps.
  package init(_ output: ProgressOutput, _ verbosity: Verbosity, target: Int) {
    self.output = output
    self.verbosity = verbosity
    self.target = target
    start = output.now()
  }

  /// Shows that `current` steps are done.
  package mutating func update(_ current: Int, _ logs: Logs) {
    guard verbosity == .bar else { return }
    values.append(logs)
    let now = output.now()
    let step = stepDuration(current, now)
    if now - lastUpdate < Self.interval { return }
    draw(current, now, step, isLast: false)
  }

  /// Shows the end of the epoch.
  package mutating func finish(_ logs: Logs) {
    guard verbosity != .silent else { return }
    values.append(logs)
    let now = output.now()
    let step = stepDuration(target, now)
    if verbosity == .bar {
      draw(target, now, step, isLast: true)
    } else {
      let seconds = fixedText(now - start, decimals: 0)
      output.write("\(target)/\(target) - \(seconds)s -\(Self.perStep(step))\(metrics { $0 })\n")
    }
  }

  /// Ends a line that was begun, when there will be no end of the epoch.
  func abandon() {
    if columns > 0 { output.write("\n") }
  }

  private mutating func draw(_ current: Int, _ now: Double, _ step: Double, isLast: Bool) {
    let digits = String(target).count
    let count = String(current)
    // In floating point as Keras does it: the integer quotient is one more now and then.
    let filled = Int(Double(Self.width) * (Double(current) / Double(max(target, 1))))
    let counter = String(repeating: " ", count: max(0, digits - count.count)) + "\(count)/\(target)"
    let time = isLast ? "\(fixedText(now - start, decimals: 0))s" : Self.timeLeft(step * Double(target - current))
    let rest = Self.perStep(step) + metrics(\.magnitude)
    var text = String(repeating: "\u{8}", count: columns) + "\r"
    text += styled(counter, "1") + " "
    if filled > 0 { text += styled(String(repeating: "━", count: filled), "32") }
    text += styled(String(repeating: "━", count: Self.width - filled), "37")
    text += " " + styled(time, "1") + rest
    let drawn = counter.count + 1 + Self.width + 1 + time.count + rest.count
    text += String(repeating: " ", count: max(0, columns - drawn))
    output.write(isLast ? text + "\n" : text)
    columns = isLast ? 0 : drawn
    lastUpdate = now
  }

  private func styled(_ text: String, _ style: String) -> String {
    output.usesColor ? "\u{1B}[\(style)m\(text)\u{1B}[0m" : text
  }

  /// The logs as text; `size` is what is compared with 1e-3 to choose the form: Keras' bar takes the magnitude, its
  /// lines the number itself.
  private func metrics(_ size: (Double) -> Double) -> String {
    values.map { name, value in " - \(name): \(progressText(value, size: size(value)))" }.joined()
  }

  /// Seconds per step, the first one left out as soon as there are others: it is seldom like them.
  private mutating func stepDuration(_ current: Int, _ now: Double) -> Double {
    guard current > 0 else { return 0 }
    defer { if current == 1 { timeAfterFirstStep = now } }
    if let timeAfterFirstStep, current > 1 { return (now - timeAfterFirstStep) / Double(current - 1) }
    return (now - start) / Double(current)
  }

  private static func timeLeft(_ seconds: Double) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let whole = Int(seconds)
    if seconds > 3_600 { return "\(whole / 3_600):\(two(whole % 3_600 / 60)):\(two(whole % 60))" }
    return seconds > 60 ? "\(whole / 60):\(two(whole % 60))" : "\(whole)s"
  }

  private static func perStep(_ seconds: Double) -> String {
    if seconds >= 1 || seconds == 0 { return " \(fixedText(seconds, decimals: 0))s/step" }
    if seconds >= 1e-3 { return " \(fixedText(seconds * 1e3, decimals: 0))ms/step" }
    return " \(fixedText(seconds * 1e6, decimals: 0))us/step"
  }
}
