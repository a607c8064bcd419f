internal import Recurra

/// The pictures and the page of the memory demonstration.
struct MemoryReport {
  let study: MemoryStudy

  /// Accuracy against distance: the mean of the seeds.
  var accuracyChart: Chart {
    var series = study.cells.enumerated().map { color, cell in
      let points = study.distances.map { distance in
        (x: Double(distance), y: 100 * Self.mean(study.accuracies[cell]?[distance] ?? []))
      }
      return Chart.Series(name: cell.title, points: points, color: color)
    }
    let ends = [study.distances.first ?? 0, study.distances.last ?? 0]
    let chance = ends.map { (x: Double($0), y: 100 * MemoryTask.chance) }
    series.append(Chart.Series(name: "chance", points: chance, style: .dashed, color: 6))
    return Chart(
      title: "Who still knows the cue?", horizontalLabel: "words between cue and question",
      verticalLabel: "right answers, %", series: series)
  }

  /// How much the last state depends on those before it; dashed before training.
  var gradientChart: Chart {
    let series = study.cells.enumerated().flatMap { color, cell -> [Chart.Series] in
      guard cell != .bilstm else { return [] }
      return [
        Self.curve("\(cell.title), trained", study.gradients[cell] ?? [], .line, color),
        Self.curve("\(cell.title) before", study.firstGradients[cell] ?? [], .dashed, color),
      ]
    }
    return Chart(
      title: "‖∂h_T / ∂h_(T−k)‖", horizontalLabel: "k, steps back from the question",
      verticalLabel: "largest singular value", series: series, hasLogarithmicY: true)
  }

  private static func curve(_ name: String, _ norms: [Double], _ style: Chart.Series.Style, _ color: Int)
    -> Chart.Series
  {
    // Below this, a float32 gradient has nothing left of it.
    let points = norms.enumerated().map { (x: Double($0), y: max($1, 1e-12)) }
    return Chart.Series(name: name, points: points, style: style, color: color)
  }

  /// The page: English and Chinese, pictures inside.
  var page: Page {
    var page = Page(title: ("From RNN to LSTM: memory", "从 RNN 到 LSTM：记忆"))
    let chance = Console.decimal(100 * MemoryTask.chance, 1)
    page.parts.append(
      .paragraph(
        """
        "I grew up in China … which language does he speak?" The answer was said long before the question. Here the \
        cue is one of eight words, then come words that do not matter, then the question. A network that has forgotten \
        the cue can but guess: \(chance) % are right by chance.
        """,
        """
        “我在中国长大……他会说哪种语言？”答案早在提问之前就说过了。这里的线索是\
        八个词之一，随后是若干无关的词，最后是问题。忘了线索的网络只能猜：碰巧答对\
        的占 \(chance) %。
        """))
    page.parts.append(.heading("Accuracy against distance", "正确率与距离"))
    page.parts.append(.picture(Chart.svg([accuracyChart])))
    page.parts.append(
      .table(
        head: ["", "N"] + study.seeds.map { "#\($0)" },
        rows: study.cells.flatMap { cell in
          study.distances.map { distance in
            [cell.title, "\(distance)"] + (study.accuracies[cell]?[distance] ?? []).map(Self.percent)
          }
        }))
    page.parts.append(
      .paragraph(
        """
        Each number is one network, trained on 4,000 sentences and asked about 1,000 others; #1, #2 … are different \
        beginnings. The SimpleRNN has a momentary memory: the nearest words count most.
        """,
        """
        每个数字是一个网络：用 4,000 个句子训练，再用另外 1,000 个句子提问；#1、#2…… \
        是不同的初始权重。SimpleRNN 只有瞬时记忆：越近的词影响越大。
        """))
    page.parts.append(.heading("Why: what is left of the gradient", "原因：梯度还剩多少"))
    page.parts.append(.picture(Chart.svg([gradientChart])))
    page.parts.append(
      .paragraph(
        """
        How much does the state at the question still depend on the state k steps before? In the SimpleRNN the answer \
        shrinks by a factor with every step, so that training cannot find the cue. An LSTM's memory is added to, not \
        multiplied: its curve stays level. Dashed: the same before training.
        """,
        """
        提问时的状态还在多大程度上依赖于 k 步之前的状态？在 SimpleRNN 中，它每走一步都\
        要乘上一个小于 1 的因子，训练因此找不到线索。LSTM 的记忆是相加而不是连乘，曲\
        线保持平坦。虚线：训练之前。
        """))
    page.parts.append(.heading("The answer on the right", "答案在右边"))
    page.parts.append(
      .paragraph(
        """
        苹果 may be a fruit or a company, and a 乔布斯 that comes later tells which. Here the cue stands behind \
        the question, ten words later, and the answer is read at the question. Only who also reads from the end can \
        know.
        """,
        """
        “苹果”是水果还是公司，要看后面有没有“乔布斯”。这里线索在问题之后十个词\
        的地方，而答案要在问题处给出。只有同时从后往前读的网络才可能知道。
        """))
    page.parts.append(
      .table(
        head: [""] + study.seeds.map { "#\($0)" },
        rows: study.cells.compactMap { cell in
          study.cueIsLast[cell].map { [cell.title] + $0.map(Self.percent) }
        }))
    page.parts.append(.heading("What it depends on", "取决于什么"))
    page.parts.append(
      .paragraph(
        """
        The gates above begin by chrono initialisation (Tallec & Ollivier 2018): their biases say for how long to \
        remember. With Keras' forget bias of 1 an LSTM forgets within a few dozen steps until it has learnt not to, \
        and some beginnings never learn it. And where all words between are the same one, and words begin near to each \
        other as Keras' embeddings do, a SimpleRNN with orthogonal weights wins as well: nothing disturbs what it \
        holds. Both at \(study.shown) words between:
        """,
        """
        上面的门采用 chrono 初始化(Tallec & Ollivier 2018)：偏置决定要记多久。若用 Keras 的遗忘\
        门偏置 1，LSTM 在学会之前几十步内就会遗忘，有的初始权重始终学不会。如果中间\
        的词全都相同，词向量又像 Keras 那样从彼此接近的值开始，正交权重的 SimpleRNN 也能\
        做到：没有东西干扰它的记忆。两者都是中间隔 \(study.shown) 个词：
        """))
    page.parts.append(
      .table(
        head: [""] + study.seeds.map { "#\($0)" },
        rows: [
          ["LSTM, forget bias 1"] + study.plainBias.map(Self.percent),
          ["SimpleRNN, words alike"] + study.alikeWords.map(Self.percent),
        ]))
    page.parts.append(.heading("What memory costs", "记忆的代价"))
    page.parts.append(
      .paragraph(
        """
        An LSTM has four times the parameters of a SimpleRNN, not three: three gates and the candidate. At 60 inputs \
        and 100 units these are 64,400 against 16,100. And a Dense of 10 units on a BiLSTM of 100 has 200·10 + 10 = \
        2,010 parameters, not 2,020: the bias is there once.
        """,
        """
        LSTM 的参数是 SimpleRNN 的四倍，而不是三倍：三个门加一个候选记忆。输入 60、单元 \
        100 时是 64,400 对 16,100。接在 100 单元 BiLSTM 之后的 10 单元 Dense 有 200·10 + 10 = 2,010 个\
        参数，而不是 2,020：偏置只算一次。
        """))
    return page
  }

  private static func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(max(numbers.count, 1)) }

  private static func percent(_ share: Double) -> String { Console.decimal(100 * share, 1) + " %" }
}
