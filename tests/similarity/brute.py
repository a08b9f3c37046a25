"""Jaccard similarity in plain Python, with a tokeniser of its own: the truth the fast paths are held to."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Sequence

from dsforge.similarity.shingle import Texts, pack

_CJK_RANGES = r"\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U000323af"
_CJK = re.compile(f"[{_CJK_RANGES}]")
_WORD = re.compile(f"[{_CJK_RANGES}]|[^{_CJK_RANGES}]+")


def shingles(text: str) -> set[str]:
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    width = 3 if len(_CJK.findall(folded)) > 0.3 * len(folded) else 5
    if not folded:
        return set()
    return {folded[at : at + width] for at in range(max(len(folded) - width + 1, 1))}


def words(text: str) -> list[str]:
    """What stands between spaces, and each Chinese, Japanese or Korean character."""
    return [word for piece in text.split(" ") for word in _WORD.findall(piece)]


def packed(documents: Sequence[Sequence[str]]) -> Texts:
    """The flat buffer of documents of texts."""
    return pack([[part.encode("utf-8", "surrogatepass") for part in document] for document in documents])


def jaccard(left: str, right: str) -> float:
    ours, theirs = shingles(left), shingles(right)
    return len(ours & theirs) / len(ours | theirs) if ours or theirs else 1.0


_ALPHABETS = ("abc de", "你好吗世界人民 a b", "abcdefghijklmnop 你", "😀é字x\u0000", "def f(x):\n  return 1")


def random_text(rng: random.Random, longest: int = 400) -> str:
    alphabet = rng.choice(_ALPHABETS)
    return "".join(rng.choices(alphabet, k=rng.choice((0, 1, 2, 3, 4, 5, 6, 40, longest))))


_ENGLISH = re.findall(
    r"\w+",
    "the quick refund order arrives late customer please help account password reset invoice parcel address bank card",
)
_CHINESE = (
    "请问我的订单什么时候可以发货退款到账密码忘记了怎么办理发票地址修改快递查询银行卡绑定失败客服联系方式投诉建议"
)


def sentence(rng: random.Random, chinese: bool, words: int) -> str:
    if chinese:
        return "".join(rng.choices(_CHINESE, k=words * 2))
    return " ".join(rng.choice(_ENGLISH) + str(rng.randrange(50)) for _ in range(words))


def edited(rng: random.Random, text: str, share: float) -> str:
    """`text` with about `share` of its words (characters, in Chinese) replaced."""
    if " " in text:
        return " ".join("edited" + str(rng.randrange(99)) if rng.random() < share else word for word in text.split())
    return "".join(rng.choice(_CHINESE) if rng.random() < share else char for char in text)
