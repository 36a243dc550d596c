"""What an audience or a rule says about people: trees, their nodes, their words."""
