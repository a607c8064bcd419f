import ArgumentParser

/// The cells by the names people use.
enum CellName: String, CaseIterable, ExpressibleByArgument {
  case rnn, lstm, gru, bilstm, peephole, indrnn, coupled, clipped, layernorm, layernormgru, mgu, mingru, minlstm, slstm
  case projected, dropped, held, composed

  var cell: Case.Cell { Case.Cell(rawValue: rawValue) ?? .lstm }
}
