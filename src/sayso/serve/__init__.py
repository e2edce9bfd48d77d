"""A trained model in production: it answers, people say what is wrong, and what they say is kept."""
