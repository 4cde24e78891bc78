#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each check finds what it is there for: a violation is planted for each."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent

LGPL = "/* SPDX-License-Identifier: LGPL-2.1-or-later */\n"
GPL = "/* SPDX-License-Identifier: GPL-2.0-or-later */\n"

GOOD = {
    "lib/lun.h": LGPL + "#ifndef LUN_H\n#define LUN_H\nstruct lun;\n#endif\n",
    "lib/base/list.h": LGPL + '#include "lun.h"\nstruct list;\n',
    "lib/wire/pdu.h": LGPL + '#include "base/list.h"\nstruct pdu;\n',
    "lib/wire/pdu.c": LGPL + '#include "wire/pdu.h"\n',
    "lib/session/task.h": LGPL + '#include "wire/pdu.h"\nstruct task;\n',
    "lib/lun-impl.h": LGPL + '#include "session/task.h"\n',
    "lib/lun-url.c": LGPL + '#include "lun-impl.h"\n#include "lun.h"\n',
    "src/main.c": GPL + '#include "lun.h"\n#include "opts.h"\n',
    "src/opts.h": GPL + "struct opts;\n",
    "src/fuse/fs.c": GPL + '#include "opts.h"\n#include "fs.h"\n',
    "src/fuse/fs.h": GPL + "struct fs;\n",
    "tests/target/t.c": GPL + '#include "wire/pdu.h"\n',
    "tests/interop/lib.sh": "# SPDX-License-Identifier: GPL-2.0-or-later\n"
    "grep -q x y || z\n",
    "contrib/demo": "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0-or-later\n",
}

LONG = "".join(f"\tx += {i};\n" for i in range(68))

# check, file, its text, a word that the complaint has
BAD = [
    ("check-layers", "lib/base/up.h", '#include "wire/pdu.h"\n', "wire/pdu.h"),
    ("check-layers", "lib/wire/up.c", '  #  include "session/task.h"\n',
     "session/task.h"),
    ("check-layers", "lib/wire/angle.c", "#include <session/task.h>\n",
     "session/task.h"),
    ("check-layers", "lib/lun.h", '#include "base/list.h"\n', "base/list.h"),
    ("check-layers", "lib/wire/top.c", '#include "lun-impl.h"\n',
     "lun-impl.h"),
    ("check-layers", "src/top.c", '#include "lun-impl.h"\n', "lun-impl.h"),
    ("check-layers", "lib/odd/odd.c", "int odd;\n", "table of layers"),
    ("check-layers", "lib/wire/near.c", '#include "pdu.h"\n', "pdu.h"),
    ("check-layers", "src/deep.c", '#include "wire/pdu.h"\n', "wire/pdu.h"),
    ("check-layers", "src/fuse/deep.c", '#include "../../lib/wire/pdu.h"\n',
     "not found"),
    ("check-layers", "tests/target/t2.c", '#include "session/task.h"\n',
     "session/task.h"),
    ("check-sizes", "lib/wire/long.c", "\n" * 601, "601 lines"),
    ("check-sizes", "lib/wire/fn.c",
     f"int\nfn(int x)\n{{\n{LONG}\treturn x;\n}}\n", "fn()"),
    ("check-headers", "lib/wire/alone.h", "void f(size_t n);\n", "alone.h"),
    ("check-headers", "src/fuse/alone.h", "void f(size_t n);\n", "alone.h"),
    ("check-headers", "lib/lun.h", "void f(int class);\n", "as C++"),
    ("check-headers", "lib/lun.h", "#include <stddef.h>\n"
     "void f(void);\nint g(int (*)(__typeof__(0)), ...);\n"
     "struct s { struct { int a; }; };\n", "as C99"),
    ("check-spdx", "lib/wire/none.c", "int none;\n", "none.c"),
    ("check-spdx", "lib/wire/gpl.h", GPL, "gpl.h"),
    ("check-spdx", "contrib/test", "#!/bin/sh\n", "contrib/test"),
    ("check-pipes", "tests/interop/test-x.sh", "ps | grep -q x\n", "grep -q x"),
    ("check-pipes", "tests/interop/test-x.sh", "ps |\n\tgrep -v -Exq x ||\n",
     "-Exq x"),
]


def plant(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(check, root):
    return subprocess.run([HERE / check, root], capture_output=True, text=True)


class Lint(unittest.TestCase):
    def test_good_tree(self):
        with tempfile.TemporaryDirectory() as d:
            plant(pathlib.Path(d), GOOD)
            for check in sorted({b[0] for b in BAD}):
                r = run(check, d)
                self.assertEqual(r.returncode, 0, check + r.stdout + r.stderr)

    def test_each_violation(self):
        for check, name, text, word in BAD:
            with self.subTest(check=check, name=name), \
                    tempfile.TemporaryDirectory() as d:
                plant(pathlib.Path(d), GOOD | {name: text})
                r = run(check, d)
                self.assertEqual(r.returncode, 1, r.stdout + r.stderr)
                self.assertIn(word, r.stdout)

    def test_seventy_lines_pass(self):
        with tempfile.TemporaryDirectory() as d:
            text = LONG.split("\n", 3)[3]
            plant(pathlib.Path(d), GOOD | {
                "lib/wire/fn.c": f"int\nfn(int x)\n{{\n{text}\treturn x;\n}}\n",
                "lib/wire/long.c": "\n" * 600})
            r = run("check-sizes", d)
            self.assertEqual(r.returncode, 0, r.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
