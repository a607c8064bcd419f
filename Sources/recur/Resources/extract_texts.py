#!/usr/bin/env python3
"""Extracts tang.txt and sawyer.txt, the texts that the character model of `recur demo gates` has read.

Sources, both from Debian 12 packages, of which only texts in the public domain are used and nothing else:

- fortunes-zh 2.98: Three Hundred Tang Poems (Sun Zhu, 1763; the poets lived from 618 to 907), in simplified characters.
  The verses alone are kept. The packaging is under the GPL; nothing of it is used.
- golang-github-klauspost-compress-dev 1.15.12: The Adventures of Tom Sawyer by Mark Twain (1876), there as test data.
  Chapters III, XII and XIV are kept, without headings.

Behind the poems stand verses by Tang poets with the lesson's own words (cat, dog, eat, fish), typed in by hand below.

Run with nothing but Python 3 and, for the packages, Debian's tools:

    apt-get download fortunes-zh golang-github-klauspost-compress-dev
    python3 extract_texts.py fortunes-zh_*.deb golang-github-klauspost-compress-dev_*.deb
"""

import argparse
import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tarfile

POEMS = "./usr/share/games/fortunes/tang300"
POEMS_SHA256 = "b69cab0cb84c49dc1808d95aea7156c8911a7022ec630e194eecf360b78feff5"
NOVEL = "./usr/share/gocode/src/github.com/klauspost/compress/testdata/Mark.Twain-Tom.Sawyer.txt"
NOVEL_SHA256 = "2a17996ae0fbb92571233a11f490f92a9bceb852468acb894d70c70a1e44b770"
CHAPTERS = ["III", "XII", "XIV"]

# By 寒山, 拾得, 杜甫 (绝句四首, 病后遇王倚饮赠歌, 可叹, 水槛遣心),
# 卢仝 (走笔谢孟谏议寄新茶), 胡令能 (小儿垂钓) and 张志和 (渔歌子), in this order.
VERSES = """
失却斑猫儿，老鼠围饭瓮。

骅骝将捕鼠，不及跛猫儿。

我见百十狗，个个毛鬇鬡。
卧者渠自卧，行者渠自行。
投之一块骨，相与啀喍争。
良由为骨少，狗多分不平。

若解捉老鼠，不在五白猫。

梅熟许同朱老吃，松高拟对阮生论。

但使残年饱吃饭，只愿无事常相见。

天上浮云似白衣，斯须改变如苍狗。

细雨鱼儿出，微风燕子斜。

五碗肌骨清，六碗通仙灵。
七碗吃不得也，唯觉两腋习习清风生。

蓬头稚子学垂纶，侧坐莓苔草映身。
路人借问遥招手，怕得鱼惊不应人。

西塞山前白鹭飞，桃花流水鳜鱼肥。
青箬笠，绿蓑衣，斜风细雨不须归。
"""


def content(package, name, digest):
    """Reads one file of a Debian package."""
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        found = files.extractfile(name).read()
    if hashlib.sha256(found).hexdigest() != digest:
        sys.exit(f"{package}: expected {name} with SHA-256 {digest}, got {hashlib.sha256(found).hexdigest()}")
    return found.decode("utf-8")


def verses(text):
    """Keeps a poem's lines; title and author are those with colours for a terminal."""
    poems = [[line for line in poem.splitlines() if line and "\x1b" not in line] for poem in text.split("%\n")]
    return "\n\n".join("\n".join(poem) for poem in poems if poem) + "\n"


def paragraphs(text):
    """Puts every paragraph of the chapters on one line."""
    chapters = dict(re.findall(r"\nCHAPTER ([IVX]+)\n(.*?)(?=\nCHAPTER |\Z)", text, re.DOTALL))
    lines = [" ".join(part.split()) for name in CHAPTERS for part in chapters[name].split("\n\n")]
    return "\n".join(line for line in lines if line) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poems", type=pathlib.Path, help="fortunes-zh_2.98_all.deb")
    parser.add_argument("novel", type=pathlib.Path, help="golang-github-klauspost-compress-dev_1.15.12+ds1-3_all.deb")
    arguments = parser.parse_args()
    poems = verses(content(arguments.poems, POEMS, POEMS_SHA256)) + "\n" + VERSES.strip() + "\n"
    novel = paragraphs(content(arguments.novel, NOVEL, NOVEL_SHA256))
    folder = pathlib.Path(__file__).parent
    for name, text in [("tang.txt", poems), ("sawyer.txt", novel)]:
        (folder / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}: {len(text):,} characters")


if __name__ == "__main__":
    main()
