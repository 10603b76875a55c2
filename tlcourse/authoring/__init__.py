"""From one lesson source to solutions/ and notebooks/, and the proof that they agree."""
