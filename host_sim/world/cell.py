"""A recloser's cell in a district: its breaker, its spring, its seven contacts. Times in s.

Asked in the order of time, as the breaker is. What flows through it and stands at it is the
district's; where its main contact is, the district is told by whoever plays the two.
"""
from host_sim.world.bay import Input, contacts
from host_sim.world.breaker import Breaker


class Cell:
    """spring_s: how long the motor takes to charge the closing spring again. orders: (s, close),
    those that the breaker has followed or will; a coil that is driven longer is one."""

    def __init__(self, breaker: Breaker, inputs: list[Input], spring_s: float):
        self.breaker = breaker
        self.orders: list[tuple[float, bool]] = []
        self._inputs = inputs
        self._spring_s = spring_s
        self._charged_s = 0.0
        self._turns_s: float | None = None       # when the last order is carried out

    def order(self, close: bool, t_s: float) -> None:
        turns_s = self.breaker.order(close, t_s)
        if turns_s is None or turns_s == self._turns_s:
            return
        self._turns_s = turns_s
        self.orders.append((t_s, close))
        if close:
            self._charged_s = t_s + self._spring_s

    def closed(self, t_s: float) -> bool:
        return self.breaker.closed(t_s)

    def levels(self, t_s: float) -> list[int]:
        """The seven inputs, as the board has them."""
        return contacts(self.breaker, t_s >= self._charged_s, self._inputs, t_s)
