"""Parts of ``benchmarks.fuzz``: sound files, damages, trials."""
