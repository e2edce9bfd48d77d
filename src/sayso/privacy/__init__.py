"""Personal data in a text: found, hidden, or refused. No model is asked, and nothing is fetched."""
