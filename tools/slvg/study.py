"""`slvg study NAME`: many runs or a reference, one figure table each, with --json.

Reads arguments, calls host_sim/study/, prints; computes nothing itself.
"""
import typer

study = typer.Typer(no_args_is_help=True, help="Studies: many runs, or a comparison with a "
                                               "reference.")
