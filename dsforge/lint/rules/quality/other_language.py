"""An answer in another language than the question, which did not ask for it.

Why is this bad?
    The model learns to answer Chinese in English, or the other way round. Told by the scripts of question and answer;
    translations, code, and questions that speak of a language are left alone.

Bad:
    {"instruction": "请介绍一下乌尔姆大教堂的历史，以及它为什么这么有名", "output": "Ulm Minster was begun in 1377 by the citizens of the town, and its steeple is the tallest church tower of the world."}

Good:
    {"instruction": "请把下面这句话翻译成英文：乌尔姆大教堂的塔是世界上最高的教堂塔", "output": "The steeple of Ulm Minster is the tallest church tower of the world."}
"""  # noqa: E501

import re

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.quality.wanted import wanted_messages

_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_WORD = re.compile(r"[a-z]{3,}")
"""A question that quotes such a word may well be about it."""
_OF_LANGUAGE = re.compile(
    r"[a-z]*(?:translat|english|chinese|mandarin|japanese|korean|french|german|spanish|italian|language|pinyin|kanji|spell"
    r"|vocabulary|bilingual|idiom|proverb|code|python|java|sql|html|regex|script|function|program|command|latex|json|yaml)"
    r"|英文|英语|英译|中文|汉语|日语|日文|韩语|法语|德语|翻译|译成|语言|拼音|单词|词|例句|句子|语法|双语|代码|程序|编程|函数|脚本|算法|命令"
    r"|指令|正则|公式|歌词|诗|标题|变量|接口|关键词|输入|作文|雅思|托福|四六级",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"```|[{};]\s*$|^\s*(?:def|import|from|class|SELECT|#include|<[a-z])\b|\w\(.*\)|\\\\[a-z]+|https?://", re.MULTILINE
)


def _share_of_cjk(text: str) -> float:
    """The share of CJK characters among these and the words in Latin letters: 0 is none, 1 nothing else."""
    characters, words = len(_CJK.findall(text)), len(_LATIN_WORD.findall(text))
    return characters / (characters + words) if characters + words else 0.5


_SAMPLE = 160


def _check(example: Example, report: Report) -> None:
    asked = ""
    for index, message in enumerate(wanted_messages(example)):
        text = message.content
        if type(text) is not str:
            continue
        if message.role == "user":
            asked = text
        if message.role != "assistant" or (text.isascii() and asked.isascii()):
            continue
        if len(asked) < 12 or len(text) < 40 or message.tool_calls or _alike(asked, text):
            continue
        one, other = _share_of_cjk(asked), _share_of_cjk(text)
        differs = (one >= 0.8 and other <= 0.05 and not _WORD.search(asked)) or (one <= 0.02 and other >= 0.6)
        if differs and not _speaks_of_language(example, text):
            names = ("Chinese, Japanese or Korean", "Latin letters")
            was, became = names if one > other else names[::-1]
            report(f"asked in {was}, answered in {became}", index,
                   "answer in the language of the question, or say which", span=(0, min(len(text), 60)))  # fmt: skip


def _speaks_of_language(example: Example, answer: str) -> bool:
    asked = "\n".join(message.text for message in example.messages if message.role != "assistant")
    return bool(_OF_LANGUAGE.search(asked) or _CODE.search(answer))


def _alike(one: str, other: str) -> bool:
    """Whether two texts begin with as many bytes to a character, which tells most scripts apart at once."""
    one, other = one[:_SAMPLE], other[:_SAMPLE]
    if one.isascii():
        return other.isascii() or not _is_wide(other)
    return not other.isascii() and _is_wide(one) is _is_wide(other)


def _is_wide(text: str) -> bool:
    return 2 * len(text.encode("utf-8", "surrogatepass")) >= 3 * len(text)


RULE = ExampleRule("Q509", "warning", _check, concerns=("wide",))
