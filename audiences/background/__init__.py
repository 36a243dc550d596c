"""Background work: jobs, the worker of one machine, figures that it counts."""
