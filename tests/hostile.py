"""Texts that an AI or a stranger may have written, and what in them must never reach a terminal."""

from __future__ import annotations

import re

CAPTIONS = {
    "escapes": "\x1b[2J\x1b]0;title\x07 \x9b31m\x00\x7f\rgone\x08 \x1b]8;;http://evil.example\x1b\\link",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></article></style>&amp;\"'<!-- ]]>",
    "markdown": "[a](javascript:alert(1)) ![x](https://evil.example/x.png)\n# head\n| a | b |\n```\n- [ ] **b** <b>",
    "mentions": "@octocat @org/everyone fixes #1 https://evil.example !merge /approve",
    "workflow": "and now ::error file=a.yaml,line=1::pwned\n::set-output name=x::y\n  ::stop-commands::z\n##[error]no",
    "bidi": "harmless \u202egnp.exe\u2066x\u2069 \u200f\u061c\u200e\u2067 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "long": "Grüße " * 366 + "äöüß",
    "emoji": "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 🫖 e\u0301 \U0001f1e9\U0001f1ea",
    "yaml": "- a: b\n...\n---\n#no\n  deeper\n\ttab\n'\"\\ {x: [y\n\n trailing  \n\n",
    "lines": "one\r\ntwo\u2028three\u2029four\x85five\x0bsix\x0csev\ufeffen",
    "blank": "   \n\n",
    "none": "",
    "tags": "text\U000e0041\U000e0042 hidden\u200b\u2060word \ufffe",
}
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
"""What must not reach a terminal: C0 less line feed and tab, DEL, C1, bidi controls, line separators."""
