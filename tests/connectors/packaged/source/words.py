def shout(word: str) -> str:
    return f"{word.upper()}!"
