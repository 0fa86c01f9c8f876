"""Attacks on the web pages, in small numbers as tests and in large ones by `python -m tests.attacks`.

fortress    a house with something to lose: readers, an operator, digests, and every kind of link
hostile     requests that mean no good, over the table of routes
forged      tokens altered in every bit, of another purpose, too old or revoked
bombing     thousands of sign-ups in other people's names
timing      does the time of an answer tell who is known?
"""
