"""Who is in an audience, and how many they are."""
