// The fused cells. Each has a header of its own in cells/, which cells/cells.h includes, and its name here.
#ifndef RECURRA_CELLS_H
#define RECURRA_CELLS_H

#define RECURRA_CELLS(CELL) CELL(rnn) CELL(lstm) CELL(gru) CELL(peephole)

#endif
