"""Who writes the answers: any server that speaks OpenAI's API, or the local model that `local` serves."""
