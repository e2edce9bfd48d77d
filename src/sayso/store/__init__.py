"""Where feedback and runs are kept."""
