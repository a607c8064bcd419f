internal import Recurra

/// The pictures and the page of a reading.
struct GateReport {
  let reading: GateReading

  private var columns: [String] { reading.symbols.map(GateText.shown) }
  private var shownText: String { reading.text }

  /// i, f, o, C̃, C and h of every unit at every symbol.
  var gatePicture: String {
    func map(_ title: String, _ values: [[Double]], _ scale: ColorScale) -> HeatMap {
      HeatMap(title: title, columns: columns, values: values, scale: scale)
    }
    let largest = reading.memory.joined().map(\.magnitude).filter { $0 < 1e6 }.max() ?? 0
    return HeatMap.svg([
      map("i, input gate 输入门", reading.values(of: "input"), .shares),
      map("f, forget gate 遗忘门", reading.values(of: "forget"), .shares),
      map("o, output gate 输出门", reading.values(of: "output"), .shares),
      map("C̃, candidate 候选记忆", reading.values(of: "candidate"), .signed(1)),
      map("C, memory 记忆", reading.memory, .signed(max(1, (largest * 10).rounded(.up) / 10))),
      map("h, hidden state 隐状态", reading.hidden, .signed(1)),
    ])
  }

  /// What every unit does with its memory at every symbol, and how many do so.
  var actionPicture: String {
    let levels = reading.actions.map { $0.map { Int($0.rawValue) } }
    let names = MemoryAction.allCases.map { (name: $0.title, color: $0.color) }
    let shares = [0, 0.25, 0.5, 0.75, 1].map { (share: $0, text: Self.percent($0)) }
    return HeatMap.svg([
      HeatMap(
        title: "each unit 每个单元", columns: columns, levels: levels, key: .names(names),
        rowLabels: HeatMap.unitLabels(reading.units)),
      HeatMap(
        title: "how many 各占多少", columns: columns, levels: levels.map { $0.sorted() }, key: .names(names),
        rowLabels: shares),
    ])
  }

  /// The page: English and Chinese, pictures inside.
  var page: Page {
    var page = Page(title: ("From RNN to LSTM: the gates", "从 RNN 到 LSTM：门"))
    page.parts = cell + memory + guesses + origin
    return page
  }

  private var cell: [Page.Part] {
    [
      .paragraph(
        """
        A small LSTM reads “\(shownText)” symbol by symbol. At each one three gates open or close: i, f and o = \
        sigmoid(W·xₜ + U·hₜ₋₁ + b), each with its own weights and bias, all between 0 and 1. A value times \
        a gate is filtered; two values added are fused. The candidate C̃ = tanh(W·xₜ + U·hₜ₋₁ + b) is what \
        might be remembered. The memory is Cₜ = f·Cₜ₋₁ + i·C̃, and hₜ = o·tanh(Cₜ) is what the next \
        step and the next layer see.
        """,
        """
        一个小型 LSTM 逐个符号地读“\(shownText)”。每读一个，三个门就会打开或关上：i、\
        f、o = sigmoid(W·xₜ + U·hₜ₋₁ + b)，各有自己的权重和偏置，取值都在 0 与 1 之间。\
        数值乘以门就是过滤，两个数值相加就是融合。候选记忆 C̃ = tanh(W·xₜ + \
        U·hₜ₋₁ + b) 是可能要记住的内容。记忆 Cₜ = f·Cₜ₋₁ + i·C̃；hₜ = o·tanh(Cₜ) \
        是下一步和下一层看到的内容。
        """),
      .heading("Gates, candidate, memory", "门、候选记忆、记忆"),
      .picture(gatePicture),
      .paragraph(
        """
        Each column is a symbol, each row one of the \(reading.units) units. Dark blue: the gate is open; white: it \
        is closed. In the other three, blue is positive, orange negative, white 0. Rows of one colour in C are what a \
        unit holds on to.
        """,
        """
        每一列是一个符号，每一行是 \(reading.units) 个单元中的一个。深蓝：门开着；白：\
        门关着。另外三幅图里，蓝为正，橙为负，白为 0。C 中颜色一直不变的行，就是单\
        元一直记着的内容。
        """),
    ]
  }

  private var memory: [Page.Part] {
    let head = [""] + MemoryAction.allCases.map(\.name) + ["i", "f", "o"]
    let rows = reading.symbols.indices.map { step in
      [columns[step] + (reading.isKnown[step] ? "" : " ?")]
        + MemoryAction.allCases.map { Self.percent(reading.share(of: $0, at: step)) }
        + ["input", "forget", "output"].map { Console.decimal(reading.mean(of: $0, at: step), 2) }
    }
    return [
      .heading("Keep, fuse, clear, replace", "保留、融合、清除、替换"),
      .picture(actionPicture),
      .paragraph(
        """
        The two gates of the memory have four corners. (i, f) = (0, 1) keeps Cₜ₋₁; (1, 1) fuses it with C̃; \
        (0, 0) clears it; (1, 0) replaces it by C̃. A gate counts as 1 from \(reading.threshold) on. In the table: \
        the share of the units in each corner, and the mean of each gate.
        """,
        """
        管记忆的两个门有四种极端情形：(i, f) = (0, 1) 保留 Cₜ₋₁；(1, 1) 把它与 C̃ 融\
        合；(0, 0) 清除；(1, 0) 用 C̃ 替换。门的值不小于 \(reading.threshold) 就算 1。表中是各\
        种情形所占的单元比例，以及每个门的平均值。
        """),
      .table(head: head, rows: rows),
    ]
  }

  private var guesses: [Page.Part] {
    let rows = reading.symbols.indices.map { step in
      [columns[step] + (reading.isKnown[step] ? "" : " ?")]
        + reading.guesses[step].map { "\($0.text)  \(Self.percent($0.probability))" }
    }
    var parts: [Page.Part] = [
      .heading("What comes next?", "下一个符号是什么？"),
      .paragraph(
        """
        After each symbol the model guesses the next one: its three likeliest, with their probabilities. ␣ is a \
        space, ⏎ the end of a line.
        """,
        """
        每读一个符号，模型都会猜下一个：这里是可能性最大的三个及其概率。␣ 是空\
        格，⏎ 是行尾。
        """),
      .table(head: [""] + (1...3).map { "#\($0)" }, rows: rows),
    ]
    if !reading.unknown.isEmpty {
      let symbols = reading.unknown.map(GateText.shown)
      parts.append(
        .paragraph(
          """
          ?: the model does not know \(symbols.joined(separator: ", ")), and takes it for any other rare symbol. It \
          knows the symbols that come up three times or more in what it has read.
          """,
          """
          ?：模型不认识 \(symbols.joined(separator: "、"))，只把它当作某个生僻符号。它只认识\
          读过的文字中至少出现三次的符号。
          """))
    }
    return parts
  }

  private var origin: [Page.Part] {
    [
      .heading("What the model has read", "模型读过什么"),
      .paragraph(
        """
        Three Hundred Tang Poems (7th to 10th century, collected in 1763; the verses alone, in simplified characters) \
        with a few verses more of their time, and three chapters of The Adventures of Tom Sawyer (Mark Twain, 1876), \
        all in the public domain. That is little: the model knows the look of a verse and of an English word, and \
        nothing of cats.
        """,
        """
        《唐诗三百首》（七至十世纪，1763 年编成；只取诗句，简体字）和几首同时\
        代的诗句，以及《汤姆·索亚历险记》（马克·吐温，1876 年，英文）的三\
        章，都属于公有领域。这点文字很少：模型只知道诗句和英文单词的样子，\
        对猫一无所知。
        """),
    ]
  }

  private static func percent(_ share: Double) -> String { Console.decimal(100 * share, 0) + " %" }
}

extension MemoryAction {
  /// The name in English and Chinese.
  fileprivate var name: String {
    switch self {
    case .keep: "keep 保留"
    case .fuse: "fuse 融合"
    case .clear: "clear 清除"
    case .replace: "replace 替换"
    }
  }

  /// The name and the corner of (i, f).
  fileprivate var title: String {
    switch self {
    case .keep: "\(name) (0,1)"
    case .fuse: "\(name) (1,1)"
    case .clear: "\(name) (0,0)"
    case .replace: "\(name) (1,0)"
    }
  }

  /// Colours that stay apart for colour-blind eyes (Okabe and Ito), and in grey by how light they are.
  fileprivate var color: String {
    switch self {
    case .keep: "#0072b2"
    case .fuse: "#009e73"
    case .clear: "#d9dce1"
    case .replace: "#e69f00"
    }
  }
}
