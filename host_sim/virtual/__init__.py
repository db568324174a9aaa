"""A virtual board: the firmware's files, REPL and pins without a board. docs/virtual_board.md."""
