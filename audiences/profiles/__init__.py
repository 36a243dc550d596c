"""Finding people, by what names them, by their names; reading facts about them."""
