"""Wrong answers that people really give, one module a lab, and what the check must say to each.

A module has `names()`, what the lab's cells have made before the exercises (at least `lab`), and
`WRONG`: for each exercise by its number a list of pairs, a piece of the message that only this
mistake gets, and the answer's code.
"""
