"""Removes text that looks like an access key from source code and diffs before they are recorded."""

import re

_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[pousr]_[0-9A-Za-z]{20,255}\b|\bgithub_pat_[0-9A-Za-z_]{20,255}\b|\bglpat-[0-9A-Za-z_-]{20,64}"
    r"|\bsk-[0-9A-Za-z_-]{20,255}|\bhf_[0-9A-Za-z]{20,64}\b|\bxox[abeprs]-[0-9A-Za-z-]{10,255}"
    r"|\bAIza[0-9A-Za-z_-]{35}|\beyJ[0-9A-Za-z_-]{10,2000}\.[0-9A-Za-z_-]{10,4000}\.[0-9A-Za-z_-]{10,1000}"
    r"|\bhttps://hooks\.slack\.com/services/[0-9A-Za-z/]{10,255}"
)
"""Keys with a known form: AWS, GitHub, GitLab, OpenAI, Hugging Face, Slack, Google, and JSON web tokens."""

_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)([^-]{0,20000})")

_NAMED = re.compile(
    r"""((?:secret|token|passw(?:or)?d|passphrase|api_?key|access_?key|auth_?key|private_?key|credentials?)\w{0,30}"""
    r"""["']?\s{0,3}[:=]{1,2}\s{0,3})(["'])([^"'\n]{6,400})(["'])""",
    re.IGNORECASE,
)
"""A string literal assigned to a name that says it is a key: `api_key = "..."`, `"token": "..."`."""

_NAMED_PLAIN = re.compile(
    r"""((?:secret|token|passw(?:or)?d|api_?key|access_?key|private_?key)\w{0,30}\s{0,3}[:=]\s{0,3})"""
    r"""(?=[^\s"'()\[\]{}]{0,200}\d)([0-9A-Za-z+/=_-]{8,200})(?=\s|$)""",
    re.IGNORECASE,
)
"""The same without quotes, as in YAML and .env files. The value must have a digit: `token = read_token` is code."""


def without_keys(text: str) -> str:
    """The text, with text that looks like a key replaced by ***. The time is linear in the length."""
    text = _PRIVATE_KEY.sub(r"\1***", text)
    text = _KNOWN.sub("***", text)
    text = _NAMED.sub(r"\1\2***\4", text)
    return _NAMED_PLAIN.sub(r"\1***", text)
