"""Work behind the scenes: jobs, workers and who keeps them, the clock, figures."""
