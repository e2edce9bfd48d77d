"""The review inbox: pages on which people say what is wrong with answers, and see what became of it."""
