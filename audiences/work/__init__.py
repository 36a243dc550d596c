"""Work behind the scenes: the worker of one machine, figures that are counted there."""
