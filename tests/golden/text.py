#!/usr/bin/env python3
"""Writes text.json, tokenizer_wordpiece.json and tokenizer_bpe.json: what Hugging Face's `tokenizers` makes of awkward
strings, and the merges that its trainer learns. Made with tokenizers 0.23.3 (Python 3.11):
    pip install tokenizers && python tests/golden/text.py
"""
import json
import pathlib
import random

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
rng = random.Random(1)

AWKWARD = [
    "", " ", "\n", "hello", "Hello, World!", "don't you've I'm he'll they're we'd it's", "' s 's' 'S 'RE x're", "a  b   c\t\td\n\ne \n f ",
    "  leading and trailing  ", "naïve café résumé Ångström ÉCOLE", "nai\u0308ve e\u0301\u0323 e\u0323\u0301 a\u0301\u0301", "İstanbul ISTANBUL ıI ΑΣ Σίσυφος",
    "ẞß ﬁ ﬀ Ⅷ ² ½ ٣ ৩", "日本語のテキスト 漢字かな交じり", "한국어 텍스트 각", "中文abc中 文,你好。", "𠀀𪜀𫝀丽", "שלום עולם نَصٌّ हिन्दी ภาษาไทย",
    "\u200bzero\u200dwidth\ufeff soft\u00adhyphen \u202eright", "tab\tnul\x00bell\x07del\x7fesc\x1b\x85nel\u2028ls\u2029ps", "\u00a0nbsp\u3000wide\u2003em\u1680ogham\u180emongol",
    "\ufffd replacement \ue000 private \U000f0000", "🙂👨‍👩‍👧‍👦🏳️‍🌈 🇩🇪 ❤️", "a_b-c/d\\e|f~g`h^i$j+k<l=m>n", "«quotes» “double” ‘single’ … — – ‐", "$1,234.56 €7 £8 50% #9 @10",
    "http://example.org/?a=b&c=d#e", "x" * 99, "x" * 100, "x" * 101, "é" * 100, "e\u0301" * 101, "word" * 60, "aaaaaaaaaaaaaaaa", "abababababab", "!!!!!!!!", "    ", "\t\n\r\x0b\x0c",
    "\U0001d15e\U0001d165\U0001d16d\u0301", "q\u0307\u0323 \u0344 \u0f73 \u1fbe \u212a \u212b \u2126", "[MASK] [CLS] [SEP] [UNK] [PAD] <|endoftext|>", "The cat sat on the [MASK].", "3.14 1e10 0x1F 1st 2nd",
    "I'\u0301m don\u2019t 'tis", "'", "''", "'s", " 's", "s'", "\u0301", " \u0301a", "a\u00a0 b", "a \u00a0b", "\n\n\na", "a\n\n", "a \n b",
]
RANGES = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x36F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x621, 0x652), (0x905, 0x939),
          (0xE01, 0xE30), (0x1100, 0x1112), (0x2000, 0x2027), (0x2030, 0x205E), (0x2070, 0x2071), (0x20A0, 0x20AC), (0x2150, 0x2188), (0x3041, 0x3096),
          (0x4E00, 0x4E40), (0xAC00, 0xAC40), (0xF900, 0xF910), (0xFF01, 0xFF5E), (0x1D400, 0x1D410), (0x1F600, 0x1F640), (0x9, 0xD), (0x1, 0x1F)]


def random_text():
    out = ""
    for _ in range(rng.randint(1, 12)):
        low, high = rng.choice(RANGES)
        out += "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 5)))
        out += rng.choice(["", "", " ", "  ", "\n", "'s", "\u0301"])
    return out


CASES = AWKWARD + [random_text() for _ in range(150)]

SYLLABLES = ["ka", "lo", "mi", "ter", "ing", "ed", "an", "the", "re", "st", "ou", "qu", "é", "ß", "or", "th"]
WORDS = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(150)]
CORPUS = "\n".join(
    " ".join(rng.choice(WORDS[: rng.choice([5, 20, 150])]) + rng.choice(["", "", "", ",", ".", "'s", "!", " 12"]) for _ in range(8))
    for _ in range(120)
)


def byte_offsets(text, offsets):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[a], at[b]] for a, b in offsets]


def wordpiece(lower, longest):
    normalizer = normalizers.BertNormalizer(lowercase=lower)
    letters = sorted({c for text in CASES for c in normalizer.normalize_str(text) if not c.isspace()})
    letters = letters[: len(letters) - len(letters) // 20]  # the last ones are [UNK]
    words = ["hello", "world", "don", "cafe", "ech", "##llo", "##ing", "the", "cat", "sat", "on", "##th", "xx", "##xx", "##xxx"]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words + letters + ["##" + c for c in letters]
    t = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]", max_input_chars_per_word=longest))
    t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.decoder = decoders.WordPiece()
    plain = [(e.ids, e.offsets) for e in t.encode_batch(CASES, add_special_tokens=False)]  # before [MASK] is a special token
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    special = [(e.ids, e.offsets) for e in t.encode_batch(CASES)]
    return t, vocab, plain, special


def cases_of(plain, special):
    return [
        {"ids": p[0], "offsets": byte_offsets(text, p[1]), "special": s[0]} for text, p, s in zip(CASES, plain, special)
    ]


lower, vocab, *lower_results = wordpiece(True, 100)
lower.save(str(HERE / "tokenizer_wordpiece.json"), pretty=False)
_, cased_vocab, *cased_results = wordpiece(False, 200)

bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
bpe.post_processor = processors.ByteLevel(trim_offsets=False)
bpe.train_from_iterator([CORPUS], trainers.BpeTrainer(vocab_size=450, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
plain = [e.ids for e in bpe.encode_batch(CASES)]
bpe.add_special_tokens(["<|endoftext|>"])
special = [e.ids for e in bpe.encode_batch(CASES)]
bpe.save(str(HERE / "tokenizer_bpe.json"), pretty=False)

(HERE / "text.json").write_text(
    json.dumps(
        {
            "made_with": "tokenizers " + tokenizers.__version__,
            "texts": CASES,
            "corpus": CORPUS,
            "vocab": vocab,
            "lower": cases_of(*lower_results),
            "cased_vocab": cased_vocab,
            "cased": cases_of(*cased_results),
            "bpe": [{"ids": p, "special": s} for p, s in zip(plain, special)],
        },
        separators=(",", ":"),
    )
    + "\n"
)
