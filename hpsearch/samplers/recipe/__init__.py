"""The recipe of the lectures as a search in rounds: coarse, refined, longer, and round again."""
