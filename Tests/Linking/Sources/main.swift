// What a package that depends on Recurra writes. `learn` trains until the answers are right; `bits` says in one number
// what some models have come to, which must not depend on how all of this was built.
import Recurra

Threads.count = 2
if CommandLine.arguments.contains("bits") {
  print("bits \(try onSmallStack { try bitsOfEveryCell() })")
} else {
  try learn()
}
