"""One file = prompts, and how an answer is graded."""
