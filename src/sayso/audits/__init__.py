"""One file = one question of trust, asked of a run: is it private, fair, robust?"""
